"""Reading cases."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from services.gateway.graphql.after_sales.types import Case, is_visible, load_case
from services.gateway.graphql.auth.loaders import find_staff
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import decode, decode_optional
from services.gateway.graphql.pagination import (
    PAGE_DEFAULT,
    After,
    Connection,
    First,
    connect,
    encode_cursor,
    id_cursor,
    page,
)
from services.gateway.graphql.permissions import requires_at, requires_somewhere
from services.loyalty.after_sales import queries
from services.loyalty.after_sales.domain import CaseFilter, CaseKind, CaseStatus
from services.platform.actors import ActorKind
from services.platform.auth.domain import Scope
from services.platform.errors import InvalidInput

ORDER = "cases"


def _store_of(arguments: dict[str, Any]) -> UUID | None:
    return decode_optional("Store", arguments.get("store_id"), field="storeId")


@guarded(
    access=requires_at(Scope.PURCHASES_READ, _store_of),
    description="Cases, oldest first. Without a status only those that somebody still has to act on."
    " Those about one purchase are with it: `purchase { cases }`.",
)
async def cases(
    info: Info,
    first: First = PAGE_DEFAULT,
    after: After = None,
    *,
    status: Annotated[CaseStatus | None, strawberry.argument(description="Only those that stand here.")] = None,
    kind: Annotated[CaseKind | None, strawberry.argument(description="Only those of this kind.")] = None,
    store_id: Annotated[
        strawberry.ID | None,
        strawberry.argument(description="Only those that this store handles; needed by who may see one store only."),
    ] = None,
    assignee_id: Annotated[
        strawberry.ID | None,
        strawberry.argument(description="Only those that this person has taken: the id of a `StaffMember`."),
    ] = None,
    is_mine: Annotated[bool, strawberry.argument(description="Only those that the person who asks has taken.")] = False,
) -> Connection[Case]:
    """A page of cases."""
    asked = page(first, after)
    after_id = id_cursor(ORDER, after)
    taken_by = await _taken_by(info, assignee_id, is_mine=is_mine)
    wanted = CaseFilter(
        status=status,
        kind=kind,
        store_id=decode_optional("Store", store_id, field="storeId"),
        assignee_id=taken_by,
    )
    rows = await info.context.read(
        lambda session: queries.cases_page(session, wanted=wanted, limit=asked.limit, after_id=after_id)
    )
    return connect(rows, asked, node=Case.from_domain, cursor=lambda row: encode_cursor(ORDER, row.id))


async def _taken_by(info: Info, assignee_id: strawberry.ID | None, *, is_mine: bool) -> UUID | None:
    """The person whose cases are asked for; None for all.

    Raises:
        InvalidInput: both are given, or a program asks for its own.
    """
    if is_mine and assignee_id is not None:
        raise InvalidInput(field="assigneeId", reason="NOT_ALLOWED", limit="isMine")
    if is_mine:
        return person(info, field="isMine")
    if assignee_id is None:
        return None
    key = decode("StaffMember", assignee_id, field="assigneeId")
    staff = await find_staff(info, key)
    # Nobody has a case under the id of a role: of a stranger nothing is found.
    return staff.user_id if staff else key


def person(info: Info, *, field: str) -> UUID:
    """The person who asks.

    Raises:
        InvalidInput: it is a program.
    """
    actor = info.context.principal.actor
    if actor.kind is not ActorKind.STAFF or actor.id is None:
        raise InvalidInput(field=field, reason="NOT_ALLOWED", limit=actor.kind.value)
    return actor.id


@guarded(
    access=requires_somewhere(Scope.PURCHASES_READ),
    description="One case; null when the tenant, or the stores that you may see, have no such case."
    " Members find theirs by `me { cases }` and `node`.",
)
async def case(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The case's id.")]
) -> Case | None:
    """A case by its id."""
    return await load_case(info, decode("Case", id, field="id"))


async def member_cases(info: Info, member_id: UUID, *, first: int, after: str | None) -> Connection[Case]:
    """A page of a member's cases, newest first."""
    asked = page(first, after)
    order = f"cases:{member_id}"
    after_id = id_cursor(order, after)
    rows = await info.context.read(
        lambda session: queries.cases_of_member(session, member_id=member_id, limit=asked.limit, after_id=after_id)
    )
    return connect(
        rows,
        asked,
        node=Case.from_domain,
        cursor=lambda row: encode_cursor(order, row.id),
        is_visible=lambda row: is_visible(info, row),
    )
