"""Reading activities."""

from typing import Annotated

import strawberry

from services.gateway.graphql.activities.types import Activity, is_visible, load_activity
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires_somewhere
from services.loyalty.activities import queries
from services.platform.auth.domain import Scope
from services.platform.errors import InvalidInput


@strawberry.input(description="An activity by its id in the system that told of it.")
class ExternalActivityInput:
    source: str = strawberry.field(description="The system.")
    external_id: str = strawberry.field(description="The activity's id there.")


@strawberry.input(one_of=True, description="An activity by id or by its external id. Exactly one field.")
class ActivityReferenceInput:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="The activity's id.")
    external: strawberry.Maybe[ExternalActivityInput] = strawberry.field(description="The activity's external id.")


@guarded(
    access=requires_somewhere(Scope.ACTIVITIES_READ),
    description="One activity; null when the tenant, or the stores that you may see, have no such activity.",
)
async def activity(
    info: Info,
    by: Annotated[ActivityReferenceInput, strawberry.argument(description="The activity's id or external id.")],
) -> Activity | None:
    """An activity by id or external id."""
    if by.id:
        return await load_activity(info, decode("Activity", by.id.value, field="by.id"))
    if by.external is None:
        raise InvalidInput(field="by", reason="NOTHING_GIVEN")
    external = by.external.value
    found = await info.context.read(
        lambda session: queries.activity_by_external_id(
            session, source=external.source, external_id=external.external_id
        )
    )
    return Activity.from_domain(found) if found and is_visible(info, found) else None
