"""The round: once a minute every tenant's errands that are due are run, at the tenant's own clock."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog

from services.platform.clock import monotonic, wall_now
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import read_session
from services.platform.errands import Errand, next_dues, run_due, runs_of
from services.platform.ids import new_id
from services.platform.tenancy.domain import TenantStatus
from services.platform.tenancy.first_touch import is_behind
from services.platform.tenancy.leases import give_lease_back, take_lease
from services.platform.tenancy.registry import tenants
from services.platform.worker.tasks import Task, WorkContext

log = structlog.get_logger()

EVERY = timedelta(seconds=60)
LEASE = timedelta(seconds=120)
"""Longer than a batch of any errand takes; the lease is made longer between them."""
TURN_SECONDS = 30.0
TURNS_MAX = 10
"""Of one visit to a tenant. What is left then is found by the next round."""


def errand_tasks(errands: Sequence[Errand]) -> tuple[Task, ...]:
    """The tasks that run errands."""
    return (
        Task("run_errands", partial(_ring_for_errands, errands), every=EVERY),
        Task("run_errands_of", partial(_run_errands_of, errands)),
    )


def lease_name(home: Home) -> str:
    """The lease of a home's errands. Whoever moves a sandbox's clock holds it too."""
    return f"errands:{home.schema}"


def _ring_for_errands(errands: Sequence[Errand], context: WorkContext, **_: object) -> None:
    """Ring for every tenant in which something is due."""
    if not errands:
        return
    with read_session(context.database, PLATFORM, now=wall_now()) as session:
        active = tenants(session, status=TenantStatus.ACTIVE)
    clocks = {tenant.home: tenant.now(wall_now()) for tenant in active if not is_behind(tenant)}
    dues = next_dues(context.database, list(clocks.items()), errands)
    for tenant in active:
        due = dues.get(tenant.home)
        # The turn of a tenant that is behind this release begins with the migration.
        if is_behind(tenant) or (due is not None and due <= clocks[tenant.home]):
            context.database.doorbell.ring("run_errands_of", tenant_id=str(tenant.id))


def _run_errands_of(errands: Sequence[Errand], context: WorkContext, *, tenant_id: str, **_: object) -> None:
    """Run what is due in one tenant, unless somebody else is at it."""
    tenant = context.tenant(tenant_id)
    name, holder = lease_name(tenant.home), f"worker:{new_id()}"
    # Of all turns: rows that fail slowly could fill each of them, and those behind them would never be looked at.
    runs = runs_of(errands)
    try:
        for _turn in range(TURNS_MAX):
            if not take_lease(context.database, name=name, holder=holder, life=LEASE):
                return
            now = tenant.now(wall_now())
            until = monotonic() + TURN_SECONDS
            ran = run_due(context.database, tenant.home, errands, now=now, until=until, runs=runs)
            if ran.done:
                log.info("errands_run", done=dict(ran.done))
            if ran.is_finished:
                return
    finally:
        give_lease_back(context.database, name=name, holder=holder)
