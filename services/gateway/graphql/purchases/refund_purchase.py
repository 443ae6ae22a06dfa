"""refundPurchase."""

from datetime import datetime
from uuid import UUID

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.members.references import MemberReferenceInput, optional_ref
from services.gateway.graphql.permissions import is_allowed_at, requires_somewhere
from services.gateway.graphql.purchases.inputs import PurchaseReferenceInput, RefundOfInput
from services.gateway.graphql.purchases.loaders import refunds_by_key
from services.gateway.graphql.purchases.queries import find_purchase
from services.gateway.graphql.purchases.types import Purchase, Refund, TierChange, load_purchase, tier_change
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.earning.errors import (
    NothingLeftToRefund,
    RefundBelowZero,
    RefundExceedsPurchase,
    RefundLineUnknown,
    RefundQuantityExceedsLine,
)
from services.loyalty.ledger.errors import BalanceTooLarge
from services.loyalty.members.errors import IdentityInvalid, MemberNotFound
from services.loyalty.purchases import domain, service
from services.loyalty.purchases.errors import (
    OccurredInFuture,
    OccurredTooLongAgo,
    PurchaseNotFound,
    RefundByAnotherMember,
    RefundConflict,
)
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A refund.")
class RefundPurchaseInput:
    purchase: PurchaseReferenceInput = strawberry.field(description="The purchase that is taken back.")
    source: str = strawberry.field(description="The system that tells of it, such as the till's.")
    external_id: str = strawberry.field(description="The refund's own number, unique in that system.")
    refund: RefundOfInput = strawberry.field(description="What comes back.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    member: MemberReferenceInput | None = strawberry.field(
        default=None, description="Who returns; refused when it is not the buyer."
    )
    reason: str | None = strawberry.field(default=None, description="Why.")
    occurred_at: datetime | None = strawberry.field(default=None, description="When it happened; now without it.")

    def to_command(self, purchase: domain.Purchase, request_hash: bytes) -> domain.RefundPurchase:
        """The command that it asks for."""
        return domain.RefundPurchase(
            purchase=purchase.id,
            source=self.source,
            external_id=self.external_id,
            request=self.refund.to_request(purchase.currency),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            member=optional_ref(self.member),
            reason=self.reason,
            occurred_at=self.occurred_at,
        )


@strawberry.type(description="The refund, and what it took back.")
class RefundPurchasePayload:
    refund: Refund | None = strawberry.field(description="The refund.")
    purchase: Purchase | None = strawberry.field(description="The purchase as it is now.")
    points: Points = strawberry.field(
        description="The points that were taken back; negative when some were given, as a negative line came back."
    )
    shortfall: Points = strawberry.field(description="Points that should have come back and had been spent.")
    balance: Points = strawberry.field(description="What the member could spend then; 0 for a guest.")
    tier_change: TierChange | None = strawberry.field(description="The change of tier that it brought, if any.")
    replayed: bool = strawberry.field(
        description="Whether the key or the external number was known and nothing happened again."
    )


@mutation(
    access=requires_somewhere(Scope.PURCHASES_WRITE),
    description="Take back a purchase: all of it, some lines, or an amount. The purchase's store must be one of yours.",
    errors=(
        PurchaseNotFound,
        MemberNotFound,
        IdentityInvalid,
        RefundByAnotherMember,
        RefundConflict,
        RefundExceedsPurchase,
        RefundBelowZero,
        RefundQuantityExceedsLine,
        RefundLineUnknown,
        NothingLeftToRefund,
        OccurredInFuture,
        OccurredTooLongAgo,
        BalanceTooLarge,
        IdempotencyConflict,
    ),
)
async def refund_purchase(info: Info, input: RefundPurchaseInput) -> RefundPurchasePayload:
    """Refund a purchase."""
    reference = input.purchase.to_ref(field="purchase")
    purchase = await find_purchase(info, reference)
    # A purchase of a store that is not theirs looks exactly like one that is not there.
    if purchase is None or not is_allowed_at(info.context, Scope.PURCHASES_WRITE, purchase.store_id):
        raise (
            PurchaseNotFound(purchase_id=reference)
            if isinstance(reference, UUID)
            else PurchaseNotFound(external_id=reference.external_id)
        )
    command = input.to_command(purchase, input_hash(info))
    result = await info.context.run_command(lambda uow: service.refund_purchase(uow, command=command), has_key=True)
    refund = await info.context.load(refunds_by_key, result.refund_id)
    return RefundPurchasePayload(
        refund=Refund.from_domain(refund, purchase.currency) if refund else None,
        purchase=await load_purchase(info, result.purchase_id),
        points=Points(result.points),
        shortfall=Points(result.shortfall),
        balance=Points(result.balance),
        tier_change=tier_change(result.from_tier, result.to_tier),
        replayed=result.replayed,
    )
