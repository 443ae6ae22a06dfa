"""The scheduler: of all its processes one holds the lease, and rings for what is due."""

import os
import socket
import threading
from collections.abc import Sequence
from datetime import timedelta

import psycopg
import structlog

from services.platform.actors import SYSTEM
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import CommitOutcomeUnknown, unit_of_work
from services.platform.ids import new_id
from services.platform.outbox.measuring import measure_letters
from services.platform.telemetry import metrics
from services.platform.worker.tasks import Task

log = structlog.get_logger()

LEASE = timedelta(seconds=10)
BEAT_SECONDS = 2.0
MEASURE_EVERY = timedelta(seconds=30)

# A row, not an advisory lock: a transaction pooler would hand a session's lock to strangers.
TAKE_LEASE = """
INSERT INTO platform.leases (name, holder, expires_at) VALUES ('scheduler', %(holder)s, %(expires_at)s)
ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, expires_at = EXCLUDED.expires_at
WHERE leases.holder = EXCLUDED.holder OR leases.expires_at <= %(now)s"""
GIVE_LEASE_BACK = "DELETE FROM platform.leases WHERE name = 'scheduler' AND holder = %(holder)s"


def run_scheduler(
    database: Database, tasks: Sequence[Task], *, stop: threading.Event, is_measured: bool = False
) -> None:
    """Ring for each periodic task when it is due, while this process leads, until ``stop`` is set.

    With ``is_measured`` it also counts the letters of all tenants for the metrics: one process is enough for that.
    """
    holder = holder_name()
    due = {task.name: monotonic() for task in tasks if task.every}
    every = {task.name: task.every.total_seconds() for task in tasks if task.every}
    measure_at = monotonic()
    log.info("scheduler_ready", tasks=sorted(due))
    while not stop.is_set():
        if _leads(database, holder):
            for name in [name for name, moment in due.items() if moment <= monotonic()]:
                database.doorbell.ring(name)
                due[name] = monotonic() + every[name]
            if is_measured and measure_at <= monotonic():
                _measure(database)
                measure_at = monotonic() + MEASURE_EVERY.total_seconds()
        else:
            metrics.leads_no_more()
        stop.wait(BEAT_SECONDS)
    _resign(database, holder)
    log.info("scheduler_stopped")


def holder_name() -> str:
    """How the lease names this run of the scheduler; a number of a process alone comes back after a reboot."""
    return f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-6:]}"


def _leads(database: Database, holder: str) -> bool:
    now = wall_now()
    values = {"holder": holder, "now": now, "expires_at": now + LEASE}
    try:
        with unit_of_work(database, PLATFORM, now=now, actor=SYSTEM, correlation_id="scheduler") as uow:
            return uow.execute(TAKE_LEASE, values) == 1
    except (psycopg.Error, CommitOutcomeUnknown) as error:
        log.warning("scheduler_waits", error=type(error).__name__)
        return False


def _measure(database: Database) -> None:
    try:
        measure_letters(database)
    except psycopg.Error as error:
        log.warning("letters_not_measured", error=type(error).__name__)


def _resign(database: Database, holder: str) -> None:
    """Let the next process lead at once instead of after the lease."""
    try:
        with unit_of_work(database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id="scheduler") as uow:
            uow.execute(GIVE_LEASE_BACK, {"holder": holder})
    except (psycopg.Error, CommitOutcomeUnknown) as error:
        log.warning("lease_runs_out", error=type(error).__name__)
