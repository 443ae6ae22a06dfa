"""A tenant that is behind this release is brought up to date by the first process of it that meets the tenant.

So nothing of a release has to work on an older schema, and a rollout needs no pause: who comes to such a tenant waits
for its migration, which adds and takes a moment, and nobody else waits.
"""

import math
import threading
import time
from collections import defaultdict
from uuid import UUID

import psycopg
import structlog

from services.platform.clock import Monotonic, monotonic
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.errors import TenantUpgrading
from services.platform.tenancy.migrations import head_revision, migrate_tenant

log = structlog.get_logger()

WAIT_SECONDS_MAX = 12.0
"""How long the migration of one tenant is tried again before whoever waits for it is refused."""
LOCK_SECONDS = 1.0
"""How long one try waits for each lock. Whoever sells waits behind it."""
PAUSE_SECONDS = 0.2
PAUSE_SECONDS_MAX = 2.0
"""Between two tries: it doubles from one to the other."""
REST_SECONDS = 10.0
"""After a try in vain, how long a worker's threads leave a tenant alone. What was rung for is rung for again."""
RETRY_AFTER_SECONDS = 2


def is_behind(tenant: Tenant) -> bool:
    """Whether the tenant's schema is older than this release. A newer release's is not: it has only been added to."""
    return tenant.schema_revision is not None and tenant.schema_revision < head_revision()


def try_once(direct_url: str, tenant: Tenant) -> bool:
    """Migrate a tenant to this release's revision, over the owner's ``direct_url``; False where it is locked now.

    It blocks for a moment, or as long as the migration takes. Forget what is known of the tenant after it. Processes
    that meet the tenant together take turns at its row in the registry, and the later find the work done.

    Raises:
        TenantUpgrading: this process may not migrate.
    """
    began = monotonic()
    try:
        migrate_tenant(direct_url, tenant.id, lock_seconds=LOCK_SECONDS)
    except psycopg.Error as error:
        log.warning("tenant_not_upgraded", tenant=tenant.slug, error=type(error).__name__, reason=str(error))
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            raise upgrading(tenant) from error
        return False
    log.info("tenant_upgraded", tenant=tenant.slug, revision=head_revision(), seconds=round(monotonic() - began, 3))
    return True


def bring_up_to_date(direct_url: str, tenant: Tenant) -> None:
    """As `try_once`, again and again. It keeps its thread: where others wait for threads, use another door.

    Raises:
        TenantUpgrading: somebody's transaction kept a lock all the time, or this process may not migrate.
    """
    deadline, pause = monotonic() + WAIT_SECONDS_MAX, PAUSE_SECONDS
    while not try_once(direct_url, tenant):
        if monotonic() >= deadline:
            raise upgrading(tenant)
        time.sleep(pause)
        pause = longer(pause)


class FirstTouches:
    """The migrations that the threads of one worker meet: one try of a tenant at a time, and a rest after it failed.

    So a tenant that somebody keeps locked takes one thread for a moment now and then, however often it is rung for.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: defaultdict[UUID, threading.Lock] = defaultdict(threading.Lock)
        self._rests: dict[UUID, Monotonic] = {}

    def bring(self, direct_url: str, tenant: Tenant) -> None:
        """Migrate a tenant by one try.

        Raises:
            TenantUpgrading: it is locked now, or was a moment ago.
        """
        with self._lock:
            turn = self._turns[tenant.id]
        if not turn.acquire(blocking=False):
            # Somebody is at it: threads that wait for one tenant are missed by the others.
            raise upgrading(tenant)
        try:
            if monotonic() < self._rests.get(tenant.id, -math.inf):
                raise upgrading(tenant)
            if not try_once(direct_url, tenant):
                self._rests[tenant.id] = monotonic() + REST_SECONDS
                raise upgrading(tenant)
        finally:
            turn.release()


def longer(pause: float) -> float:
    """The pause after a pause, in seconds."""
    return min(2 * pause, PAUSE_SECONDS_MAX)


def upgrading(tenant: Tenant) -> TenantUpgrading:
    """The refusal of whoever has waited long enough."""
    return TenantUpgrading(slug=tenant.slug, retryable=True, retry_after_seconds=RETRY_AFTER_SECONDS)
