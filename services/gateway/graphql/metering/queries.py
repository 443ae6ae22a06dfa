"""What a tenant has used."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Self

import strawberry

from services.billing.metering import domain
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

    @classmethod
    def from_domain(cls, used: Sequence[domain.MeterUsage], *, since: date, until: date) -> Self:
        """The usage as clients see it."""
        meters = [
            MeterUsage(meter=each.meter, quantity=WholeNumber(each.quantity), facts=WholeNumber(each.facts))
            for each in used
        ]
        return cls(since=since, until=until, meters=meters)


@guarded(access=requires(Scope.USAGE_READ), description="What the tenant used, exact to the fact, over UTC days.")
async def usage(
    info: Info,
    since: Annotated[date, strawberry.argument(name="from", description="The first day.")],
    until: Annotated[date, strawberry.argument(name="to", description="The day after the last one.")],
) -> Usage:
    """Usage by meter."""
    if not 0 < (until - since).days <= USAGE_DAYS_MAX:
        raise InvalidInput(field="to", reason="PERIOD_OUT_OF_RANGE", limit=str(USAGE_DAYS_MAX))
    used = await info.context.read(lambda session: usage_by_meter(session, since=since, until=until))
    return Usage.from_domain(used, since=since, until=until)
