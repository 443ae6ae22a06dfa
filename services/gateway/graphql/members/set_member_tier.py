"""setMemberTier."""

from datetime import datetime

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.members.types import Member, load_member
from services.gateway.graphql.permissions import requires_somewhere
from services.loyalty.members.errors import IdentityInvalid, MemberNotFound
from services.loyalty.programs.errors import ProgramNotPublished, TierNotInProgram
from services.loyalty.tiers import service
from services.loyalty.tiers.domain import SetMemberTier
from services.platform.auth.domain import Scope


@strawberry.input(description="A tier given by hand: by invitation, for a fee, or because you decide so.")
class SetMemberTierInput:
    member: MemberReferenceInput = strawberry.field(description="Who gets it.")
    tier: str = strawberry.field(description="The tier's code in the program document.")
    reason: str = strawberry.field(description="Why; it stands in the member's history for ever.")
    until: datetime | None = strawberry.field(
        default=None, description="Until when; without it until `releaseMemberTier`."
    )

    def to_command(self) -> SetMemberTier:
        """The command that it asks for."""
        return SetMemberTier(self.member.to_ref(), self.tier, self.reason, self.until)


@strawberry.type(description="The member after the change.")
class SetMemberTierPayload:
    member: Member | None = strawberry.field(
        description="The member as they are now; null without the scope `members:read`."
    )


@mutation(
    access=requires_somewhere(Scope.POINTS_ADJUST),
    description="Give a member a tier. Until it ends nothing that counts moves it; the earned tier goes on beneath and"
    " shows again then. It replaces one that was given before.",
    errors=(MemberNotFound, IdentityInvalid, ProgramNotPublished, TierNotInProgram),
)
async def set_member_tier(info: Info, input: SetMemberTierInput) -> SetMemberTierPayload:
    """Give a tier."""
    command = input.to_command()
    member_id = await info.context.run_command(lambda uow: service.set_member_tier(uow, command=command), has_key=False)
    may_read = info.context.principal.allows_somewhere(Scope.MEMBERS_READ)
    return SetMemberTierPayload(member=await load_member(info, member_id) if may_read else None)
