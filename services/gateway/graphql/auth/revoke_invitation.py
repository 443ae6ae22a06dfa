"""revokeInvitation."""

import strawberry

from services.gateway.graphql.auth.loaders import find_invitation
from services.gateway.graphql.auth.types import Invitation
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.platform.auth import service
from services.platform.auth.domain import Scope
from services.platform.auth.errors import InvitationInvalid
from services.platform.db.homes import PLATFORM


@strawberry.input(description="An invitation to withdraw.")
class RevokeInvitationInput:
    invitation_id: strawberry.ID = strawberry.field(description="The invitation.")


@strawberry.type(description="The invitation after it was withdrawn.")
class RevokeInvitationPayload:
    invitation: Invitation | None = strawberry.field(description="The invitation.")


@mutation(
    access=requires(Scope.STAFF_MANAGE),
    description="Withdraw an invitation that nobody has accepted yet.",
    errors=(InvitationInvalid,),
)
async def revoke_invitation(info: Info, input: RevokeInvitationInput) -> RevokeInvitationPayload:
    """Withdraw an invitation."""
    tenant, invitation_id = info.context.tenant, decode("Invitation", input.invitation_id, field="invitationId")
    await info.context.run_command(
        lambda uow: service.revoke_invitation(uow, tenant=tenant, invitation_id=invitation_id),
        home=PLATFORM,
        has_key=False,
    )
    invitation = await find_invitation(info, invitation_id)
    return RevokeInvitationPayload(invitation=Invitation.from_domain(invitation) if invitation else None)
