"""voidPurchase."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.purchases.inputs import PurchaseReferenceInput
from services.gateway.graphql.purchases.queries import writable_purchase
from services.gateway.graphql.purchases.types import Purchase, TierChange, load_purchase, tier_change
from services.gateway.graphql.purchases.uses import PurchaseUse, to_uses
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.ledger.errors import BalanceTooLarge
from services.loyalty.purchases import service
from services.loyalty.purchases.domain.changes import VoidPurchase
from services.loyalty.purchases.errors import PurchaseNotFound, PurchaseVoided
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A sale that was never meant.")
class VoidPurchaseInput:
    purchase: PurchaseReferenceInput = strawberry.field(description="The purchase that is voided.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    reason: str | None = strawberry.field(default=None, description="Why.")


@strawberry.type(description="What voiding a purchase took back.")
class VoidPurchasePayload:
    purchase: Purchase | None = strawberry.field(description="The purchase as it is now.")
    points: Points = strawberry.field(description="The points that were taken back.")
    owed: Points = strawberry.field(description="How many of them the member owes now.")
    shortfall: Points = strawberry.field(description="Points that should have come back and had been spent.")
    balance: Points = strawberry.field(description="What the member could spend then; 0 for a guest.")
    tier_change: TierChange | None = strawberry.field(description="The change of tier that it brought, if any.")
    needs_decision: list[PurchaseUse] = strawberry.field(
        description="Effects that have left the house, for points that nobody has any more: a person must decide."
    )
    consequences: list[PurchaseUse] = strawberry.field(
        description="Later events that had used what the purchase gave, and keep what they got."
    )
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_somewhere(Scope.PURCHASES_WRITE),
    description="Void a purchase: all that is left of it is taken back, and nothing can happen to it any more."
    " Its store must be one of yours.",
    errors=(PurchaseNotFound, PurchaseVoided, BalanceTooLarge, IdempotencyConflict),
)
async def void_purchase(info: Info, input: VoidPurchaseInput) -> VoidPurchasePayload:
    """Void a purchase."""
    purchase = await writable_purchase(info, input.purchase.to_ref(field="purchase"))
    command = VoidPurchase(
        purchase=purchase.id,
        idempotency_key=input.idempotency_key,
        request_hash=input_hash(info),
        reason=input.reason,
    )
    result = await info.context.run_command(lambda uow: service.void_purchase(uow, command=command), has_key=True)
    return VoidPurchasePayload(
        purchase=await load_purchase(info, purchase.id),
        points=Points(result.points),
        owed=Points(result.owed),
        shortfall=Points(result.shortfall),
        balance=Points(result.balance),
        tier_change=tier_change(result.from_tier, result.to_tier),
        needs_decision=to_uses(result.needs_decision),
        consequences=to_uses(result.consequences),
        replayed=result.replayed,
    )
