"""amendPurchase."""

from decimal import Decimal

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.money import to_minor
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.purchases.inputs import PurchaseLineInput, PurchaseReferenceInput, to_lines
from services.gateway.graphql.purchases.queries import writable_purchase
from services.gateway.graphql.purchases.types import Purchase, TierChange, load_purchase, tier_change
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.earning.errors import AccrualTooLarge, DiscountExceedsOrder
from services.loyalty.ledger.errors import BalanceTooLarge
from services.loyalty.purchases import domain, service
from services.loyalty.purchases.domain.changes import AmendPurchase
from services.loyalty.purchases.errors import PurchaseAlreadyRefunded, PurchaseNotFound, PurchaseVoided
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A sale that was rung up anew.")
class AmendPurchaseInput:
    purchase: PurchaseReferenceInput = strawberry.field(description="The purchase as it is known.")
    lines: list[PurchaseLineInput] = strawberry.field(
        description="What was really bought, 1 to 500 lines, in the purchase's currency."
    )
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    discount: Decimal = strawberry.field(
        default=Decimal(0),
        description="What the order as a whole was reduced by, beyond the discounts of its lines, in major units.",
    )
    reason: str | None = strawberry.field(default=None, description="Why.")

    def to_command(self, purchase: domain.Purchase, request_hash: bytes) -> AmendPurchase:
        """The command that it asks for."""
        return AmendPurchase(
            purchase=purchase.id,
            lines=to_lines(self.lines, purchase.currency),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            discount_minor=to_minor(self.discount, purchase.currency, field="discount"),
            reason=self.reason,
        )


@strawberry.type(description="The purchase as it was rung up anew.")
class AmendPurchasePayload:
    purchase: Purchase | None = strawberry.field(description="The purchase as it is now.")
    points: Points = strawberry.field(description="What it earns as amended.")
    change: Points = strawberry.field(description="What that added to the member's points; negative: took from them.")
    shortfall: Points = strawberry.field(description="Points that should have come back and had been spent.")
    balance: Points = strawberry.field(description="What the member could spend then; 0 for a guest.")
    tier_change: TierChange | None = strawberry.field(description="The change of tier that it brought, if any.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_somewhere(Scope.PURCHASES_WRITE),
    description="Replace the lines of a purchase, as if it had been rung up so at first: it is judged anew as of when"
    " it happened. Store, currency, time and buyer stay. Its store must be one of yours.",
    errors=(
        PurchaseNotFound,
        PurchaseVoided,
        PurchaseAlreadyRefunded,
        DiscountExceedsOrder,
        AccrualTooLarge,
        BalanceTooLarge,
        QualifyingSumTooLarge,
        IdempotencyConflict,
    ),
)
async def amend_purchase(info: Info, input: AmendPurchaseInput) -> AmendPurchasePayload:
    """Amend a purchase."""
    purchase = await writable_purchase(info, input.purchase.to_ref(field="purchase"))
    command = input.to_command(purchase, input_hash(info))
    result = await info.context.run_command(lambda uow: service.amend_purchase(uow, command=command), has_key=True)
    return AmendPurchasePayload(
        purchase=await load_purchase(info, purchase.id),
        points=Points(result.points),
        change=Points(result.change),
        shortfall=Points(result.shortfall),
        balance=Points(result.balance),
        tier_change=tier_change(result.from_tier, result.to_tier),
        replayed=result.replayed,
    )
