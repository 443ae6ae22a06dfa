"""closeWallet."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import PUBLIC
from services.loyalty.cards import service
from services.loyalty.cards.errors import CardLinkInvalid


@strawberry.input(description="The page that a device gives up.")
class CloseWalletInput:
    device_key: str = strawberry.field(description="The device's key.")


@strawberry.type(description="The page is closed.")
class CloseWalletPayload:
    is_closed: bool = strawberry.field(description="Always true.")


@mutation(
    access=PUBLIC,
    description="Close the page of a member's card on the device that has the key. The header X-Tenant names the"
    " merchant.",
    errors=(CardLinkInvalid,),
)
async def close_wallet(info: Info, input: CloseWalletInput) -> CloseWalletPayload:
    """Close the page."""
    await info.context.run_command(lambda uow: service.close_link(uow, text=input.device_key), has_key=False)
    return CloseWalletPayload(is_closed=True)
