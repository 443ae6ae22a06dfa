"""Which tenant is a sandbox of which."""

from datetime import timedelta
from uuid import UUID

from services.platform.db.session import ReadSession, UnitOfWork
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.registry import COLUMNS, tenant_of, whole_seconds

INSERT = """
INSERT INTO platform.sandboxes (tenant_id, live_tenant_id, created_at)
VALUES (%(tenant_id)s, %(live_tenant_id)s, %(now)s)"""
# Two who make sandboxes of one tenant take turns at its row, so that both count right.
LOCK_LIVE = "SELECT id FROM platform.tenants WHERE id = %(live_tenant_id)s FOR NO KEY UPDATE"
OF_LIVE = f"""
SELECT {COLUMNS} FROM platform.sandboxes JOIN platform.tenants ON tenants.id = sandboxes.tenant_id
WHERE sandboxes.live_tenant_id = %(live_tenant_id)s ORDER BY tenants.slug LIMIT %(limit)s"""
# The clock goes forward only, whoever else has moved it meanwhile.
MOVE_CLOCK = """
UPDATE platform.tenants SET clock_offset_seconds = greatest(clock_offset_seconds, %(seconds)s)
WHERE id = %(id)s AND mode = 'sandbox'"""


def lock_sandboxes(uow: UnitOfWork, *, live_tenant_id: UUID) -> None:
    """Keep others from making a sandbox of the tenant until this transaction ends."""
    uow.execute(LOCK_LIVE, {"live_tenant_id": live_tenant_id})


def insert_sandbox(uow: UnitOfWork, *, tenant_id: UUID, live_tenant_id: UUID) -> None:
    """Note whose sandbox a tenant is."""
    uow.execute(INSERT, {"tenant_id": tenant_id, "live_tenant_id": live_tenant_id, "now": uow.now})


def sandboxes_of(session: ReadSession, *, live_tenant_id: UUID, limit: int) -> tuple[Tenant, ...]:
    """The sandboxes of a live tenant, by slug."""
    rows = session.fetch_all(OF_LIVE, {"live_tenant_id": live_tenant_id, "limit": limit})
    return tuple(tenant_of(row) for row in rows)


def move_clock(uow: UnitOfWork, *, tenant_id: UUID, offset: timedelta) -> bool:
    """Put a sandbox's clock forward to the wall's plus ``offset``; False when the tenant is not a sandbox."""
    return uow.execute(MOVE_CLOCK, {"id": tenant_id, "seconds": whole_seconds(offset)}) == 1
