"""issueCard."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.members.types import Member, shown_member
from services.gateway.graphql.permissions import requires_somewhere
from services.loyalty.cards import service
from services.loyalty.cards.errors import CardNumbersExhausted
from services.loyalty.members.errors import MemberInactive, MemberNotFound
from services.platform.auth.domain import Scope


@strawberry.input(description="A member who is to have a card.")
class IssueCardInput:
    member_id: strawberry.ID = strawberry.field(description="The member.")


@strawberry.type(description="The member, who has a card now.")
class IssueCardPayload:
    member: Member | None = strawberry.field(description="The member; null without the scope `members:read`.")


@mutation(
    access=requires_somewhere(Scope.MEMBERS_WRITE),
    description="Give a member a card with a number of its own. Who has a number keeps it.",
    errors=(MemberNotFound, MemberInactive, CardNumbersExhausted),
)
async def issue_card(info: Info, input: IssueCardInput) -> IssueCardPayload:
    """Issue a card."""
    member_id = decode("Member", input.member_id, field="memberId")
    member = await info.context.run_command(lambda uow: service.issue_card(uow, member_id=member_id), has_key=False)
    return IssueCardPayload(member=shown_member(info, member))
