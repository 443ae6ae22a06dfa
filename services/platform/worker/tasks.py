"""What a worker does: tasks that a ring names, and the times at which the scheduler rings for some of them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from structlog.contextvars import bind_contextvars

from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.config import Settings
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import UnitOfWork, read_session, unit_of_work
from services.platform.inbox.service import Handlers
from services.platform.tenancy.domain import Tenant, TenantStatus
from services.platform.tenancy.first_touch import FirstTouches, is_behind
from services.platform.tenancy.registry import TenantRegistry, tenants, usable


@dataclass(frozen=True, slots=True)
class WorkContext:
    """What every task is given."""

    settings: Settings
    database: Database
    registry: TenantRegistry
    handlers: Mapping[str, Handlers]
    """By consumer."""
    first_touches: FirstTouches = field(default_factory=FirstTouches)

    def tenant(self, tenant_id: str) -> Tenant:
        """The tenant of a ring.

        Raises:
            TenantUnknown, TenantSuspended: nothing is to be done for it now.
            TenantUpgrading: it is behind this release, and could not be brought up to it now.
        """
        tenant = usable(self.registry.by_id(UUID(tenant_id)))
        if is_behind(tenant):
            self.first_touches.bring(self.settings.direct_database_url, tenant)
            self.registry.forget()
            tenant = usable(self.registry.by_id(UUID(tenant_id)))
        # Log lines of the task name the tenant as people do.
        bind_contextvars(tenant=tenant.slug)
        return tenant

    def active_homes(self) -> tuple[Home, ...]:
        """The homes of all active tenants."""
        with read_session(self.database, PLATFORM, now=wall_now()) as session:
            return tuple(tenant.home for tenant in tenants(session, status=TenantStatus.ACTIVE))

    def work_in(self, tenant: Tenant, correlation_id: str) -> AbstractContextManager[UnitOfWork]:
        """A unit of work of the system in a tenant's home, at the tenant's time."""
        return unit_of_work(
            self.database,
            tenant.home,
            now=tenant.now(wall_now()),
            actor=SYSTEM,
            correlation_id=correlation_id,
        )


Run = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Task:
    """A named job. ``run`` takes the context and the ring's keywords, and tolerates keywords that it does not know.

    A ring may come twice, late or never, so a task looks for itself what there is to do.
    """

    name: str
    run: Run
    every: timedelta | None = None
    """How often the scheduler rings, None for never."""
