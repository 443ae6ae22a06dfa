"""settleOfflinePurchase."""

from decimal import Decimal

import strawberry

from services.gateway.graphql.checkout.types import UnusedCoupon
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.money import MoneyAmount, to_minor
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.purchases.record_purchase import REFUSALS, RecordPurchaseInput
from services.gateway.graphql.purchases.types import Purchase, TierChange, load_purchase, tier_change
from services.gateway.graphql.scalars import Points
from services.loyalty.checkout import service
from services.loyalty.checkout.domain.commands import OfflineCoupon, SettleOfflinePurchase
from services.platform.auth.domain import Scope
from services.platform.money import Money


@strawberry.input(description="A coupon that a till has taken while it was offline.")
class OfflineCouponInput:
    amount: Decimal = strawberry.field(description="What was taken off for it, in major units.")
    code: str | None = strawberry.field(default=None, description="Its code, in whatever case.")
    coupon_id: strawberry.ID | None = strawberry.field(default=None, description="The coupon, where it has no code.")


@strawberry.input(description="A sale that a till has closed on its own. Its lines have all discounts that were given.")
class SettleOfflinePurchaseInput(RecordPurchaseInput):
    coupons: list[OfflineCouponInput] = strawberry.field(
        default_factory=list, description="The coupons that were taken; what they took off is in the lines already."
    )
    points_paid: Points = strawberry.field(default=Points(0), description="How many points the member paid with.")
    paid_with_points: Decimal = strawberry.field(
        default=Decimal(0), description="What they were taken for, in major units."
    )

    def to_settlement(self, request_hash: bytes) -> SettleOfflinePurchase:
        """The command that it asks for."""
        return SettleOfflinePurchase(
            record=self.to_command(request_hash),
            coupons=tuple(
                OfflineCoupon(
                    amount_minor=to_minor(each.amount, self.currency, field=f"coupons.{index}.amount"),
                    code=each.code,
                    coupon_id=decode_optional("Coupon", each.coupon_id, field=f"coupons.{index}.couponId"),
                )
                for index, each in enumerate(self.coupons)
            ),
            points=int(self.points_paid),
            value_minor=to_minor(self.paid_with_points, self.currency, field="paidWithPoints"),
        )


@strawberry.type(description="A coupon that was taken and could not be honored.")
class DishonoredCoupon:
    coupon: UnusedCoupon = strawberry.field(description="Which one, and why.")
    amount: MoneyAmount = strawberry.field(description="What had been given for it.")


@strawberry.type(description="The purchase, and what of it could not be honored. Nothing of the sale is lost.")
class SettleOfflinePurchasePayload:
    purchase: Purchase | None = strawberry.field(description="The purchase as it is now.")
    points_paid: Points = strawberry.field(description="The points that were spent.")
    missing_points: Points = strawberry.field(description="Points that had been taken and were not there.")
    missing_amount: MoneyAmount = strawberry.field(description="What these had paid.")
    dishonored_coupons: list[DishonoredCoupon] = strawberry.field(description="The coupons that do not stand.")
    points: Points = strawberry.field(description="What it earned.")
    balance: Points = strawberry.field(description="What the member could spend then; 0 for a guest.")
    tier_change: TierChange | None = strawberry.field(description="The change of tier that it brought, if any.")
    replayed: bool = strawberry.field(
        description="Whether the key or the external number was known and nothing happened again."
    )


@mutation(
    access=requires_at(Scope.PURCHASES_WRITE, input_store),
    description="Tell late of a sale that a till has closed while it was offline, with coupons and points taken then."
    " The sale is recorded as it was; coupons that were used up and points that are gone are named in the answer.",
    errors=REFUSALS,
)
async def settle_offline_purchase(info: Info, input: SettleOfflinePurchaseInput) -> SettleOfflinePurchasePayload:
    """Settle a sale that was made offline."""
    command = input.to_settlement(input_hash(info))
    result = await info.context.run_command(
        lambda uow: service.settle_offline_purchase(uow, command=command), has_key=True
    )
    recorded, currency = result.recorded, input.currency
    return SettleOfflinePurchasePayload(
        purchase=await load_purchase(info, recorded.purchase_id),
        points_paid=Points(result.points),
        missing_points=Points(result.missing_points),
        missing_amount=MoneyAmount.from_domain(Money(result.missing_minor, currency)),
        dishonored_coupons=[
            DishonoredCoupon(
                coupon=UnusedCoupon.from_domain(refused, info.context.request.locale),
                amount=MoneyAmount.from_domain(Money(amount, currency)),
            )
            for refused, amount in result.refused
        ],
        points=Points(recorded.points),
        balance=Points(recorded.balance),
        tier_change=tier_change(recorded.from_tier, recorded.to_tier),
        replayed=recorded.replayed,
    )
