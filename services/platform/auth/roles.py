"""Roles that people bring along to a tenant that was made of theirs."""

from uuid import UUID

from services.platform.auth import repository as sql
from services.platform.auth.domain import Role
from services.platform.db.session import UnitOfWork
from services.platform.tenancy.domain import Tenant

WHOLE_TENANT_GRANTS = """
SELECT user_id, role FROM platform.staff_grants
WHERE tenant_id = %(tenant_id)s AND store_id IS NULL ORDER BY id"""


def copy_whole_tenant_grants(uow: UnitOfWork, *, source: Tenant, target_id: UUID) -> None:
    """Give everybody in another tenant of the organization the role that they have in the whole of ``source``.

    Roles in single stores stay behind, since the stores do; those in the organization reach the tenant by themselves.
    """
    for row in uow.fetch_all(WHOLE_TENANT_GRANTS, {"tenant_id": source.id}):
        sql.grant_role(
            uow,
            user_id=row["user_id"],
            organization_id=source.organization_id,
            tenant_id=target_id,
            store_id=None,
            role=Role(row["role"]),
        )
