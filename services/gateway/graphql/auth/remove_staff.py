"""removeStaff."""

import strawberry

from services.gateway.graphql.fields import Info, mutation
from services.gateway.graphql.ids import decode
from services.gateway.graphql.permissions import requires
from services.platform.auth import service
from services.platform.auth.domain import Scope
from services.platform.auth.errors import LastOwner, RoleNotGrantable, StaffNotFound
from services.platform.db.homes import PLATFORM


@strawberry.input(description="A role to take back.")
class RemoveStaffInput:
    staff_member_id: strawberry.ID = strawberry.field(description="The person's role, as `staff` lists it.")


@strawberry.type(description="The role that was taken back.")
class RemoveStaffPayload:
    removed_id: strawberry.ID = strawberry.field(description="The id under which `staff` listed it.")


@mutation(
    access=requires(Scope.STAFF_MANAGE),
    description="Take a role back. Sessions of the person lose it within two seconds; one owner always stays.",
    errors=(StaffNotFound, RoleNotGrantable, LastOwner),
)
async def remove_staff(info: Info, input: RemoveStaffInput) -> RemoveStaffPayload:
    """Take a role back."""
    tenant, remover = info.context.tenant, info.context.principal
    grant_id = decode("StaffMember", input.staff_member_id, field="staffMemberId")
    await info.context.run_command(
        lambda uow: service.remove_staff(uow, tenant=tenant, remover=remover, grant_id=grant_id),
        home=PLATFORM,
        has_key=False,
    )
    return RemoveStaffPayload(removed_id=input.staff_member_id)
