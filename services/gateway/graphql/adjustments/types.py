"""Adjustments that need a second person, as clients see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.ledger.types import LedgerEntry, entries_by_key
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import INHERITED, of_member
from services.gateway.graphql.scalars import Points
from services.gateway.graphql.stores.types import Store, load_store
from services.loyalty.adjustments import domain
from services.loyalty.adjustments.queries import requests_by_ids
from services.platform.actors import ActorKind
from services.platform.auth.domain import Scope
from services.platform.db.session import ReadSession

if TYPE_CHECKING:
    from services.gateway.graphql.members.types import Member

LAZY_MEMBER = strawberry.lazy("services.gateway.graphql.members.types")


def requests_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.AdjustmentRequest]:
    """Requests by id."""
    return requests_by_ids(session, request_ids=keys)


@strawberry.type(description="Points to be given or taken by hand that need a second person, and what came of it.")
class AdjustmentRequest(Node):
    unit: str = strawberry.field(description="The code of the point unit.")
    points: Points = strawberry.field(description="How many: above zero gives, below zero takes.")
    reason: str = strawberry.field(description="Why, as whoever asked said.")
    status: domain.RequestStatus = strawberry.field(description="Where it is in its life.")
    requested_by_kind: ActorKind = strawberry.field(description="Who asked: a person or a program.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    expires_at: datetime = strawberry.field(description="Until when it can be decided.")
    decided_at: datetime | None = strawberry.field(description="When it was decided, if it was.")
    decision_reason: str | None = strawberry.field(description="Why it was rejected.")
    member_key: strawberry.Private[UUID]
    store_key: strawberry.Private[UUID | None]
    entry_key: strawberry.Private[UUID | None]

    @guarded(access=of_member(Scope.MEMBERS_READ, key="member_key"), description="Whose points.")
    async def member(self, info: Info) -> Annotated["Member", LAZY_MEMBER] | None:
        """The member."""
        from services.gateway.graphql.members.types import load_member  # noqa: PLC0415  the two types name each other

        return await load_member(info, self.member_key)

    @guarded(access=INHERITED, description="In which store; null in none.")
    async def store(self, info: Info) -> Store | None:
        """The store."""
        return await load_store(info, self.store_key)

    @guarded(access=of_member(Scope.MEMBERS_READ, key="member_key"), description="The entry, once it was approved.")
    async def entry(self, info: Info) -> LedgerEntry | None:
        """The entry."""
        if self.entry_key is None:
            return None
        entry = await info.context.load(entries_by_key, self.entry_key)
        return LedgerEntry.from_domain(entry) if entry else None

    @classmethod
    def from_domain(cls, request: domain.AdjustmentRequest, *, now: datetime) -> Self:
        """The request as clients see it at an instant."""
        return cls(
            id=encode("AdjustmentRequest", request.id),
            unit=request.unit,
            points=Points(request.points),
            reason=request.reason,
            status=request.at(now),
            requested_by_kind=request.requested_by.kind,
            requested_at=request.requested_at,
            expires_at=request.expires_at,
            decided_at=request.decided_at,
            decision_reason=request.decision_reason,
            member_key=request.member_id,
            store_key=request.store_id,
            entry_key=request.entry_id,
        )


async def load_request(info: Info, request_id: UUID) -> AdjustmentRequest | None:
    """A request by key, in one batch with others."""
    request = await info.context.load(requests_by_key, request_id)
    return AdjustmentRequest.from_domain(request, now=info.context.now) if request else None
