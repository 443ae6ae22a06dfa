"""openCase."""

from decimal import Decimal
from uuid import UUID

import strawberry

from services.gateway.graphql.after_sales.types import Case, handled_case
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.members.references import MemberReferenceInput, optional_ref
from services.gateway.graphql.permissions import by_member_or, require
from services.gateway.graphql.purchases.inputs import PurchaseReferenceInput
from services.gateway.graphql.purchases.queries import find_purchase, writable_purchase
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.after_sales import domain, service
from services.loyalty.after_sales.errors import TooManyOpenCases
from services.loyalty.earning.errors import RefundLineUnknown, RefundQuantityExceedsLine
from services.loyalty.members.errors import IdentityInvalid, MemberNotFound
from services.loyalty.purchases.domain import Purchase
from services.loyalty.purchases.errors import PurchaseNotFound, PurchaseVoided, RefundByAnotherMember
from services.loyalty.stores.errors import StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.errors import InvalidInput
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="So much of a line is to come back, or to be repaired.")
class CaseLineInput:
    position: int = strawberry.field(description="The line's place in the purchase, from 1.")
    quantity: Decimal = strawberry.field(description="How much of it, up to 4 decimals.")
    reason: str | None = strawberry.field(default=None, description="Why.")


@strawberry.input(description="What somebody wants after the sale.")
class OpenCaseInput:
    kind: domain.CaseKind = strawberry.field(description="What is wanted.")
    subject: str = strawberry.field(description="What it is about, in a few words.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    purchase: PurchaseReferenceInput | None = strawberry.field(
        default=None, description="The purchase that it is about; needed by all kinds but SUPPORT."
    )
    member: MemberReferenceInput | None = strawberry.field(
        default=None,
        description="Whom it concerns: refused when it is not the buyer, and needed where there is no purchase. Members"
        " leave it out.",
    )
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="The store that handles it; the purchase's without one."
    )
    lines: list[CaseLineInput] = strawberry.field(
        default_factory=list, description="What of the purchase it is about, 1 to 500 lines; none for SUPPORT."
    )
    note: str | None = strawberry.field(default=None, description="More words, which the member and the staff see.")


@strawberry.type(description="The case that was opened.")
class OpenCasePayload:
    case: Case | None = strawberry.field(description="The case as it is now.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=by_member_or(Scope.PURCHASES_WRITE),
    description="Open a return, an exchange, a repair or a question. Nothing moves yet. The purchase's store, and the"
    " store that handles it, must be yours; what names no store needs the whole tenant. Members open cases about"
    " purchases of their own, and have a few of them open at most.",
    errors=(
        PurchaseNotFound,
        PurchaseVoided,
        RefundByAnotherMember,
        RefundLineUnknown,
        RefundQuantityExceedsLine,
        MemberNotFound,
        IdentityInvalid,
        StoreNotFound,
        TooManyOpenCases,
        IdempotencyConflict,
    ),
)
async def open_case(info: Info, input: OpenCaseInput) -> OpenCasePayload:
    """Open a case."""
    store_id = decode_optional("Store", input.store_id, field="storeId")
    purchase = await _purchase(info, input.purchase)
    if info.context.principal.member_id is None:
        if store_id is not None or purchase is None:
            require(info.context, Scope.PURCHASES_WRITE, store_id=store_id)
    elif input.member is not None:
        raise InvalidInput(field="member", reason="NOT_ALLOWED", limit="member")
    command = domain.OpenCase(
        kind=input.kind,
        subject=input.subject,
        idempotency_key=input.idempotency_key,
        request_hash=input_hash(info),
        purchase_id=purchase.id if purchase else None,
        member=optional_ref(input.member),
        store_id=store_id,
        lines=tuple(domain.CaseLine(line.position, line.quantity, line.reason) for line in input.lines),
        note=input.note,
    )
    result = await info.context.run_command(lambda uow: service.open_case(uow, command=command), has_key=True)
    return OpenCasePayload(case=await handled_case(info, result.case_id), replayed=result.replayed)


async def _purchase(info: Info, given: PurchaseReferenceInput | None) -> Purchase | None:
    """The purchase that the case is about, which must be the member's own, or of a store where staff may write.

    Raises:
        PurchaseNotFound
    """
    if given is None:
        return None
    reference = given.to_ref(field="purchase")
    member_id = info.context.principal.member_id
    if member_id is None:
        return await writable_purchase(info, reference)
    purchase = await find_purchase(info, reference)
    if purchase is None or purchase.member_id != member_id:
        if isinstance(reference, UUID):
            raise PurchaseNotFound(purchase_id=reference)
        raise PurchaseNotFound(external_id=reference.external_id)
    return purchase
