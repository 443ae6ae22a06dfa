"""The tasks that move letters: dispatch an outbox, deliver one letter, sweep up what was not rung for."""

from datetime import timedelta
from uuid import UUID

from psycopg import sql

from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.db.fanout import ask_tenants
from services.platform.db.homes import PLATFORM, Home, tenant_home
from services.platform.db.session import read_session, unit_of_work
from services.platform.inbox.service import Letter, consume_once
from services.platform.outbox.relay import ring_for_letters, run_once
from services.platform.outbox.retention import BATCH_MAX, KEPT, OLD, forget_done_letters
from services.platform.worker.tasks import Task, WorkContext

SWEEP_EVERY = timedelta(seconds=30)
FORGET_EVERY = timedelta(hours=1)
ROUNDS_MAX = 100
"""Batches that one visit forgets of one tenant; the next visit goes on."""
OVERDUE = timedelta(seconds=5)
"""An outbox row that is older than this has lost its nudge."""

# Bounded per tenant, so that one tenant's backlog does not fill the sweep; the next one goes on.
UNDISPATCHED = sql.SQL(
    "SELECT 1 AS found FROM {schema}.outbox WHERE dispatched_at IS NULL AND created_at <= %(overdue)s LIMIT 1"
)
UNDONE = sql.SQL(
    "SELECT consumer, event_id FROM {schema}.inbox"
    " WHERE state = 'pending' AND leased_until <= %(now)s ORDER BY event_id LIMIT 500"
)


def dispatch_outbox(context: WorkContext, *, tenant_id: str | None, **_: object) -> None:
    """Take the letters of one home to their consumers."""
    home = tenant_home(UUID(tenant_id)) if tenant_id else PLATFORM
    run_once(context.database, home)


def deliver_letters(
    context: WorkContext, *, tenant_id: str, consumer: str, event_ids: str, goes_on: int = 0, **_: object
) -> None:
    """Hand letters, separated by commas, to their consumer's handler: in order, each in transactions of its own."""
    tenant = context.tenant(tenant_id)
    for event_id in event_ids.split(","):
        consume_once(
            lambda correlation_id: context.work_in(tenant, correlation_id),
            Letter(tenant.id, consumer, UUID(event_id)),
            context.handlers[consumer],
        )
    if goes_on:
        context.database.doorbell.nudge(tenant.home)


def sweep_letters(context: WorkContext, **_: object) -> None:
    """Ring for every letter of every tenant that is overdue."""
    now = wall_now()
    homes = context.active_homes()
    ring = context.database.doorbell.ring
    ring("dispatch_outbox", tenant_id=None)
    with read_session(context.database, PLATFORM, now=now) as session:
        undispatched = [home for home, _row in ask_tenants(session, homes, UNDISPATCHED, {"overdue": now - OVERDUE})]
        undone: dict[Home, list[tuple[str, UUID]]] = {}
        for home, row in ask_tenants(session, homes, UNDONE, {"now": now}):
            undone.setdefault(home, []).append((row["consumer"], row["event_id"]))
    for home in undispatched:
        ring("dispatch_outbox", tenant_id=str(home.tenant_id))
    for home, deliveries in undone.items():
        ring_for_letters(context.database.doorbell, home, deliveries)


def forget_letters(context: WorkContext, **_: object) -> None:
    """Delete the letters of every tenant that are done and old."""
    homes = context.active_homes()
    now = wall_now()
    with read_session(context.database, PLATFORM, now=now) as session:
        asked = ask_tenants(session, homes, OLD, {"before": now - KEPT})
        old = [PLATFORM, *(home for home, _row in asked)]
    for home in old:
        for _round in range(ROUNDS_MAX):
            with unit_of_work(context.database, home, now=now, actor=SYSTEM, correlation_id="retention") as uow:
                count = forget_done_letters(uow)
            if count < BATCH_MAX:
                break


TASKS = (
    Task("dispatch_outbox", dispatch_outbox),
    Task("deliver_letters", deliver_letters),
    Task("sweep_letters", sweep_letters, every=SWEEP_EVERY),
    Task("forget_letters", forget_letters, every=FORGET_EVERY),
)
