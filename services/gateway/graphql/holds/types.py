"""Holds as clients see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import INHERITED, of_member
from services.gateway.graphql.scalars import Points
from services.gateway.graphql.stores.types import Store, load_store
from services.loyalty.holds import domain
from services.loyalty.holds.queries import holds_by_ids
from services.platform.auth.domain import Scope
from services.platform.db.session import ReadSession

if TYPE_CHECKING:
    from services.gateway.graphql.members.types import Member

LAZY_MEMBER = strawberry.lazy("services.gateway.graphql.members.types")


def holds_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.Hold]:
    """Holds by id."""
    return holds_by_ids(session, hold_ids=keys)


@strawberry.type(description="Points of a member that are reserved: nothing else can spend them.")
class Hold(Node):
    unit: str = strawberry.field(description="The code of the point unit.")
    points: Points = strawberry.field(description="How many were reserved.")
    captured: Points = strawberry.field(description="How many of them were spent.")
    held: Points = strawberry.field(description="How many are reserved now.")
    status: domain.HoldStatus = strawberry.field(description="Where it is in its life.")
    reference: str | None = strawberry.field(description="What the caller calls it, such as the number of an order.")
    held_at: datetime = strawberry.field(description="From when on they are reserved.")
    expires_at: datetime = strawberry.field(description="When what is reserved then becomes spendable again by itself.")
    ended_at: datetime | None = strawberry.field(
        description="When the last of them was captured or released; null while it is open, and when it timed out."
    )
    key: strawberry.Private[UUID]
    member_key: strawberry.Private[UUID]
    store_key: strawberry.Private[UUID | None]

    @guarded(access=of_member(Scope.MEMBERS_READ, key="member_key"), description="Whose points.")
    async def member(self, info: Info) -> Annotated["Member", LAZY_MEMBER] | None:
        """The member."""
        from services.gateway.graphql.members.types import load_member  # noqa: PLC0415  the two types name each other

        return await load_member(info, self.member_key)

    @guarded(access=INHERITED, description="Where they were reserved; null when in no store.")
    async def store(self, info: Info) -> Store | None:
        """The store."""
        return await load_store(info, self.store_key)

    @classmethod
    def from_domain(cls, hold: domain.Hold, *, at: datetime) -> Self:
        """The hold as clients see it at an instant."""
        return cls(
            id=encode("Hold", hold.id),
            unit=hold.unit,
            points=Points(hold.points),
            captured=Points(hold.captured),
            held=Points(hold.held(at)),
            status=hold.status(at),
            reference=hold.reference,
            held_at=hold.held_at,
            expires_at=hold.expires_at,
            ended_at=hold.ended_at,
            key=hold.id,
            member_key=hold.member_id,
            store_key=hold.store_id,
        )


async def load_hold(info: Info, hold_id: UUID) -> Hold | None:
    """A hold by key, in one batch with others."""
    hold = await info.context.load(holds_by_key, hold_id)
    return Hold.from_domain(hold, at=info.context.now) if hold else None
