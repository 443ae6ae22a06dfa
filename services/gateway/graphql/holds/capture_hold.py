"""captureHold."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.holds.types import Hold, load_hold
from services.gateway.graphql.ids import decode, decode_optional
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.holds import service
from services.loyalty.holds.domain import CaptureHold
from services.loyalty.holds.errors import HoldEnded, HoldNotFound, HoldTooSmall
from services.loyalty.members.errors import MemberInactive
from services.loyalty.stores.errors import StoreClosed, StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="Reserved points to be spent.")
class CaptureHoldInput:
    hold_id: strawberry.ID = strawberry.field(description="The hold.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    points: Points | None = strawberry.field(default=None, description="How many; all that is reserved unless told.")
    keeps_rest: bool = strawberry.field(
        default=False, description="Whether the rest stays reserved; otherwise it is released."
    )
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; needed by who may act in one store only."
    )

    def to_command(self, request_hash: bytes) -> CaptureHold:
        """The command that it asks for."""
        return CaptureHold(
            hold_id=decode("Hold", self.hold_id, field="holdId"),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            points=self.points,
            keeps_rest=self.keeps_rest,
            store_id=decode_optional("Store", self.store_id, field="storeId"),
        )


@strawberry.type(description="The hold, and what is left.")
class CaptureHoldPayload:
    hold: Hold | None = strawberry.field(description="The hold as it is now.")
    points: Points = strawberry.field(description="What was spent.")
    balance: Points = strawberry.field(description="What the member could spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.REDEMPTIONS_WRITE, input_store),
    description="Spend what a hold has reserved, or a part of it.",
    errors=(
        HoldNotFound,
        HoldEnded,
        HoldTooSmall,
        MemberInactive,
        StoreNotFound,
        StoreClosed,
        IdempotencyConflict,
    ),
)
async def capture_hold(info: Info, input: CaptureHoldInput) -> CaptureHoldPayload:
    """Capture a hold."""
    command = input.to_command(input_hash(info))
    result = await info.context.run_command(lambda uow: service.capture_hold(uow, command=command), has_key=True)
    return CaptureHoldPayload(
        hold=await load_hold(info, result.hold_id),
        points=Points(result.points),
        balance=Points(result.balance),
        replayed=result.replayed,
    )
