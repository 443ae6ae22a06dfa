"""holdPoints."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.holds.types import Hold, load_hold
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.holds import service
from services.loyalty.holds.domain import HoldPoints
from services.loyalty.ledger.errors import InsufficientPoints
from services.loyalty.members.errors import IdentityInvalid, MemberInactive, MemberNotFound
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.stores.errors import StoreClosed, StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="Points to be reserved.")
class HoldPointsInput:
    member: MemberReferenceInput = strawberry.field(description="Whose points.")
    points: Points = strawberry.field(description="How many.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    unit: str | None = strawberry.field(
        default=None, description="The code of the point unit; the program's own unless one is named."
    )
    minutes: int | None = strawberry.field(
        default=None, description="For how long, at most 90 days; as the program says unless told."
    )
    reference: str | None = strawberry.field(
        default=None, description="What you call it, such as the number of an order."
    )
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; needed by who may act in one store only."
    )

    def to_command(self, request_hash: bytes) -> HoldPoints:
        """The command that it asks for."""
        return HoldPoints(
            member=self.member.to_ref(),
            points=self.points,
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            unit=self.unit,
            minutes=self.minutes,
            reference=self.reference,
            store_id=decode_optional("Store", self.store_id, field="storeId"),
        )


@strawberry.type(description="The hold, and what is left.")
class HoldPointsPayload:
    hold: Hold | None = strawberry.field(description="The hold as it is now.")
    points: Points = strawberry.field(description="What was reserved.")
    balance: Points = strawberry.field(description="What the member could spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.REDEMPTIONS_WRITE, input_store),
    description="Reserve points of a member, of the lots that end soonest, until they are captured, released, or time"
    " has run out. Lots that end meanwhile lapse when the hold ends.",
    errors=(
        MemberNotFound,
        MemberInactive,
        IdentityInvalid,
        InsufficientPoints,
        ProgramNotPublished,
        StoreNotFound,
        StoreClosed,
        IdempotencyConflict,
    ),
)
async def hold_points(info: Info, input: HoldPointsInput) -> HoldPointsPayload:
    """Hold points."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(lambda uow: service.hold_points(uow, command=command), has_key=True)
    return HoldPointsPayload(
        hold=await load_hold(info, result.hold_id),
        points=Points(result.points),
        balance=Points(result.balance),
        replayed=result.replayed,
    )
