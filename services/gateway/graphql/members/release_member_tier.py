"""releaseMemberTier."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.members.references import MemberReferenceInput
from services.gateway.graphql.members.types import Member, load_member
from services.gateway.graphql.permissions import requires_somewhere
from services.loyalty.members.errors import IdentityInvalid, MemberNotFound
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.tiers import service
from services.loyalty.tiers.domain import ReleaseMemberTier
from services.loyalty.tiers.errors import TierNotGiven
from services.platform.auth.domain import Scope


@strawberry.input(description="The end of a tier that was given by hand.")
class ReleaseMemberTierInput:
    member: MemberReferenceInput = strawberry.field(description="Whose tier.")
    reason: str = strawberry.field(description="Why; it stands in the member's history for ever.")


@strawberry.type(description="The member after the change.")
class ReleaseMemberTierPayload:
    member: Member | None = strawberry.field(
        description="The member as they are now; null without the scope `members:read`."
    )


@mutation(
    access=requires_somewhere(Scope.POINTS_ADJUST),
    description="End a tier that was given with `setMemberTier`: the tier that the member has earned shows again.",
    errors=(MemberNotFound, IdentityInvalid, ProgramNotPublished, TierNotGiven),
)
async def release_member_tier(info: Info, input: ReleaseMemberTierInput) -> ReleaseMemberTierPayload:
    """Release a tier."""
    command = ReleaseMemberTier(input.member.to_ref(), input.reason)
    member_id = await info.context.run_command(
        lambda uow: service.release_member_tier(uow, command=command), has_key=False
    )
    may_read = info.context.principal.allows_somewhere(Scope.MEMBERS_READ)
    return ReleaseMemberTierPayload(member=await load_member(info, member_id) if may_read else None)
