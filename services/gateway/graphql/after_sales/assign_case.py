"""assignCase."""

from uuid import UUID

import strawberry

from services.gateway.graphql.after_sales.queries import person
from services.gateway.graphql.after_sales.types import Case, handled_case, writable_case
from services.gateway.graphql.auth.loaders import find_staff
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires_somewhere
from services.loyalty.after_sales import service
from services.loyalty.after_sales.domain import AssignCase
from services.loyalty.after_sales.errors import CaseNotFound
from services.platform.auth.domain import Scope
from services.platform.auth.queries import user_by_id
from services.platform.db.homes import PLATFORM
from services.platform.errors import InvalidInput


@strawberry.input(one_of=True, description="Who takes a case. Exactly one field.")
class CaseAssigneeInput:
    me: strawberry.Maybe[bool] = strawberry.field(description="`true`: the person who asks.")
    nobody: strawberry.Maybe[bool] = strawberry.field(description="`true`: nobody has it any more.")
    staff_member_id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="A person of the staff.")


@strawberry.input(description="A case and who takes it.")
class AssignCaseInput:
    case_id: strawberry.ID = strawberry.field(description="The case.")
    to: CaseAssigneeInput = strawberry.field(description="Who takes it.")


@strawberry.type(description="The case after it was taken.")
class AssignCasePayload:
    case: Case | None = strawberry.field(description="The case as it is now.")


@mutation(
    access=requires_somewhere(Scope.PURCHASES_WRITE),
    description="Take a case, give it to a person of the staff, or leave it to all. The store that handles it must be"
    " yours. Asking again changes nothing.",
    errors=(CaseNotFound,),
)
async def assign_case(info: Info, input: AssignCaseInput) -> AssignCasePayload:
    """Assign a case."""
    case = await writable_case(info, decode("Case", input.case_id, field="caseId"))
    command = await _command(info, case.id, input.to)
    result = await info.context.run_command(lambda uow: service.assign_case(uow, command=command), has_key=False)
    return AssignCasePayload(case=await handled_case(info, result.case_id))


async def _command(info: Info, case_id: UUID, to: CaseAssigneeInput) -> AssignCase:
    """The command, with the person's name.

    Raises:
        InvalidInput: nobody is named, a program asks for itself, or the tenant has no such person.
    """
    if to.staff_member_id:
        staff = await find_staff(info, decode("StaffMember", to.staff_member_id.value, field="to.staffMemberId"))
        if staff is None:
            raise InvalidInput(field="to.staffMemberId", reason="UNKNOWN")
        return AssignCase(case_id, staff.user_id, staff.name)
    if to.me and to.me.value:
        user_id = person(info, field="to.me")
        user = await info.context.read(lambda session: user_by_id(session, user_id), home=PLATFORM)
        return AssignCase(case_id, user_id, user.name if user else None)
    if to.nobody and to.nobody.value:
        return AssignCase(case_id, None, None)
    raise InvalidInput(field="to", reason="NOTHING_GIVEN")
