"""The tenant registry: which tenants there are, how they are reached, what state they are in."""

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.rows import DictRow

from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, tenant_home
from services.platform.db.session import ReadSession, UnitOfWork, read_session
from services.platform.limits.domain import Quota
from services.platform.tenancy.domain import NewTenant, Tenant, TenantMode, TenantStatus, check_slug
from services.platform.tenancy.errors import SlugTaken, TenantSuspended, TenantUnknown

CACHE_SECONDS = 2.0
"""How long a process may work with an older state of a tenant, e.g. after a suspension."""

CACHE_ENTRIES_MAX = 10_000
"""Unknown hosts are remembered too; a scan of many may not fill the memory."""

COLUMNS = """
tenants.id, tenants.organization_id, tenants.slug, tenants.name, tenants.mode, tenants.clock_offset_seconds,
tenants.placement, tenants.status, tenants.locale, tenants.created_at, tenants.schema_revision,
to_jsonb(tenants) -> 'quota_capacity' AS quota_capacity, to_jsonb(tenants) -> 'quota_per_second' AS quota_per_second"""
# Quotas are picked so because they came with the shared revision 0003, and this release works on the one before too.
BY_ID = f"SELECT {COLUMNS} FROM platform.tenants WHERE id = %(id)s"
BY_SLUG = f"SELECT {COLUMNS} FROM platform.tenants WHERE slug = %(slug)s"
REVISION = "SELECT schema_revision FROM platform.tenants WHERE id = %(id)s"
BY_HOST = f"""
SELECT {COLUMNS} FROM platform.tenants JOIN platform.tenant_domains ON tenant_domains.tenant_id = tenants.id
WHERE tenant_domains.host = %(host)s"""
BY_STATUS = f"SELECT {COLUMNS} FROM platform.tenants WHERE status = %(status)s ORDER BY id"
ALL = f"SELECT {COLUMNS} FROM platform.tenants ORDER BY id"
# Revisions are numbers of four digits, so their order is that of time. A newer release's is not behind.
BEHIND = "SELECT count(*) AS behind FROM platform.tenants WHERE status = 'active' AND schema_revision < %(head)s"
INSERT = """
INSERT INTO platform.tenants (id, organization_id, slug, name, schema_name, mode, clock_offset_seconds, placement,
    status, locale, created_at)
VALUES (%(id)s, %(organization_id)s, %(slug)s, %(name)s, %(schema_name)s, %(mode)s, %(clock_offset_seconds)s,
    'default', 'provisioning', %(locale)s, %(created_at)s)"""
INSERT_ORGANIZATION = """
INSERT INTO platform.organizations (id, name, created_at) VALUES (%(id)s, %(name)s, %(now)s)"""
SET_STATUS = """
UPDATE platform.tenants SET status = %(status)s, suspended_at = %(suspended_at)s
WHERE id = %(id)s AND status <> 'provisioning'"""
SET_QUOTA = """
UPDATE platform.tenants SET quota_capacity = %(capacity)s, quota_per_second = %(per_second)s WHERE id = %(id)s"""
SET_CLOCK = """
UPDATE platform.tenants SET clock_offset_seconds = %(seconds)s WHERE id = %(id)s AND mode = 'sandbox'"""


def tenant_by_id(session: ReadSession, tenant_id: UUID) -> Tenant | None:
    """A tenant in any state, or None."""
    return _tenant(session.fetch_one(BY_ID, {"id": tenant_id}))


def tenant_by_slug(session: ReadSession, slug: str) -> Tenant | None:
    """A tenant in any state, or None."""
    return _tenant(session.fetch_one(BY_SLUG, {"slug": slug}))


def tenant_by_host(session: ReadSession, host: str) -> Tenant | None:
    """The tenant that is reached by a host name, or None."""
    return _tenant(session.fetch_one(BY_HOST, {"host": host.lower()}))


def tenants(session: ReadSession, *, status: TenantStatus | None = None) -> tuple[Tenant, ...]:
    """All tenants, oldest first, or those in one state."""
    rows = session.fetch_all(BY_STATUS, {"status": status}) if status else session.fetch_all(ALL)
    return tuple(tenant for row in rows if (tenant := _tenant(row)))


def tenants_behind(session: ReadSession, *, head_revision: str) -> int:
    """How many active tenants wait for a migration."""
    row = session.fetch_one(BEHIND, {"head": head_revision})
    assert row is not None
    behind: int = row["behind"]
    return behind


def schema_revision(session: ReadSession, tenant_id: UUID) -> str:
    """The revision that a tenant's schema is at."""
    row = session.fetch_one(REVISION, {"id": tenant_id})
    assert row is not None
    revision: str = row["schema_revision"]
    return revision


def insert_organization(uow: UnitOfWork, *, organization_id: UUID, name: str) -> None:
    """Register an organization."""
    uow.execute(INSERT_ORGANIZATION, {"id": organization_id, "name": name, "now": uow.now})


