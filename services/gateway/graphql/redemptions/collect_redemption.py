"""collectRedemption."""

import strawberry

from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import input_store, requires_at
from services.gateway.graphql.redemptions.types import Redemption, load_redemption
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.redemptions import service
from services.loyalty.redemptions.domain import CollectRedemption
from services.loyalty.redemptions.errors import PickupElsewhere, RedemptionEnded, RedemptionNotFound
from services.loyalty.stores.errors import StoreClosed, StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.idempotency.errors import IdempotencyConflict


@strawberry.input(description="A pick-up code that somebody shows at a store.")
class CollectRedemptionInput:
    pickup_code: str = strawberry.field(description="The code, however it is typed.")
    store_id: strawberry.ID = strawberry.field(description="The store.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")


@strawberry.type(description="The redemption that was collected.")
class CollectRedemptionPayload:
    redemption: Redemption | None = strawberry.field(description="The redemption as it is now.")
    replayed: bool = strawberry.field(description="Whether the key was known and nothing happened again.")


@mutation(
    access=requires_at(Scope.REDEMPTIONS_WRITE, input_store),
    description="Hand over what was to be picked up to whoever shows its code. A code works once, and at its store.",
    errors=(RedemptionNotFound, RedemptionEnded, PickupElsewhere, StoreNotFound, StoreClosed, IdempotencyConflict),
)
async def collect_redemption(info: Info, input: CollectRedemptionInput) -> CollectRedemptionPayload:
    """Collect a redemption."""
    command = CollectRedemption(
        pickup_code=input.pickup_code,
        store_id=decode("Store", input.store_id, field="storeId"),
        idempotency_key=input.idempotency_key,
        request_hash=input_hash(info),
    )
    result = await info.context.run_command(lambda uow: service.collect_redemption(uow, command=command), has_key=True)
    return CollectRedemptionPayload(
        redemption=await load_redemption(info, result.redemption_id), replayed=result.replayed
    )
