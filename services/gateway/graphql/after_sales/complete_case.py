"""completeCase."""

from decimal import Decimal

import strawberry

from services.gateway.graphql.after_sales.types import Case, handled_case, writable_case
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.money import to_minor
from services.gateway.graphql.permissions import require, requires_somewhere
from services.gateway.graphql.purchases.exchange_purchase import RETURN_REFUSALS
from services.gateway.graphql.purchases.inputs import PurchaseLineInput, ReturnedLineInput, to_lines
from services.gateway.graphql.purchases.queries import writable_purchase
from services.gateway.graphql.purchases.record_purchase import REFUSALS
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.after_sales import domain, service
from services.loyalty.after_sales.errors import CaseMoveRefused, CaseNotFound
from services.loyalty.earning.domain import ReturnedLine
from services.platform.auth.domain import Scope


@strawberry.input(description="What is taken along in the place of what comes back.")
class CaseReplacementInput:
    source: str = strawberry.field(description="The system that tells of it, such as the till's.")
    external_id: str = strawberry.field(description="The number of the new receipt, unique in that system.")
    store_id: strawberry.ID = strawberry.field(description="Where the exchange takes place.")
    lines: list[PurchaseLineInput] = strawberry.field(
        description="What is bought, 1 to 500 lines, in the purchase's currency."
    )
    discount: Decimal = strawberry.field(
        default=Decimal(0),
        description="What the new order as a whole is reduced by, beyond the discounts of its lines, in major units.",
    )

    def to_domain(self, currency: str) -> domain.Replacement:
        """The sale that it tells."""
        return domain.Replacement(
            source=self.source,
            external_id=self.external_id,
            store_id=decode("Store", self.store_id, field="replacement.storeId"),
            lines=to_lines(self.lines, currency),
            discount_minor=to_minor(self.discount, currency, field="replacement.discount"),
        )


@strawberry.input(description="A case that is done.")
class CompleteCaseInput:
    case_id: strawberry.ID = strawberry.field(description="The case.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    replacement: CaseReplacementInput | None = strawberry.field(
        default=None, description="The sale of an exchange; needed by it, and by no other kind."
    )
    returned: list[ReturnedLineInput] | None = strawberry.field(
        default=None,
        description="What was found of the goods where that is less than the case asks for: only that is refunded or"
        " exchanged. All that it asks for without it.",
    )
    reason: str | None = strawberry.field(default=None, description="Words for the member, such as the answer.")


@strawberry.type(description="The case that is done.")
class CompleteCasePayload:
    case: Case | None = strawberry.field(description="The case as it is now, with what it did to points.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_somewhere(Scope.PURCHASES_WRITE),
    description="Complete a case. A return refunds its lines and an exchange exchanges them in the same transaction, as"
    " `refundPurchase` and `exchangePurchase` do; the case keeps what that did to points. Of two who complete a case at"
    " once, one does. Goods are taken back of approved cases only. The store that handles the case must be yours; for"
    " goods the purchase's store too, and the new purchase's.",
    errors=(CaseNotFound, CaseMoveRefused, *RETURN_REFUSALS, *REFUSALS),
)
async def complete_case(info: Info, input: CompleteCaseInput) -> CompleteCasePayload:
    """Complete a case."""
    case = await writable_case(info, decode("Case", input.case_id, field="caseId"))
    replacement = None
    if case.purchase_id is not None and case.kind in domain.MOVING_POINTS:
        purchase = await writable_purchase(info, case.purchase_id)
        if input.replacement is not None:
            replacement = input.replacement.to_domain(purchase.currency)
            require(info.context, Scope.PURCHASES_WRITE, store_id=replacement.store_id)
    command = domain.CompleteCase(
        case_id=case.id,
        idempotency_key=input.idempotency_key,
        request_hash=input_hash(info),
        replacement=replacement,
        reason=input.reason,
        returned=None
        if input.returned is None
        else tuple(ReturnedLine(line.position, line.quantity) for line in input.returned),
    )
    result = await info.context.run_command(lambda uow: service.complete_case(uow, command=command), has_key=True)
    return CompleteCasePayload(case=await handled_case(info, result.case_id), replayed=result.replayed)
