"""A tenant that is behind this release is brought up to date by the first process of it that meets the tenant.

So nothing of a release has to work on an older schema, and a rollout needs no pause: who comes to such a tenant waits
for its migration, which adds and takes a moment, and nobody else waits.
"""

import time

import psycopg
import structlog

from services.platform.clock import monotonic
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.errors import TenantUpgrading
from services.platform.tenancy.migrations import head_revision, migrate_tenant

log = structlog.get_logger()

WAIT_SECONDS_MAX = 12.0
"""How long the migration of one tenant is tried again before whoever waits for it is refused."""
PAUSE_SECONDS = 0.2
RETRY_AFTER_SECONDS = 2


def is_behind(tenant: Tenant) -> bool:
    """Whether the tenant's schema is older than this release. A newer release's is not: it has only been added to."""
    return tenant.schema_revision is not None and tenant.schema_revision < head_revision()


def bring_up_to_date(direct_url: str, tenant: Tenant) -> None:
    """Migrate a tenant to this release's revision, over the owner's ``direct_url``. It blocks; forget the tenant after.

    Processes that meet the tenant together take turns at its row in the registry, and the later find the work done.

    Raises:
        TenantUpgrading: somebody's transaction kept a lock all the time, or this process may not migrate.
    """
    deadline = monotonic() + WAIT_SECONDS_MAX
    began = monotonic()
    while True:
        try:
            migrate_tenant(direct_url, tenant.id)
        except psycopg.Error as error:
            log.warning("tenant_not_upgraded", tenant=tenant.slug, error=type(error).__name__, reason=str(error))
            if monotonic() >= deadline or isinstance(error, psycopg.errors.InsufficientPrivilege):
                raise upgrading(tenant) from error
            time.sleep(PAUSE_SECONDS)
        else:
            seconds = round(monotonic() - began, 3)
            log.info("tenant_upgraded", tenant=tenant.slug, revision=head_revision(), seconds=seconds)
            return


def upgrading(tenant: Tenant) -> TenantUpgrading:
    """The refusal of whoever has waited long enough."""
    return TenantUpgrading(slug=tenant.slug, retryable=True, retry_after_seconds=RETRY_AFTER_SECONDS)
