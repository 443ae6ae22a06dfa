"""Reading budgets."""

from typing import Annotated

import strawberry

from services.gateway.graphql.budgets.types import Budget, load_budget
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import decode
from services.gateway.graphql.pagination import (
    PAGE_DEFAULT,
    After,
    Connection,
    First,
    connect,
    encode_cursor,
    page,
    text_cursor,
)
from services.gateway.graphql.permissions import requires_somewhere
from services.loyalty.budgets import queries
from services.platform.auth.domain import Scope

ORDER = "budgets"


@guarded(access=requires_somewhere(Scope.PROGRAM_READ), description="The tenant's budgets, by code.")
async def budgets(
    info: Info,
    first: First = PAGE_DEFAULT,
    after: After = None,
    *,
    is_archived: Annotated[
        bool | None,
        strawberry.argument(description="`true` for archived ones only, `false` for those in use only, null for all."),
    ] = False,
) -> Connection[Budget]:
    """A page of budgets."""
    asked = page(first, after)
    after_code = text_cursor(ORDER, after)
    rows = await info.context.read(
        lambda session: queries.budgets_page(session, limit=asked.limit, after_code=after_code, is_archived=is_archived)
    )
    return connect(rows, asked, node=Budget.from_domain, cursor=lambda budget: encode_cursor(ORDER, budget.code))


@guarded(
    access=requires_somewhere(Scope.PROGRAM_READ), description="One budget; null when the tenant has no such budget."
)
async def budget(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The budget's id.")]
) -> Budget | None:
    """A budget by its id."""
    return await load_budget(info, decode("Budget", id, field="id"))
