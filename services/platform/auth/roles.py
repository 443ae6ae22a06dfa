"""Roles that people bring along to a tenant that was made of theirs, and that follow what becomes of them there."""

from uuid import UUID

from services.platform.auth import repository as sql
from services.platform.auth.domain import Role
from services.platform.db.session import UnitOfWork
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.sandboxes import lock_sandboxes, sandboxes_of

SANDBOXES_LOOKED_AT_MAX = 1_000
"""More than a tenant may have."""

WHOLE_TENANT_GRANTS = """
SELECT user_id, role FROM platform.staff_grants
WHERE tenant_id = %(tenant_id)s AND store_id IS NULL ORDER BY id"""
DELETE_GRANTS = "DELETE FROM platform.staff_grants WHERE user_id = %(user_id)s AND tenant_id = ANY(%(tenant_ids)s)"


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


def follow_to_sandboxes(uow: UnitOfWork, *, live_tenant_id: UUID, user_id: UUID, role: Role | None) -> None:
    """A person has another role in the whole of a live tenant, or None any more: so it is in its sandboxes.

    Without one they lose what they were given in a sandbox and its stores as well. Whoever makes a sandbox meanwhile
    takes turns with this, so that nobody is copied who has just gone.
    """
    lock_sandboxes(uow, live_tenant_id=live_tenant_id)
    sandboxes = sandboxes_of(uow, live_tenant_id=live_tenant_id, limit=SANDBOXES_LOOKED_AT_MAX)
    if role is None:
        uow.execute(DELETE_GRANTS, {"user_id": user_id, "tenant_ids": [sandbox.id for sandbox in sandboxes]})
        return
    for sandbox in sandboxes:
        sql.grant_role(
            uow,
            user_id=user_id,
            organization_id=sandbox.organization_id,
            tenant_id=sandbox.id,
            store_id=None,
            role=role,
        )
