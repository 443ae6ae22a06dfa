"""Reading rewards."""

from typing import Annotated

import strawberry

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
from services.gateway.graphql.rewards.types import Reward, load_reward
from services.loyalty.rewards import queries
from services.platform.auth.domain import Scope

ORDER = "rewards"


@guarded(access=requires_somewhere(Scope.PROGRAM_READ), description="The tenant's rewards, by code.")
async def rewards(
    info: Info,
    first: First = PAGE_DEFAULT,
    after: After = None,
    *,
    is_archived: Annotated[
        bool | None,
        strawberry.argument(description="`true` for archived ones only, `false` for offered ones only, null for all."),
    ] = False,
) -> Connection[Reward]:
    """A page of rewards."""
    asked = page(first, after)
    after_code = text_cursor(ORDER, after)
    rows = await info.context.read(
        lambda session: queries.rewards_page(session, limit=asked.limit, after_code=after_code, is_archived=is_archived)
    )
    return connect(rows, asked, node=Reward.from_domain, cursor=lambda reward: encode_cursor(ORDER, reward.code))


@guarded(
    access=requires_somewhere(Scope.PROGRAM_READ), description="One reward; null when the tenant has no such reward."
)
async def reward(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The reward's id.")]
) -> Reward | None:
    """A reward by its id."""
    return await load_reward(info, decode("Reward", id, field="id"))
