"""The worker process: threads that answer rings until they are told to stop."""

import threading
from collections.abc import Sequence
from typing import Any

import dramatiq
import structlog
from dramatiq import Worker
from dramatiq.middleware import CurrentMessage
from structlog.contextvars import bound_contextvars

from services.platform.clock import monotonic, wall_now
from services.platform.telemetry import metrics, traces
from services.platform.tenancy.errors import TenancyError
from services.platform.worker.tasks import Task, WorkContext

log = structlog.get_logger()

POLL_MS = 100


def run_worker(
    context: WorkContext, broker: dramatiq.Broker, tasks: Sequence[Task], *, threads: int, stop: threading.Event
) -> None:
    """Answer rings with ``threads`` threads until ``stop`` is set; tasks at work are finished first."""
    broker.add_middleware(CurrentMessage())
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
        ring = CurrentMessage.get_current_message()
        assert ring is not None, "actors are run by the worker"
        now = wall_now().timestamp()
        metrics.ring_waited(task.name, seconds=now - ring.message_timestamp / 1000)
        with bound_contextvars(task=task.name, ring=ring.message_id, tenant=keywords.get("tenant_id")):
            _answer(context, task, keywords, parent=ring.options.get(traces.TRACEPARENT))

    dramatiq.actor(actor_name=task.name, queue_name="default", broker=broker)(run)


def _answer(context: WorkContext, task: Task, keywords: dict[str, Any], *, parent: str | None) -> None:
    began = monotonic()
    outcome = "ok"
    with traces.span(f"task {task.name}", kind="consumer", parent=parent) as span:
        try:
            task.run(context, **keywords)
        except TenancyError as error:
            # Suspended or gone since the ring: its letters wait where they are.
            log.info("task_refused", reason=error.code)
            outcome = "refused"
        except Exception as error:
            # The truth is a row with a lease, so the broker is not asked to try again: the sweep does.
            log.exception("task_failed")
            span.fail(type(error).__name__)
            outcome = "failed"
    metrics.task_done(task.name, outcome, seconds=monotonic() - began, now=wall_now().timestamp())
