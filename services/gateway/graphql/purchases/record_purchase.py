"""recordPurchase."""

from datetime import datetime

import strawberry

from services.gateway.execution.batching import Together
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.references import MemberReferenceInput, optional_ref
from services.gateway.graphql.money import to_minor
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.purchases.inputs import PurchaseLineInput, SaleInput, to_lines
from services.gateway.graphql.purchases.types import Purchase, TierChange, load_purchase, tier_change
from services.gateway.graphql.scalars import Currency, IdempotencyKey, Points
from services.loyalty.earning.errors import AccrualTooLarge, CurrencyNotAccepted, DiscountExceedsOrder
from services.loyalty.ledger.errors import BalanceTooLarge
from services.loyalty.members.errors import IdentityInvalid, MemberNotFound
from services.loyalty.purchases import service
from services.loyalty.purchases.domain import RecordedPurchase, RecordPurchase
from services.loyalty.purchases.errors import OccurredInFuture, OccurredTooLongAgo, PurchaseConflict
from services.loyalty.stores.errors import StoreClosed, StoreCurrencyMismatch, StoreNotFound
from services.loyalty.tiers.errors import QualifyingSumTooLarge
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A receipt.")
class RecordPurchaseInput(SaleInput):
    source: str = strawberry.field(description="The system that tells of it, such as the till's.")
    external_id: str = strawberry.field(description="The receipt's number, unique in that system.")
    store_id: strawberry.ID = strawberry.field(description="Where it was bought.")
    currency: Currency = strawberry.field(description="The currency of all its amounts: the store's.")
    lines: list[PurchaseLineInput] = strawberry.field(description="What was bought, 1 to 500 lines.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    member: MemberReferenceInput | None = strawberry.field(default=None, description="Who bought; null for a guest.")
    occurred_at: datetime | None = strawberry.field(
        default=None, description="When it was bought; now without it. A future or too old instant is refused."
    )

    def to_command(self, request_hash: bytes) -> RecordPurchase:
        """The command that it asks for."""
        return RecordPurchase(
            source=self.source,
            external_id=self.external_id,
            member=optional_ref(self.member),
            store_id=decode("Store", self.store_id, field="storeId"),
            currency=self.currency,
            lines=to_lines(self.lines, self.currency),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            discount_minor=to_minor(self.discount, self.currency, field="discount"),
            occurred_at=self.occurred_at,
            channel=self.channel,
            told=self.to_told(self.currency),
        )


@strawberry.type(description="The purchase, and what it earned.")
class RecordPurchasePayload:
    purchase: Purchase | None = strawberry.field(description="The purchase as it is now.")
    points: Points = strawberry.field(description="What it earned when it was recorded.")
    balance: Points = strawberry.field(description="What the member could spend then; 0 for a guest.")
    tier_change: TierChange | None = strawberry.field(description="The change of tier that it brought, if any.")
    replayed: bool = strawberry.field(
        description="Whether the key or the external number was known and nothing happened again."
    )


REFUSALS = (
    MemberNotFound,
    IdentityInvalid,
    StoreNotFound,
    StoreClosed,
    StoreCurrencyMismatch,
    CurrencyNotAccepted,
    DiscountExceedsOrder,
    OccurredInFuture,
    OccurredTooLongAgo,
    PurchaseConflict,
    AccrualTooLarge,
    BalanceTooLarge,
    QualifyingSumTooLarge,
    IdempotencyConflict,
)
TOGETHER: Together[RecordPurchase, RecordedPurchase] = Together(
    lambda uow, commands, senders: service.record_purchases(uow, commands=commands, senders=senders, is_last=True)
)


@mutation(
    access=requires_at(Scope.PURCHASES_WRITE, input_store),
    description="Record a purchase and earn points for it.",
    errors=REFUSALS,
)
async def record_purchase(info: Info, input: RecordPurchaseInput) -> RecordPurchasePayload:
    """Record a purchase."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_together(
        TOGETHER, command, alone=lambda uow: service.record_purchase(uow, command=command, is_last=True)
    )
    return await to_payload(info, result)


async def to_payload(info: Info, result: RecordedPurchase) -> RecordPurchasePayload:
    """What came of a purchase, as clients see it. One that was known may have changed since, and is read."""
    known = await load_purchase(info, result.purchase_id) if result.purchase is None else None
    return RecordPurchasePayload(
        purchase=known if result.purchase is None else Purchase.from_domain(result.purchase),
        points=Points(result.points),
        balance=Points(result.balance),
        tier_change=tier_change(result.from_tier, result.to_tier),
        replayed=result.replayed,
    )
