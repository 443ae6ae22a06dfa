"""The worker process: threads that answer rings until they are told to stop."""

import threading
from collections.abc import Sequence
from typing import Any

import dramatiq
import structlog
from dramatiq import Worker
from structlog.contextvars import bound_contextvars

from services.platform.tenancy.errors import TenancyError
from services.platform.worker.tasks import Task, WorkContext

log = structlog.get_logger()

POLL_MS = 100


def run_worker(
    context: WorkContext, broker: dramatiq.Broker, tasks: Sequence[Task], *, threads: int, stop: threading.Event
) -> None:
    """Answer rings with ``threads`` threads until ``stop`` is set; tasks at work are finished first."""
    for task in tasks:
        _bind(context, broker, task)
    worker = Worker(broker, worker_timeout=POLL_MS, worker_threads=threads)
    worker.start()
    log.info("worker_ready", threads=threads, tasks=len(tasks))
    stop.wait()
    worker.stop()
    log.info("worker_stopped")


def _bind(context: WorkContext, broker: dramatiq.Broker, task: Task) -> None:
    def run(**keywords: Any) -> None:
        # The threads of the worker inherit nothing: each job says in its log lines what it is about.
        with bound_contextvars(process="worker", task=task.name, tenant=keywords.get("tenant_id")):
            _answer(context, task, keywords)

    dramatiq.actor(actor_name=task.name, queue_name="default", broker=broker)(run)


def _answer(context: WorkContext, task: Task, keywords: dict[str, Any]) -> None:
    try:
        task.run(context, **keywords)
    except TenancyError as error:
        # Suspended or gone since the ring: its letters wait where they are.
        log.info("task_refused", reason=error.code)
    except Exception:
        # The truth is a row with a lease, so the broker is not asked to try again: the sweep does.
        log.exception("task_failed")
