"""moveCase."""

import strawberry

from services.gateway.graphql.after_sales.types import Case, handled_case, writable_case
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import by_member_or
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.after_sales import domain, service
from services.loyalty.after_sales.errors import CaseMoveRefused, CaseNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="Where a case goes.")
class MoveCaseInput:
    case_id: strawberry.ID = strawberry.field(description="The case.")
    status: domain.CaseStatus = strawberry.field(description="Where to; see `nextStatuses`. Not COMPLETED.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    reason: str | None = strawberry.field(default=None, description="Why; the member sees it.")


@strawberry.type(description="The case after it went on.")
class MoveCasePayload:
    case: Case | None = strawberry.field(description="The case as it is now.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=by_member_or(Scope.PURCHASES_WRITE),
    description="Take a case to another status; its member gets a letter. The store that handles it must be yours."
    " Members may close a case of their own that is not approved yet.",
    errors=(CaseNotFound, CaseMoveRefused, IdempotencyConflict),
)
async def move_case(info: Info, input: MoveCaseInput) -> MoveCasePayload:
    """Move a case."""
    case = await writable_case(info, decode("Case", input.case_id, field="caseId"))
    command = domain.MoveCase(
        case_id=case.id,
        status=input.status,
        idempotency_key=input.idempotency_key,
        request_hash=input_hash(info),
        reason=input.reason,
    )
    result = await info.context.run_command(lambda uow: service.move_case(uow, command=command), has_key=True)
    return MoveCasePayload(case=await handled_case(info, result.case_id), replayed=result.replayed)
