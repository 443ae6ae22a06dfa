"""What a tenant has used."""

from datetime import date
from typing import Annotated

import strawberry

from services.billing.metering.queries import usage_by_meter
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import WholeNumber
from services.platform.auth.domain import Scope
from services.platform.errors import InvalidInput

USAGE_DAYS_MAX = 366


@strawberry.type(description="What was used of one meter.")
class MeterUsage:
    meter: str = strawberry.field(
        description="What is counted: `purchases`, `redemptions`, `messages.email`, `api_cost`."
    )
    quantity: WholeNumber = strawberry.field(description="How much was used.")
    facts: WholeNumber = strawberry.field(description="Of how many counted facts it is the sum.")


@strawberry.type(description="What was used over some days.")
class Usage:
    since: date = strawberry.field(description="The first day.")
    until: date = strawberry.field(description="The day after the last one.")
    meters: list[MeterUsage] = strawberry.field(description="What was used, by meter.")


@guarded(access=requires(Scope.USAGE_READ), description="What the tenant used, exact to the fact, over UTC days.")
async def usage(
    info: Info,
    since: Annotated[date, strawberry.argument(name="from", description="The first day.")],
    until: Annotated[date, strawberry.argument(name="to", description="The day after the last one.")],
) -> Usage:
    """Usage by meter."""
    if not 0 < (until - since).days <= USAGE_DAYS_MAX:
        raise InvalidInput(field="to", reason="PERIOD_OUT_OF_RANGE", limit=str(USAGE_DAYS_MAX))
    meters = await info.context.read(lambda session: usage_by_meter(session, since=since, until=until))
    return Usage(
        since=since,
        until=until,
        meters=[
            MeterUsage(meter=used.meter, quantity=WholeNumber(used.quantity), facts=WholeNumber(used.facts))
            for used in meters
        ],
    )
