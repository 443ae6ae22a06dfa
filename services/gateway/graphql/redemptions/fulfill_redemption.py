"""fulfillRedemption."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.redemptions.types import Redemption, load_redemption, require_its_store
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.redemptions import service
from services.loyalty.redemptions.domain import FulfillRedemption
from services.loyalty.redemptions.errors import RedemptionEnded, RedemptionNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A redemption that is issued, shipped, done, or ready to be picked up.")
class FulfillRedemptionInput:
    redemption_id: strawberry.ID = strawberry.field(description="The redemption.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; needed by who may act in one store only."
    )
    reference: str | None = strawberry.field(
        default=None, description="For the member: the number of a parcel, a code, when and where of an appointment."
    )
    note: str | None = strawberry.field(default=None, description="For the staff.")


@strawberry.type(description="The redemption after it was fulfilled.")
class FulfillRedemptionPayload:
    redemption: Redemption | None = strawberry.field(description="The redemption as it is now.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.REDEMPTIONS_WRITE, input_store),
    description="Say that a confirmed redemption is issued or shipped. One with a pick-up store goes on waiting until "
    "it is collected; the others leave the queue. The store that hands it out must be yours.",
    errors=(RedemptionNotFound, RedemptionEnded, IdempotencyConflict),
)
async def fulfill_redemption(info: Info, input: FulfillRedemptionInput) -> FulfillRedemptionPayload:
    """Fulfill a redemption."""
    command = FulfillRedemption(
        redemption_id=decode("Redemption", input.redemption_id, field="redemptionId"),
        idempotency_key=input.idempotency_key,
        request_hash=input_hash(info),
        reference=input.reference,
        note=input.note,
    )
    await require_its_store(info, command.redemption_id)
    result = await info.context.run_command(lambda uow: service.fulfill_redemption(uow, command=command), has_key=True)
    return FulfillRedemptionPayload(
        redemption=await load_redemption(info, result.redemption_id), replayed=result.replayed
    )
