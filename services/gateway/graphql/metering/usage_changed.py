"""The live usage of the running day."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from functools import partial

import strawberry

from services.billing.metering.domain import MeterUsage as Used
from services.billing.metering.queries import usage_by_meter
from services.gateway.graphql.feed import LiveFeed
from services.gateway.graphql.fields import Info, subscription
from services.gateway.graphql.metering.queries import Usage
from services.gateway.graphql.permissions import requires
from services.platform.auth.domain import Scope
from services.platform.clock import monotonic, wall_now

PAUSE_SECONDS = 1.0
"""Between two events."""
OWN_COST = "api_cost"
OWN_COST_SECONDS = 60.0
"""How often the cost of operations alone is told: telling it costs something, and would go on for ever."""


@subscription(
    access=requires(Scope.USAGE_READ),
    description="What the tenant used on the running UTC day: at once, and whenever it has changed. Of `api_cost` alone"
    " it is told once a minute.",
)
async def usage_changed(root: strawberry.Parent[LiveFeed], info: Info) -> AsyncIterator[Usage]:
    """Follow the usage of the running day."""
    tenant = info.context.tenant
    told: tuple[Used, ...] | None = None
    told_at = 0.0
    async with root.follow(tenant.home) as follower:
        looks = follower.looks()
        while True:
            today = tenant.now(wall_now()).astimezone(UTC).date()
            tomorrow = today + timedelta(days=1)
            used = await root.read(tenant.home, partial(usage_by_meter, since=today, until=tomorrow))
            is_due = told is None or monotonic() - told_at > OWN_COST_SECONDS
            if used != told and (is_due or _without_own_cost(used) != _without_own_cost(told or ())):
                yield Usage.from_domain(used, since=today, until=tomorrow)
                told, told_at = used, monotonic()
                await asyncio.sleep(PAUSE_SECONDS)
            await anext(looks)


def _without_own_cost(used: tuple[Used, ...]) -> tuple[Used, ...]:
    return tuple(each for each in used if each.meter != OWN_COST)
