"""refundPurchase."""

from datetime import datetime
from uuid import UUID

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.members.references import MemberReferenceInput, optional_ref
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.purchases.inputs import PurchaseReferenceInput, RefundOfInput
from services.gateway.graphql.purchases.loaders import refunds_by_key
from services.gateway.graphql.purchases.queries import find_purchase, writable_purchase
from services.gateway.graphql.purchases.types import Purchase, Refund, TierChange, load_purchase, tier_change
from services.gateway.graphql.purchases.uses import PurchaseUse, to_uses
from services.gateway.graphql.scalars import Currency, IdempotencyKey, Points
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
    PurchaseVoided,
    RefundByAnotherMember,
    RefundConflict,
)
from services.platform.auth.domain import Scope
from services.platform.errors import InvalidInput
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
    currency: Currency | None = strawberry.field(
        default=None,
        description="The currency of an amount that is refunded of a purchase which is not known yet; else not needed.",
    )

    def to_command(
        self, purchase: domain.Purchase | None, reference: UUID | domain.PurchaseRef, request_hash: bytes
    ) -> domain.RefundPurchase:
        """The command that it asks for.

        Raises:
            InvalidInput: an amount whose currency nobody knows.
        """
        currency = purchase.currency if purchase else self.currency
        if currency is None and self.refund.amount:
            raise InvalidInput(field="currency", reason="NOTHING_GIVEN")
        return domain.RefundPurchase(
            purchase=purchase.id if purchase else reference,
            source=self.source,
            external_id=self.external_id,
            request=self.refund.to_request(currency or ""),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            member=optional_ref(self.member),
            reason=self.reason,
            occurred_at=self.occurred_at,
        )


@strawberry.type(description="The refund, and what it took back.")
class RefundPurchasePayload:
    refund: Refund | None = strawberry.field(description="The refund; null while it waits for its purchase.")
    purchase: Purchase | None = strawberry.field(description="The purchase as it is now; null while it is not known.")
    is_waiting: bool = strawberry.field(
        description="Whether the purchase is not known yet: the refund is applied when it comes."
    )
    points: Points = strawberry.field(
        description="The points that were taken back; negative when some were given, as a negative line came back."
    )
    points_returned: Points = strawberry.field(
        description="The points that had paid for what comes back, and are the member's again."
    )
    owed: Points = strawberry.field(description="How many of them the member owes now.")
    shortfall: Points = strawberry.field(description="Points that should have come back and had been spent.")
    balance: Points = strawberry.field(description="What the member could spend then; 0 for a guest.")
    tier_change: TierChange | None = strawberry.field(description="The change of tier that it brought, if any.")
    needs_decision: list[PurchaseUse] = strawberry.field(
        description="Effects that have left the house, for points that nobody has any more: a person must decide."
    )
    consequences: list[PurchaseUse] = strawberry.field(
        description="Later events that had used what comes back, and keep what they got."
    )
    replayed: bool = strawberry.field(
        description="Whether the key or the external number was known and nothing happened again."
    )


@mutation(
    access=requires_somewhere(Scope.PURCHASES_WRITE),
    description="Take back a purchase: all of it, some lines, or an amount. The purchase's store must be one of yours."
    " One that is not known by its external number yet is waited for, if the program says so and you may write at all"
    " stores.",
    errors=(
        PurchaseNotFound,
        PurchaseVoided,
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
    purchase = None
    if not await _may_wait(info, reference):
        purchase = await writable_purchase(info, reference)
    command = input.to_command(purchase, reference, input_hash(info))
    result = await info.context.run_command(lambda uow: service.refund_purchase(uow, command=command), has_key=True)
    refund = await info.context.load(refunds_by_key, result.refund_id)
    return RefundPurchasePayload(
        refund=Refund.from_domain(refund, purchase.currency) if refund and purchase else None,
        purchase=await load_purchase(info, result.purchase_id) if result.purchase_id else None,
        is_waiting=result.is_waiting,
        points=Points(result.points),
        points_returned=Points(result.points_returned),
        owed=Points(result.owed),
        shortfall=Points(result.shortfall),
        balance=Points(result.balance),
        tier_change=tier_change(result.from_tier, result.to_tier),
        needs_decision=to_uses(result.needs_decision),
        consequences=to_uses(result.consequences),
        replayed=result.replayed,
    )


async def _may_wait(info: Info, reference: UUID | domain.PurchaseRef) -> bool:
    """Whether a purchase is not known yet, and may be of any store, for the caller may write at all of them."""
    if isinstance(reference, UUID) or not info.context.principal.allows(Scope.PURCHASES_WRITE):
        return False
    return await find_purchase(info, reference) is None
