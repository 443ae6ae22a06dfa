"""claimPurchase."""

from decimal import Decimal

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.money import to_minor
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.purchases.types import Purchase, TierChange, load_purchase, tier_change
from services.gateway.graphql.scalars import Currency, IdempotencyKey, Points
from services.loyalty.earning.errors import AccrualTooLarge, CurrencyNotAccepted
from services.loyalty.ledger.errors import BalanceTooLarge
from services.loyalty.members.errors import IdentityInvalid, MemberNotFound
from services.loyalty.purchases import service
from services.loyalty.purchases.domain.changes import ClaimPurchase
from services.loyalty.purchases.errors import (
    OccurredTooLongAgo,
    PurchaseAlreadyClaimed,
    PurchaseNotFound,
    PurchaseVoided,
)
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A receipt of a sale to a guest, in a member's hand.")
class ClaimPurchaseInput:
    source: str = strawberry.field(description="The system that told of the purchase, such as the till's.")
    external_id: str = strawberry.field(description="The receipt's number in that system.")
    store_id: strawberry.ID = strawberry.field(description="The store that the receipt names.")
    total: Decimal = strawberry.field(description="What was paid by the receipt, in major units.")
    currency: Currency = strawberry.field(description="The currency of the receipt.")
    member: MemberReferenceInput = strawberry.field(description="Who claims it.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")

    def to_command(self, request_hash: bytes) -> ClaimPurchase:
        """The command that it asks for."""
        return ClaimPurchase(
            source=self.source,
            external_id=self.external_id,
            store_id=decode("Store", self.store_id, field="storeId"),
            total_minor=to_minor(self.total, self.currency, field="total"),
            currency=self.currency,
            member=self.member.to_ref(),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
        )


@strawberry.type(description="The purchase, which is the member's now.")
class ClaimPurchasePayload:
    purchase: Purchase | None = strawberry.field(description="The purchase as it is now.")
    points: Points = strawberry.field(description="What it earned, as it stands after its refunds.")
    balance: Points = strawberry.field(description="What the member could spend then.")
    tier_change: TierChange | None = strawberry.field(description="The change of tier that it brought, if any.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.PURCHASES_WRITE, input_store),
    description="Give a guest's purchase to a member who has the receipt: once, within the program's back-dating limit,"
    " judged as of when it happened. A receipt whose store or total differs is as one that is not there.",
    errors=(
        PurchaseNotFound,
        PurchaseAlreadyClaimed,
        PurchaseVoided,
        OccurredTooLongAgo,
        MemberNotFound,
        IdentityInvalid,
        CurrencyNotAccepted,
        AccrualTooLarge,
        BalanceTooLarge,
        QualifyingSumTooLarge,
        IdempotencyConflict,
    ),
)
async def claim_purchase(info: Info, input: ClaimPurchaseInput) -> ClaimPurchasePayload:
    """Claim a receipt."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(lambda uow: service.claim_purchase(uow, command=command), has_key=True)
    return ClaimPurchasePayload(
        purchase=await load_purchase(info, result.purchase_id),
        points=Points(result.points),
        balance=Points(result.balance),
        tier_change=tier_change(result.from_tier, result.to_tier),
        replayed=result.replayed,
    )
