"""createWalletLink."""

from datetime import datetime

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.loyalty.cards import service
from services.loyalty.cards.domain.links import HOURS_DEFAULT, HOURS_MAX
from services.loyalty.cards.errors import CardNumbersExhausted
from services.loyalty.members.errors import MemberInactive, MemberNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="A member who is to see their card on a phone.")
class CreateWalletLinkInput:
    member_id: strawberry.ID = strawberry.field(description="The member.")
    valid_hours: int = strawberry.field(
        default=HOURS_DEFAULT, description=f"For how long the link can be opened first: 1 to {HOURS_MAX} hours."
    )


@strawberry.type(description="A link to the page of a member's card.")
class CreateWalletLinkPayload:
    url: str = strawberry.field(
        description="Send it to the member and to nobody else. It opens the page on one device; ten minutes after it"
        " was opened first it is of no more use."
    )
    expires_at: datetime = strawberry.field(description="Until when it can be opened first.")


@mutation(
    access=requires(Scope.MEMBER_TOKENS_WRITE),
    description="Make a link by which a member sees their card on a phone, without an app. A card is issued to who has"
    " none. `revokeWalletLinks` ends all links of a member, and the pages that they opened.",
    errors=(MemberNotFound, MemberInactive, CardNumbersExhausted),
)
async def create_wallet_link(info: Info, input: CreateWalletLinkInput) -> CreateWalletLinkPayload:
    """Make a link."""
    member_id = decode("Member", input.member_id, field="memberId")
    made = await info.context.run_command(
        lambda uow: service.create_link(uow, member_id=member_id, valid_hours=input.valid_hours), has_key=False
    )
    base_url = info.context.services.settings.base_url
    # Behind the # nothing reaches a server's log, and no program that looks at links before people do can open it.
    url = f"{base_url}/w/{info.context.tenant.slug}#{made.text}"
    return CreateWalletLinkPayload(url=url, expires_at=made.link.expires_at)
