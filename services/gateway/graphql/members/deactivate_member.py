"""deactivateMember."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.types import Member, shown_member
from services.gateway.graphql.permissions import requires
from services.loyalty.members import service
from services.loyalty.members.errors import MemberNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="A member to deactivate.")
class DeactivateMemberInput:
    member_id: strawberry.ID = strawberry.field(description="The member; null without the scope `members:read`.")


@strawberry.type(description="The member after the change.")
class DeactivateMemberPayload:
    member: Member | None = strawberry.field(description="The member; null without the scope `members:read`.")


@mutation(
    access=requires(Scope.MEMBERS_WRITE),
    description="Deactivate a member, who then earns nothing and spends nothing. The ledger stays.",
    errors=(MemberNotFound,),
)
async def deactivate_member(info: Info, input: DeactivateMemberInput) -> DeactivateMemberPayload:
    """Deactivate a member, who then earns nothing and spends nothing. The ledger stays."""
    member_id = decode("Member", input.member_id, field="memberId")
    member = await info.context.run_command(
        lambda uow: service.deactivate_member(uow, member_id=member_id), has_key=False
    )
    return DeactivateMemberPayload(member=shown_member(info, member))
