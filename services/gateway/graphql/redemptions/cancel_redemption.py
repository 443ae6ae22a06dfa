"""cancelRedemption."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode, decode_optional
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.redemptions.types import Redemption, load_redemption, require_its_store
from services.gateway.graphql.scalars import IdempotencyKey, Points
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.redemptions import service
from services.loyalty.redemptions.domain import CancelReason, CancelRedemption, Whereabouts
from services.loyalty.redemptions.errors import RedemptionEnded, RedemptionNeedsDecision, RedemptionNotFound
from services.loyalty.stores.errors import StoreClosed, StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A redemption to be taken back.")
class CancelRedemptionInput:
    redemption_id: strawberry.ID = strawberry.field(description="The redemption.")
    reason: CancelReason = strawberry.field(description="Why.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    note: str | None = strawberry.field(default=None, description="More about it, for the staff.")
    whereabouts: Whereabouts | None = strawberry.field(
        default=None,
        description="What becomes of what has left the house: goods that were shipped or collected, a service that was "
        "done, a code that somebody has seen. Without it such a redemption is refused with RedemptionNeedsDecision. "
        "The store that handed it out must be yours then.",
    )
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; needed by who may act in one store only."
    )

    def to_command(self, request_hash: bytes) -> CancelRedemption:
        """The command that it asks for."""
        return CancelRedemption(
            redemption_id=decode("Redemption", self.redemption_id, field="redemptionId"),
            idempotency_key=self.idempotency_key,
            request_hash=request_hash,
            reason=self.reason,
            note=self.note,
            whereabouts=self.whereabouts,
            store_id=decode_optional("Store", self.store_id, field="storeId"),
        )


@strawberry.type(description="The redemption, and what the member has.")
class CancelRedemptionPayload:
    redemption: Redemption | None = strawberry.field(
        description="The redemption as it is now. Money that a till has taken for it is the till's to give back."
    )
    points: Points = strawberry.field(description="What came back.")
    balance: Points = strawberry.field(description="What the member can spend after it.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.REDEMPTIONS_WRITE, input_store),
    description="Take a redemption back at any stage: the points go back to where they came from, the pieces into "
    "stock, and the budget gets its own.",
    errors=(
        RedemptionNotFound,
        RedemptionEnded,
        RedemptionNeedsDecision,
        ProgramNotPublished,
        StoreNotFound,
        StoreClosed,
        IdempotencyConflict,
    ),
)
async def cancel_redemption(info: Info, input: CancelRedemptionInput) -> CancelRedemptionPayload:
    """Cancel a redemption."""
    command = input.to_command(input_hash(info))
    if command.whereabouts is not None:
        # What becomes of goods is said where they were handed out.
        await require_its_store(info, command.redemption_id)
    result = await info.context.run_command(
        lambda uow: service.cancel_redemption(uow, command=command, is_last=True), has_key=True
    )
    return CancelRedemptionPayload(
        redemption=await load_redemption(info, result.redemption_id),
        points=Points(result.points),
        balance=Points(result.balance),
        replayed=result.replayed,
    )
