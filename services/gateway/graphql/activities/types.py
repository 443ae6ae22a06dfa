"""Activities and shares as clients see them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from services.gateway.graphql.activities.loaders import activities_by_key
from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import INHERITED, is_allowed_at, of_member
from services.gateway.graphql.scalars import JsonDocument, Points
from services.gateway.graphql.stores.types import Store, load_store
from services.loyalty.activities import domain
from services.loyalty.programs.domain import Trigger
from services.platform.auth.domain import Scope

if TYPE_CHECKING:
    from services.gateway.graphql.members.types import Member

LAZY_MEMBER = strawberry.lazy("services.gateway.graphql.members.types")


@strawberry.type(description="What one rule gave for an activity.")
class ActivityAccrual:
    rule_id: str = strawberry.field(description="The rule's id in the program document.")
    unit: str = strawberry.field(description="The code of the point unit.")
    points: Points = strawberry.field(description="What it gave.")


@strawberry.type(description="Something that a member did besides buying: evidence, kept even where it earned nothing.")
class Activity(Node):
    trigger: Trigger = strawberry.field(description="What it was.")
    event: str | None = strawberry.field(description="The code of a custom event; null for all others.")
    source: str = strawberry.field(description="The system that told of it; `program` where it was the program itself.")
    external_id: str = strawberry.field(description="Its id there.")
    data: JsonDocument = strawberry.field(description="What was told of it.")
    points: Points = strawberry.field(description="What it earned of the program's own unit.")
    accruals: list[ActivityAccrual] = strawberry.field(description="What each rule gave for it.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When it was written down.")
    withdrawn_at: datetime | None = strawberry.field(
        description="When what it had earned was taken back; null while it stands."
    )
    key: strawberry.Private[UUID]
    member_key: strawberry.Private[UUID]
    store_key: strawberry.Private[UUID | None]

    @guarded(access=of_member(Scope.MEMBERS_READ, key="member_key"), description="Who did it.")
    async def member(self, info: Info) -> Annotated["Member", LAZY_MEMBER] | None:
        """The member."""
        from services.gateway.graphql.members.types import load_member  # noqa: PLC0415  the two types name each other

        return await load_member(info, self.member_key)

    @guarded(access=INHERITED, description="Where it was done; null when in no store.")
    async def store(self, info: Info) -> Store | None:
        """The store."""
        return await load_store(info, self.store_key)

    @classmethod
    def from_domain(cls, activity: domain.Activity) -> Self:
        """The activity as clients see it."""
        return cls(
            id=encode("Activity", activity.id),
            trigger=activity.trigger,
            event=activity.event_code,
            source=activity.source,
            external_id=activity.external_id,
            data=JsonDocument(dict(activity.data)),
            points=Points(activity.points),
            accruals=[
                ActivityAccrual(rule_id=one.rule_id, unit=one.unit, points=Points(one.points))
                for one in activity.accruals
            ],
            occurred_at=activity.occurred_at,
            recorded_at=activity.recorded_at,
            withdrawn_at=activity.withdrawn_at,
            key=activity.id,
            member_key=activity.member_id,
            store_key=activity.store_id,
        )


def is_visible(info: Info, activity: domain.Activity) -> bool:
    """Whether who asks may see it: members their own, others by the store where it was done."""
    principal = info.context.principal
    if principal.member_id is not None:
        return principal.member_id == activity.member_id
    if activity.store_id is None:
        return principal.allows_somewhere(Scope.ACTIVITIES_READ)
    return is_allowed_at(info.context, Scope.ACTIVITIES_READ, activity.store_id)


async def load_activity(info: Info, activity_id: UUID) -> Activity | None:
    """An activity by key, in one batch with others; None where it may not be seen."""
    found = await info.context.load(activities_by_key, activity_id)
    return Activity.from_domain(found) if found and is_visible(info, found) else None


async def recorded_activity(info: Info, activity_id: UUID) -> Activity | None:
    """An activity that the present operation recorded."""
    found = await info.context.load(activities_by_key, activity_id)
    return Activity.from_domain(found) if found else None
