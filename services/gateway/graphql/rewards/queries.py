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
    place_cursor,
    text_cursor,
)
from services.gateway.graphql.permissions import requires_somewhere
from services.gateway.graphql.rewards.types import Reward, load_reward
from services.loyalty.rewards import domain, queries
from services.loyalty.rewards.domain import RewardOrder
from services.platform.auth.domain import Scope

ORDER = "rewards"
NO_CATEGORY: list[str] = []


@guarded(
    access=requires_somewhere(Scope.PROGRAM_READ),
    description="The tenant's rewards, by code or by their place in the catalogue.",
)
async def rewards(
    info: Info,
    first: First = PAGE_DEFAULT,
    after: After = None,
    *,
    is_archived: Annotated[
        bool | None,
        strawberry.argument(description="`true` for archived ones only, `false` for offered ones only, null for all."),
    ] = False,
    category: Annotated[
        list[str], strawberry.argument(description="Only those in this category or below it, from the widest on.")
    ] = NO_CATEGORY,
    order_by: Annotated[RewardOrder, strawberry.argument(description="In which order.")] = RewardOrder.CODE,
) -> Connection[Reward]:
    """A page of rewards."""
    asked = page(first, after)
    order = f"{ORDER}:{order_by.value}"
    position, code = 0, None
    if order_by is RewardOrder.CODE:
        order, code = ORDER, text_cursor(ORDER, after)
    else:
        position, code = place_cursor(order, after) or (0, None)
    rows = await info.context.read(
        lambda session: queries.rewards_page(
            session,
            limit=asked.limit,
            after_code=code,
            after_position=position,
            is_archived=is_archived,
            category=category,
            order=order_by,
        )
    )

    def cursor(reward: domain.Reward) -> str:
        if order_by is RewardOrder.CODE:
            return encode_cursor(order, reward.code)
        return encode_cursor(order, reward.content.terms.position, reward.code)

    return connect(rows, asked, node=Reward.from_domain, cursor=cursor)


@guarded(
    access=requires_somewhere(Scope.PROGRAM_READ), description="One reward; null when the tenant has no such reward."
)
async def reward(
    info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The reward's id.")]
) -> Reward | None:
    """A reward by its id."""
    return await load_reward(info, decode("Reward", id, field="id"))
