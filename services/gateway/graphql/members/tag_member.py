"""tagMember."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.types import Member, shown_member
from services.gateway.graphql.permissions import requires_somewhere
from services.loyalty.members import service
from services.loyalty.members.domain import TagMember
from services.loyalty.members.errors import MemberNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="Tags to put on a member and to take off. A tag in both lists is taken off.")
class TagMemberInput:
    member_id: strawberry.ID = strawberry.field(description="The member.")
    add: list[str] = strawberry.field(default_factory=list, description="Tags to put on; 50 at most on one member.")
    remove: list[str] = strawberry.field(default_factory=list, description="Tags to take off.")


@strawberry.type(description="The member after the change.")
class TagMemberPayload:
    member: Member | None = strawberry.field(description="The member; null without the scope `members:read`.")


@mutation(
    access=requires_somewhere(Scope.MEMBERS_WRITE),
    description="Put tags on a member and take tags off, whatever others do to the member at the same time.",
    errors=(MemberNotFound,),
)
async def tag_member(info: Info, input: TagMemberInput) -> TagMemberPayload:
    """Tag a member."""
    command = TagMember(
        member_id=decode("Member", input.member_id, field="memberId"), add=tuple(input.add), remove=tuple(input.remove)
    )
    member = await info.context.run_command(lambda uow: service.tag_member(uow, command=command), has_key=False)
    return TagMemberPayload(member=shown_member(info, member))