def insert_tenant(uow: UnitOfWork, tenant: NewTenant) -> None:
    """Register a tenant as PROVISIONING; it can be used once `provisioning` has made its schema.

    Raises:
        SlugInvalid, SlugTaken
    """
    values = {
        "id": tenant.id,
        "organization_id": tenant.organization_id,
        "slug": check_slug(tenant.slug),
        "name": tenant.name,
        "schema_name": tenant_home(tenant.id).schema,
        "mode": tenant.mode,
        "clock_offset_seconds": whole_seconds(tenant.clock_offset),
        "locale": tenant.locale,
        "created_at": tenant.created_at,
    }
    try:
        uow.execute(INSERT, values)
    except UniqueViolation as error:
        if error.diag.constraint_name != "tenants_slug_key":
            raise
        raise SlugTaken(slug=tenant.slug) from error


def set_suspended(uow: UnitOfWork, *, tenant_id: UUID, suspended: bool) -> bool:
    """Suspend a tenant or bring it back; False when there is none that is past provisioning."""
    status = TenantStatus.SUSPENDED if suspended else TenantStatus.ACTIVE
    values = {"id": tenant_id, "status": status, "suspended_at": uow.now if suspended else None}
    return uow.execute(SET_STATUS, values) == 1


def set_quota(uow: UnitOfWork, *, tenant_id: UUID, quota: Quota | None) -> bool:
    """Let a tenant's callers ask for so much, or with None for as much as others; False when there is no such tenant.

    Processes know within `CACHE_SECONDS`.
    """
    values = {
        "id": tenant_id,
        "capacity": quota.capacity if quota else None,
        "per_second": quota.per_second if quota else None,
    }
    return uow.execute(SET_QUOTA, values) == 1


def set_clock_offset(uow: UnitOfWork, *, tenant_id: UUID, offset: timedelta) -> bool:
    """Move a sandbox's clock; False when the tenant is not a sandbox."""
    return uow.execute(SET_CLOCK, {"id": tenant_id, "seconds": whole_seconds(offset)}) == 1


def whole_seconds(offset: timedelta) -> int:
    """A clock's offset as the registry keeps it: the clock is then up to a second later, never earlier."""
    return -(-offset // timedelta(seconds=1))


class TenantRegistry:
    """Tenants by id, slug and host, remembered for `CACHE_SECONDS` by one process; sandboxes are read each time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, str], tuple[float, Tenant | None]] = {}
        self._lock = threading.Lock()

    def by_id(self, tenant_id: UUID) -> Tenant | None:
        """A tenant in any state, or None."""
        return self._remembered(("id", str(tenant_id)), lambda session: tenant_by_id(session, tenant_id))

    def by_slug(self, slug: str) -> Tenant | None:
        """A tenant in any state, or None."""
        return self._remembered(("slug", slug), lambda session: tenant_by_slug(session, slug))

    def by_host(self, host: str) -> Tenant | None:
        """The tenant reached by a host name, or None."""
        return self._remembered(("host", host.lower()), lambda session: tenant_by_host(session, host))

    def remembered_until(
        self, *, tenant_id: UUID | None = None, slug: str | None = None, host: str | None = None
    ) -> float:
        """The monotonic second until which the answers for all these names are remembered; 0 where one is not."""
        keys = (
            ("id", str(tenant_id) if tenant_id else None),
            ("slug", slug),
            ("host", host.lower() if host else None),
        )
        with self._lock:
            return min(
                (self._known.get((kind, name), (0.0, None))[0] for kind, name in keys if name is not None), default=0.0
            )

    def forget(self) -> None:
        """Read anew from now on."""
        with self._lock:
            self._known.clear()

    def _remembered(self, key: tuple[str, str], read: Callable[[ReadSession], Tenant | None]) -> Tenant | None:
        with self._lock:
            found = self._known.get(key)
        if found is not None and found[0] > monotonic():
            return found[1]
        with read_session(self._database, PLATFORM, now=wall_now()) as session:
            tenant = read(session)
        if tenant is not None and tenant.mode is TenantMode.SANDBOX:
            # Its clock may be moved between two requests, and the second must not live in the time of the first.
            return tenant
        with self._lock:
            if len(self._known) >= CACHE_ENTRIES_MAX:
                self._known.clear()
            self._known[key] = (monotonic() + CACHE_SECONDS, tenant)
        return tenant


def usable(tenant: Tenant | None) -> Tenant:
    """The tenant, if it may be worked with.

    Raises:
        TenantUnknown: there is none, or it is not ready yet.
        TenantSuspended
    """
    if tenant is None or tenant.status is TenantStatus.PROVISIONING:
        raise TenantUnknown
    if tenant.status is TenantStatus.SUSPENDED:
        raise TenantSuspended(slug=tenant.slug)
    return tenant


def _tenant(row: DictRow | None) -> Tenant | None:
    return None if row is None else tenant_of(row)


def tenant_of(row: DictRow) -> Tenant:
    """The tenant of a row of `COLUMNS`."""
    return Tenant(
        id=row["id"],
        organization_id=row["organization_id"],
        slug=row["slug"],
        name=row["name"],
        mode=TenantMode(row["mode"]),
        clock_offset=timedelta(seconds=row["clock_offset_seconds"]),
        placement=row["placement"],
        status=TenantStatus(row["status"]),
        locale=row["locale"],
        created_at=row["created_at"],
        schema_revision=row["schema_revision"],
        quota=Quota(row["quota_capacity"], row["quota_per_second"]) if row["quota_capacity"] else None,
    )
