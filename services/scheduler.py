"""The scheduler: of all its processes one holds the lease, and rings for what is due."""

import os
import socket
import threading
from collections.abc import Sequence
from datetime import timedelta

import psycopg
import structlog

from services.platform.clock import monotonic
from services.platform.db.engine import Database
from services.platform.db.session import CommitOutcomeUnknown
from services.platform.ids import new_id
from services.platform.outbox.measuring import measure_letters
from services.platform.telemetry import metrics
from services.platform.tenancy.leases import give_lease_back, take_lease
from services.platform.worker.tasks import Task

log = structlog.get_logger()

LEASE_NAME = "scheduler"
LEASE = timedelta(seconds=10)
BEAT_SECONDS = 2.0
MEASURE_EVERY = timedelta(seconds=30)


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
    try:
        return take_lease(database, name=LEASE_NAME, holder=holder, life=LEASE)
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
        give_lease_back(database, name=LEASE_NAME, holder=holder)
    except (psycopg.Error, CommitOutcomeUnknown) as error:
        log.warning("lease_runs_out", error=type(error).__name__)
