"""What a till asks of the checkout."""

from decimal import Decimal
from uuid import UUID

import strawberry

from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.references import MemberReferenceInput, optional_ref
from services.gateway.graphql.money import to_minor
from services.gateway.graphql.purchases.inputs import PurchaseLineInput, SaleInput, to_lines
from services.gateway.graphql.scalars import Currency, Points
from services.loyalty.checkout.domain import AskedCart, PointsAsked
from services.platform.errors import InvalidInput


@strawberry.input(one_of=True, description="How much to pay with points. Exactly one field.")
class PayWithPointsInput:
    points: strawberry.Maybe[Points] = strawberry.field(description="So many points.")
    amount: strawberry.Maybe[Decimal] = strawberry.field(
        description="So much money's worth, in major units of the cart's currency."
    )
    all: strawberry.Maybe[bool] = strawberry.field(description="`true`: as many as may be.")

    def to_asked(self, currency: str) -> PointsAsked:
        """What it asks for.

        Raises:
            InvalidInput: ``all`` is false, or an amount is below zero or has more digits than the currency.
        """
        if self.points:
            return PointsAsked(points=_not_negative(int(self.points.value)))
        if self.amount:
            minor = to_minor(self.amount.value, currency, field="payWithPoints.amount")
            return PointsAsked(money_minor=_not_negative(minor))
        if self.all and self.all.value:
            return PointsAsked()
        raise InvalidInput(field="payWithPoints", reason="NOTHING_GIVEN")


def _not_negative(amount: int) -> int:
    if amount < 0:
        raise InvalidInput(field="payWithPoints", reason="NEGATIVE")
    return amount


@strawberry.input(description="Coupons for a cart.")
class CartCouponsInput:
    codes: list[str] = strawberry.field(
        default_factory=list, description="Codes that were entered or scanned, in whatever case."
    )
    coupon_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Coupons that were chosen of the member's own."
    )
    all_of_member: bool = strawberry.field(default=False, description="Whether to try all that the member has.")


@strawberry.input(description="A cart that may become a purchase.")
class QuoteCartInput(SaleInput):
    store_id: strawberry.ID = strawberry.field(description="Where it would be bought.")
    currency: Currency = strawberry.field(description="The currency of all its amounts: the store's.")
    lines: list[PurchaseLineInput] = strawberry.field(description="What is in it, 1 to 500 lines.")
    member: MemberReferenceInput | None = strawberry.field(default=None, description="Who would buy; null for a guest.")
    coupons: CartCouponsInput | None = strawberry.field(default=None, description="Coupons to use; null for none.")
    pay_with_points: PayWithPointsInput | None = strawberry.field(
        default=None, description="How much to pay with points; null for nothing."
    )
    replaces: str | None = strawberry.field(
        default=None,
        description="The token of an earlier quote of the same cart: what that has reserved is not in its way.",
    )
    source: str | None = strawberry.field(
        default=None, description="The system that will tell of the purchase, for rules that ask for it."
    )

    def to_asked(self, cart_id: UUID | None = None) -> AskedCart:
        """The cart that it asks about, and which one it replaces."""
        coupons = self.coupons or CartCouponsInput()
        return AskedCart(
            member=optional_ref(self.member),
            store_id=decode("Store", self.store_id, field="storeId"),
            currency=self.currency,
            lines=to_lines(self.lines, self.currency),
            discount_minor=to_minor(self.discount, self.currency, field="discount"),
            channel=self.channel,
            told=self.to_told(self.currency),
            codes=tuple(coupons.codes),
            coupon_ids=tuple(
                decode("Coupon", each, field=f"coupons.couponIds.{index}")
                for index, each in enumerate(coupons.coupon_ids)
            ),
            every_coupon=coupons.all_of_member,
            points=self.pay_with_points.to_asked(self.currency) if self.pay_with_points else None,
            cart_id=cart_id,
            source=self.source,
        )
