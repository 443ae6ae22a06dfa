"""createCheckInCode."""

from datetime import datetime

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import input_store, requires_at
from services.loyalty.activities.service import open_check_in
from services.loyalty.stores.errors import StoreClosed, StoreNotFound
from services.platform.auth.domain import Scope
from services.platform.auth.tokens import CheckInToken


@strawberry.input(description="A store that is to show a code.")
class CreateCheckInCodeInput:
    store_id: strawberry.ID = strawberry.field(description="The store.")
    valid_seconds: int = strawberry.field(
        default=60,
        description="How long the code is good, 15 seconds to a day. A screen shows a new one before it ends.",
    )


@strawberry.type(description="A code that proves a visit of the store.")
class CreateCheckInCodePayload:
    code: str = strawberry.field(description="Show it as a QR code; the member's app sends it with `checkIn`.")
    expires_at: datetime = strawberry.field(description="When it is good no more.")


@mutation(
    access=requires_at(Scope.ACTIVITIES_WRITE, input_store),
    description="Make a code for a store's screen. It is signed, kept nowhere, and serves every member until it ends.",
    errors=(StoreNotFound, StoreClosed),
)
async def create_check_in_code(info: Info, input: CreateCheckInCodeInput) -> CreateCheckInCodePayload:
    """Make a check-in code."""
    store_id = decode("Store", input.store_id, field="storeId")
    expires_at = await info.context.read(
        lambda session: open_check_in(session, store_id=store_id, valid_seconds=input.valid_seconds)
    )
    code = CheckInToken(info.context.tenant.id, store_id, expires_at)
    return CreateCheckInCodePayload(code=info.context.services.signer.check_in_code(code), expires_at=expires_at)
