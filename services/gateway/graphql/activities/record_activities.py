"""recordActivities."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import strawberry

from services.gateway.graphql.activities.record_activity import (
    REFUSALS,
    RecordActivityInput,
    RecordActivityPayload,
    payload_of,
)
from services.gateway.graphql.client_input import item_hashes
from services.gateway.graphql.errors import described_error
from services.gateway.graphql.fields import Info, mutation, outcome_type
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.permissions import requires_at_each
from services.loyalty.activities import service
from services.loyalty.activities.domain import RecordActivity, RecordedActivity
from services.platform.auth.domain import Scope
from services.platform.errors import DomainError, InvalidInput


@strawberry.input(description="Activities to be recorded one after the other.")
class RecordActivitiesInput:
    activities: list[RecordActivityInput] = strawberry.field(
        description=f"1 to {service.RECORDINGS_MAX} activities, each with an idempotency key of its own."
    )


@strawberry.type(description="What came of one activity.")
class RecordedActivityItem:
    index: int = strawberry.field(description="Its place in the input, from 0.")
    result: Any = strawberry.field(
        graphql_type=outcome_type(RecordActivityPayload, REFUSALS),
        description="As `recordActivity` would have answered.",
    )


@strawberry.type(description="What came of each activity.")
class RecordActivitiesPayload:
    results: list[RecordedActivityItem] = strawberry.field(
        description="One for each activity, in the order of the input."
    )


def _stores(arguments: dict[str, Any]) -> Iterator[UUID | None]:
    """Each store once; one that can't be read is the activity's own refusal."""
    for store_id in {activity.store_id for activity in arguments["input"].activities}:
        try:
            yield decode_optional("Store", store_id, field="storeId")
        except InvalidInput:
            continue


@mutation(
    access=requires_at_each(Scope.ACTIVITIES_WRITE, _stores),
    description="Record what members did besides buying, many at a time, in one transaction. A refused one keeps no"
    " other from being recorded.",
)
async def record_activities(info: Info, input: RecordActivitiesInput) -> RecordActivitiesPayload:
    """Record activities."""
    hashes = item_hashes(info, "activities")
    outcomes: dict[int, RecordedActivity | DomainError] = {}
    commands: dict[int, RecordActivity] = {}
    service.check_count(len(input.activities))
    for index, (activity, hashed) in enumerate(zip(input.activities, hashes, strict=True)):
        try:
            commands[index] = activity.to_command(hashed)
        except InvalidInput as error:
            outcomes[index] = error
    if commands:
        recorded = await info.context.run_command(
            lambda uow: service.record_activities(uow, commands=list(commands.values())), has_key=True
        )
        outcomes |= dict(zip(commands, recorded, strict=True))
    # Together, so that what has to be read of known ones is read at once.
    results = await asyncio.gather(*(_result(info, outcomes[index]) for index in range(len(outcomes))))
    return RecordActivitiesPayload(
        results=[RecordedActivityItem(index=index, result=result) for index, result in enumerate(results)]
    )


async def _result(info: Info, outcome: RecordedActivity | DomainError) -> object:
    if isinstance(outcome, (*REFUSALS, InvalidInput)):
        return described_error(outcome, info.context.request.locale)
    if isinstance(outcome, DomainError):
        raise outcome
    return RecordActivityPayload(**await payload_of(info, outcome))
