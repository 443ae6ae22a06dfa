"""inviteStaff."""

from uuid import UUID

import strawberry

from services.gateway.graphql.auth.loaders import check_store, find_invitation
from services.gateway.graphql.auth.types import Invitation
from services.gateway.graphql.client_input import input_hash
from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode_optional
from services.gateway.graphql.permissions import requires
from services.gateway.graphql.scalars import IdempotencyKey
from services.loyalty.stores.errors import StoreNotFound
from services.platform.auth import service
from services.platform.auth.domain import Role, Scope
from services.platform.auth.errors import EmailInvalid, RoleNotGrantable
from services.platform.db.homes import PLATFORM
from services.platform.db.session import UnitOfWork
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.idempotency.service import claim, settle


@strawberry.input(description="A role to offer.")
class InviteStaffInput:
    email: str = strawberry.field(description="To whom the invitation is sent.")
    role: Role = strawberry.field(description="What is offered; nobody can give more than they have.")
    idempotency_key: IdempotencyKey = strawberry.field(description="Makes a repeat of this request harmless.")
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="The store to which the role is limited; the whole tenant without it."
    )


@strawberry.type(description="The invitation that was sent.")
class InviteStaffPayload:
    invitation: Invitation | None = strawberry.field(
        description="The invitation. Only the e-mail holds the link by which it is accepted."
    )
    replayed: bool = strawberry.field(description="Whether the key was known and nothing was sent again.")


@mutation(
    access=requires(Scope.STAFF_MANAGE),
    description="Offer a role to somebody by e-mail.",
    errors=(EmailInvalid, RoleNotGrantable, StoreNotFound, IdempotencyConflict),
)
async def invite_staff(info: Info, input: InviteStaffInput) -> InviteStaffPayload:
    """Invite somebody."""
    tenant, inviter, request_hash = info.context.tenant, info.context.principal, input_hash(info)
    store_id = await check_store(info, decode_optional("Store", input.store_id, field="storeId"))
    # Keys of the platform's home are shared by all tenants: each has its own operation.
    operation, key = f"inviteStaff:{tenant.id}", input.idempotency_key

    def work(uow: UnitOfWork) -> tuple[UUID, bool]:
        stored = claim(uow, operation=operation, key=key, request_hash=request_hash)
        if stored is not None:
            return UUID(stored["invitation_id"]), True
        invitation_id = service.invite_staff(
            uow, tenant=tenant, inviter=inviter, email=input.email, role=input.role, store_id=store_id
        )
        settle(uow, operation=operation, key=key, result={"invitation_id": str(invitation_id)})
        return invitation_id, False

    invitation_id, replayed = await info.context.run_command(work, home=PLATFORM, has_key=True)
    invitation = await find_invitation(info, invitation_id)
    return InviteStaffPayload(invitation=Invitation.from_domain(invitation) if invitation else None, replayed=replayed)
