"""reactivateMember."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.types import Member, shown_member
from services.gateway.graphql.permissions import requires
from services.loyalty.members import service
from services.loyalty.members.errors import MemberNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="A member to reactivate.")
class ReactivateMemberInput:
    member_id: strawberry.ID = strawberry.field(description="The member; null without the scope `members:read`.")


@strawberry.type(description="The member after the change.")
class ReactivateMemberPayload:
    member: Member | None = strawberry.field(description="The member; null without the scope `members:read`.")


@mutation(
    access=requires(Scope.MEMBERS_WRITE),
    description="Let a deactivated member take part again.",
    errors=(MemberNotFound,),
)
async def reactivate_member(info: Info, input: ReactivateMemberInput) -> ReactivateMemberPayload:
    """Let a deactivated member take part again."""
    member_id = decode("Member", input.member_id, field="memberId")
    member = await info.context.run_command(
        lambda uow: service.reactivate_member(uow, member_id=member_id), has_key=False
    )
    return ReactivateMemberPayload(member=shown_member(info, member))
