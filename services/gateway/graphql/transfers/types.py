"""Transfers as clients see them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.permissions import of_member
from services.gateway.graphql.scalars import Points
from services.loyalty.transfers import domain
from services.loyalty.transfers.queries import transfers_by_ids
from services.platform.auth.domain import Scope
from services.platform.db.session import ReadSession

if TYPE_CHECKING:
    from services.gateway.graphql.members.types import Member

LAZY_MEMBER = strawberry.lazy("services.gateway.graphql.members.types")


def transfers_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, domain.Transfer]:
    """Transfers by id."""
    return transfers_by_ids(session, transfer_ids=keys)


@strawberry.type(description="Points that one member gave to another.")
class Transfer(Node):
    unit: str = strawberry.field(description="The code of the point unit.")
    points: Points = strawberry.field(description="How many.")
    message: str | None = strawberry.field(description="What the giver says to it.")
    occurred_at: datetime = strawberry.field(description="When they were given.")
    key: strawberry.Private[UUID]
    sender_key: strawberry.Private[UUID]
    recipient_key: strawberry.Private[UUID]

    @guarded(access=of_member(Scope.MEMBERS_READ, key="sender_key"), description="Who gave them.")
    async def sender(self, info: Info) -> Annotated["Member", LAZY_MEMBER] | None:
        """The giver."""
        from services.gateway.graphql.members.types import load_member  # noqa: PLC0415  the two types name each other

        return await load_member(info, self.sender_key)

    @guarded(access=of_member(Scope.MEMBERS_READ, key="recipient_key"), description="Who got them.")
    async def recipient(self, info: Info) -> Annotated["Member", LAZY_MEMBER] | None:
        """The receiver."""
        from services.gateway.graphql.members.types import load_member  # noqa: PLC0415  the two types name each other

        return await load_member(info, self.recipient_key)

    @classmethod
    def from_domain(cls, transfer: domain.Transfer) -> Self:
        """The transfer as clients see it."""
        return cls(
            id=encode("Transfer", transfer.id),
            unit=transfer.unit,
            points=Points(transfer.points),
            message=transfer.message,
            occurred_at=transfer.occurred_at,
            key=transfer.id,
            sender_key=transfer.sender_id,
            recipient_key=transfer.recipient_id,
        )


async def load_transfer(info: Info, transfer_id: UUID) -> Transfer | None:
    """A transfer by key, in one batch with others."""
    transfer = await info.context.load(transfers_by_key, transfer_id)
    return Transfer.from_domain(transfer) if transfer else None
