"""createReferralCode."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires_somewhere
from services.loyalty.activities import service
from services.loyalty.members.errors import MemberInactive, MemberNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="A member who is to bring friends.")
class CreateReferralCodeInput:
    member_id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.type(description="The member's code.")
class CreateReferralCodePayload:
    code: str = strawberry.field(description="What friends give as `referralCode` when they join; it stays the same.")


@mutation(
    access=requires_somewhere(Scope.MEMBERS_WRITE),
    description="A member's referral code, made now where there is none. Who enrolls has one from the beginning.",
    errors=(MemberNotFound, MemberInactive),
)
async def create_referral_code(info: Info, input: CreateReferralCodeInput) -> CreateReferralCodePayload:
    """Make a referral code."""
    member_id = decode("Member", input.member_id, field="memberId")
    code = await info.context.run_command(
        lambda uow: service.create_referral_code(uow, member_id=member_id), has_key=False
    )
    return CreateReferralCodePayload(code=code)
