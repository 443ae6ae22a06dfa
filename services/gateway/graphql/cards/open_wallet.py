"""openWallet."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.permissions import PUBLIC
from services.loyalty.cards import service
from services.loyalty.cards.errors import CardLinkInvalid
from services.loyalty.members.errors import MemberInactive

TOKEN_SECONDS = 300
"""So soon a page that was revoked shows nothing more."""


@strawberry.input(description="What opens the page of a card.")
class OpenWalletInput:
    credential: str = strawberry.field(
        description="What stands behind the `#` of the link, or the `deviceKey` that it was exchanged for."
    )


@strawberry.type(description="A short-lived token for the page, and the key of the device.")
class OpenWalletPayload:
    token: str = strawberry.field(
        description="Send it as `Authorization: Bearer <token>`; it reaches what is the member's own (`me`, `node`)."
    )
    expires_in_seconds: int = strawberry.field(description="How long it lasts; ask again with the device's key.")
    device_key: str | None = strawberry.field(
        description="Keep it on the device: it opens the page from now on. Null where it was given."
    )


@mutation(
    access=PUBLIC,
    description="Open the page of a member's card. The header X-Tenant names the merchant.",
    errors=(CardLinkInvalid, MemberInactive),
)
async def open_wallet(info: Info, input: OpenWalletInput) -> OpenWalletPayload:
    """Open the page."""
    opened = await info.context.run_command(lambda uow: service.open_link(uow, text=input.credential), has_key=False)
    token = info.context.services.signer.member_token(
        tenant_id=info.context.tenant.id, member_id=opened.member_id, seconds=TOKEN_SECONDS
    )
    return OpenWalletPayload(token=token, expires_in_seconds=TOKEN_SECONDS, device_key=opened.device_key)
