"""createShare."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.permissions import requires
from services.loyalty.activities import service
from services.loyalty.activities.domain import CreateShare
from services.loyalty.members.errors import IdentityInvalid, MemberInactive, MemberNotFound
from services.platform.auth.domain import Scope
from services.platform.auth.tokens import ShareToken


@strawberry.input(description="A link for a member to share.")
class CreateShareInput:
    member: MemberReferenceInput = strawberry.field(description="Who shares.")
    url: str = strawberry.field(description="Where the link leads: an https address of yours.")
    channel: str = strawberry.field(description="Where it will be shared, such as `wechat`; rules may ask for it.")


@strawberry.type(description="The link.")
class CreateSharePayload:
    link: str = strawberry.field(
        description="What the member sends to friends. It leads on to `url`; the first friend who follows it earns the"
        " member what the program says."
    )


@mutation(
    access=requires(Scope.ACTIVITIES_WRITE),
    description="Make a link for a member to share. Sharing earns nothing; a friend who follows the link does.",
    errors=(MemberNotFound, MemberInactive, IdentityInvalid),
)
async def create_share(info: Info, input: CreateShareInput) -> CreateSharePayload:
    """Make a link to share."""
    command = CreateShare(member=input.member.to_ref(), url=input.url, channel=input.channel)
    share = await info.context.run_command(lambda uow: service.create_share(uow, command=command), has_key=False)
    services = info.context.services
    token = services.signer.share_token(ShareToken(info.context.tenant.id, share.id))
    return CreateSharePayload(link=f"{services.settings.base_url}/s/{token}")
