"""noteCase."""

import strawberry

from services.gateway.graphql.after_sales.types import Case, handled_case, writable_case
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import by_member_or
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.after_sales import domain, service
from services.loyalty.after_sales.errors import CaseFull, CaseMoveRefused, CaseNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="Words about a case.")
class NoteCaseInput:
    case_id: strawberry.ID = strawberry.field(description="The case.")
    text: str = strawberry.field(description="The words, up to 2,000 characters.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    is_internal: bool = strawberry.field(
        default=False, description="Whether they are for the staff alone; never, when a member writes."
    )


@strawberry.type(description="The case that was written about.")
class NoteCasePayload:
    case: Case | None = strawberry.field(description="The case as it is now.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=by_member_or(Scope.PURCHASES_WRITE),
    description="Write about a case, for the member or for the staff alone. What is written stays. A member who writes"
    " about a case that waited for them takes it back to the staff. Nothing is written about a closed case.",
    errors=(CaseNotFound, CaseMoveRefused, CaseFull, IdempotencyConflict),
)
async def note_case(info: Info, input: NoteCaseInput) -> NoteCasePayload:
    """Write about a case."""
    case = await writable_case(info, decode("Case", input.case_id, field="caseId"))
    command = domain.NoteCase(
        case_id=case.id,
        text=input.text,
        is_internal=input.is_internal,
        idempotency_key=input.idempotency_key,
        request_hash=input_hash(info),
    )
    result = await info.context.run_command(lambda uow: service.note_case(uow, command=command), has_key=True)
    return NoteCasePayload(case=await handled_case(info, result.case_id), replayed=result.replayed)
