"""revokeWalletLinks."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.loyalty.cards import service
from services.loyalty.members.errors import MemberNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="A member whose links are to end.")
class RevokeWalletLinksInput:
    member_id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.type(description="What has ended.")
class RevokeWalletLinksPayload:
    revoked: int = strawberry.field(description="How many links; the pages that they opened end within five minutes.")


@mutation(
    access=requires(Scope.MEMBER_TOKENS_WRITE),
    description="End every link to a member's card and the pages that they opened, such as when a phone was lost.",
    errors=(MemberNotFound,),
)
async def revoke_wallet_links(info: Info, input: RevokeWalletLinksInput) -> RevokeWalletLinksPayload:
    """End a member's links."""
    member_id = decode("Member", input.member_id, field="memberId")
    revoked = await info.context.run_command(lambda uow: service.revoke_links(uow, member_id=member_id), has_key=False)
    return RevokeWalletLinksPayload(revoked=revoked)
