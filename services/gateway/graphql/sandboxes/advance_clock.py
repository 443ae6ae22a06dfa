"""advanceClock."""

from datetime import datetime

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.sandboxes import service
from services.loyalty.sandboxes.domain import AdvanceClock
from services.loyalty.sandboxes.errors import ClockBusy, ClockNotMovable
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="How far to move the clock: either `to` or `days`.")
class AdvanceClockInput:
    to: datetime | None = strawberry.field(
        default=None, description="The instant that it shows then: after the present one, by 3,700 days at most."
    )
    days: int | None = strawberry.field(
        default=None,
        description="By how many calendar days, 1 to 3,700: to the same time of day in the program's time zone.",
    )
    idempotency_key: IdempotencyKey = strawberry.field(
        description="Settles where the clock goes. Repeat the same call until `isFinished`: each goes on from the last."
    )

    def to_command(self, request_hash: bytes) -> AdvanceClock:
        """The command that it asks for."""
        return AdvanceClock(to=self.to, days=self.days, idempotency_key=self.idempotency_key, request_hash=request_hash)


@strawberry.type(description="How many things of one kind fell due and were done.")
class ErrandsDone:
    name: str = strawberry.field(description="What kind of thing, such as `activate_lots`.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="How far the clock has come.")
class AdvanceClockPayload:
    now: datetime = strawberry.field(description="What the clock says. It goes on like any clock.")
    target: datetime = strawberry.field(description="Where it goes.")
    is_finished: bool = strawberry.field(
        description="Whether it is there and everything due until then is done; else send the same call again."
    )
    steps: int = strawberry.field(description="At how many instants something was done in this call.")
    done: list[ErrandsDone] = strawberry.field(description="What was done in this call, by name.")
    replayed: bool = strawberry.field(description="Whether the key was known, so that this call went on with its move.")


@mutation(
    access=requires(Scope.SANDBOXES_MANAGE),
    description=(
        "Move a sandbox's clock forward, as if day by day: on each day of the program's time zone that has something"
        " due, points activate, then tiers are reviewed, then points expire, then come birthdays and the like, then"
        " notices. One call works for eight seconds at most. A live tenant's clock can't be moved."
    ),
    errors=(ClockNotMovable, ClockBusy, IdempotencyConflict),
)
async def advance_clock(info: Info, input: AdvanceClockInput) -> AdvanceClockPayload:
    """Move the clock."""
    context = info.context
    tenant, command = context.tenant, input.to_command(input_hash(info))
    result = await context.run_slow(
        lambda database: service.advance_clock(
            database,
            tenant=tenant,
            command=command,
            errands=context.services.errands,
            actor=context.principal.actor,
            correlation_id=context.request.correlation_id,
        ),
        has_key=True,
    )
    return AdvanceClockPayload(
        now=result.now,
        target=result.target,
        is_finished=result.is_finished,
        steps=result.steps,
        done=[ErrandsDone(name=name, count=count) for name, count in sorted(result.done.items())],
        replayed=result.replayed,
    )
