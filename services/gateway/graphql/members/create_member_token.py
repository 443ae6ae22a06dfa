"""createMemberToken."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.loaders import members_by_key
from services.gateway.graphql.permissions import requires
from services.loyalty.members.errors import MemberInactive, MemberNotFound
from services.platform.auth.domain import Scope
from services.platform.auth.tokens import MEMBER_TOKEN_SECONDS


@strawberry.input(description="A member who is to read their own data.")
class CreateMemberTokenInput:
    member_id: strawberry.ID = strawberry.field(description="The member, whom your own app has logged in.")


@strawberry.type(description="A token for a member's own device.")
class CreateMemberTokenPayload:
    token: str = strawberry.field(
        description="Send it as `Authorization: Bearer <token>`; it reaches what is the member's own (`me`, `node`)."
    )
    expires_in_seconds: int = strawberry.field(description="How long it lasts.")


@mutation(
    access=requires(Scope.MEMBER_TOKENS_WRITE),
    description="Make a token by which a member reads their own data, for an hour.",
    errors=(MemberNotFound, MemberInactive),
)
async def create_member_token(info: Info, input: CreateMemberTokenInput) -> CreateMemberTokenPayload:
    """Make a member token."""
    member_id = decode("Member", input.member_id, field="memberId")
    member = await info.context.load(members_by_key, member_id)
    if member is None:
        raise MemberNotFound(member_id=member_id)
    if not member.is_active:
        raise MemberInactive(member_id=member_id)
    signer = info.context.services.signer
    return CreateMemberTokenPayload(
        token=signer.member_token(tenant_id=info.context.tenant.id, member_id=member_id),
        expires_in_seconds=MEMBER_TOKEN_SECONDS,
    )
