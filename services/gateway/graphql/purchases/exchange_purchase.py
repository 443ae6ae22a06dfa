"""exchangePurchase."""

from decimal import Decimal

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.references import MemberReferenceInput, optional_ref
from services.gateway.graphql.money import to_minor
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.purchases.inputs import (
    PurchaseLineInput,
    PurchaseReferenceInput,
    ReturnedLineInput,
    to_lines,
)
from services.gateway.graphql.purchases.loaders import refunds_by_key
from services.gateway.graphql.purchases.queries import writable_purchase
from services.gateway.graphql.purchases.record_purchase import REFUSALS
from services.gateway.graphql.purchases.types import Purchase, Refund, load_purchase
from services.gateway.graphql.purchases.uses import PurchaseUse, to_uses
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.earning.domain import LineRefund, ReturnedLine
from services.loyalty.earning.errors import (
    NothingLeftToRefund,
    RefundBelowZero,
    RefundExceedsPurchase,
    RefundLineUnknown,
    RefundQuantityExceedsLine,
)
from services.loyalty.purchases import domain, service
from services.loyalty.purchases.domain.changes import ExchangePurchase
from services.loyalty.purchases.errors import (
    PurchaseNotFound,
    PurchaseVoided,
    RefundByAnotherMember,
    RefundConflict,
)
from services.platform.auth.domain import Scope

RETURN_REFUSALS = (
    PurchaseNotFound,
    PurchaseVoided,
    RefundByAnotherMember,
    RefundConflict,
    RefundExceedsPurchase,
    RefundBelowZero,
    RefundQuantityExceedsLine,
    RefundLineUnknown,
    NothingLeftToRefund,
)


@strawberry.input(description="Goods that come back, and others that are taken along.")
class ExchangePurchaseInput:
    purchase: PurchaseReferenceInput = strawberry.field(description="The purchase of which something comes back.")
    returned: list[ReturnedLineInput] = strawberry.field(description="What comes back.")
    source: str = strawberry.field(description="The system that tells of it, such as the till's.")
    refund_external_id: str = strawberry.field(description="The refund's own number, unique in that system.")
    external_id: str = strawberry.field(description="The number of the new receipt, unique in that system.")
    store_id: strawberry.ID = strawberry.field(description="Where the exchange takes place.")
    lines: list[PurchaseLineInput] = strawberry.field(
        description="What is bought in its place, 1 to 500 lines, in the purchase's currency."
    )
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    discount: Decimal = strawberry.field(
        default=Decimal(0),
        description="What the new order as a whole is reduced by, beyond the discounts of its lines, in major units.",
    )
    member: MemberReferenceInput | None = strawberry.field(
        default=None, description="Who returns; refused when it is not the buyer."
    )
    reason: str | None = strawberry.field(default=None, description="Why.")

    def to_command(self, purchase: domain.Purchase, request_hash: bytes) -> ExchangePurchase:
        """The command that it asks for."""
        return ExchangePurchase(
            purchase=purchase.id,
            returned=LineRefund(tuple(ReturnedLine(line.position, line.quantity) for line in self.returned)),
            refund_source=self.source,
            refund_external_id=self.refund_external_id,
            sale=domain.RecordPurchase(
                source=self.source,
                external_id=self.external_id,
                member=None,
                store_id=decode("Store", self.store_id, field="storeId"),
                currency=purchase.currency,
                lines=to_lines(self.lines, purchase.currency),
                idempotency_key=self.idempotency_key,
                request_hash=request_hash,
                discount_minor=to_minor(self.discount, purchase.currency, field="discount"),
                channel=purchase.channel,
            ),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            member=optional_ref(self.member),
            reason=self.reason,
        )


@strawberry.type(description="Both halves of an exchange.")
class ExchangePurchasePayload:
    refund: Refund | None = strawberry.field(description="What came back.")
    returned_of: Purchase | None = strawberry.field(description="The first purchase as it is now.")
    purchase: Purchase | None = strawberry.field(description="The new purchase.")
    points_taken_back: Points = strawberry.field(description="The points that the return took back.")
    points: Points = strawberry.field(description="What the new purchase earned.")
    shortfall: Points = strawberry.field(description="Points that should have come back and had been spent.")
    balance: Points = strawberry.field(description="What the member could spend then; 0 for a guest.")
    needs_decision: list[PurchaseUse] = strawberry.field(
        description="Effects that have left the house, for points that nobody has any more: a person must decide."
    )
    consequences: list[PurchaseUse] = strawberry.field(
        description="Later events that had used what came back, and keep what they got."
    )
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.PURCHASES_WRITE, input_store),
    description="Take lines of a purchase back and record a new one to the same buyer, both or neither."
    " The purchase's store must be one of yours, and so must the new one's.",
    errors=(*RETURN_REFUSALS, *REFUSALS),
)
async def exchange_purchase(info: Info, input: ExchangePurchaseInput) -> ExchangePurchasePayload:
    """Exchange goods of a purchase."""
    purchase = await writable_purchase(info, input.purchase.to_ref(field="purchase"))
    command = input.to_command(purchase, input_hash(info))
    result = await info.context.run_command(lambda uow: service.exchange_purchase(uow, command=command), has_key=True)
    refund = await info.context.load(refunds_by_key, result.refunded.refund_id)
    return ExchangePurchasePayload(
        refund=Refund.from_domain(refund, purchase.currency) if refund else None,
        returned_of=await load_purchase(info, purchase.id),
        purchase=await load_purchase(info, result.recorded.purchase_id),
        points_taken_back=Points(result.refunded.points),
        points=Points(result.recorded.points),
        shortfall=Points(result.refunded.shortfall),
        balance=Points(result.recorded.balance),
        needs_decision=to_uses(result.refunded.needs_decision),
        consequences=to_uses(result.refunded.consequences),
        replayed=result.replayed,
    )
