"""What a process counts about itself. Plain functions, cheap enough for every request; `exposition` shows the sums.

Labels are names that our own code gives (fields of the schema, tasks, codes of refusals), so that their number is
bounded. No label names a tenant, a member or a client: which tenant it was is a question to traces and logs.
"""

from collections.abc import Callable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no annotations here

REGISTRY = CollectorRegistry()
"""Of this process. Not the library's own, in which anything that is imported may register."""

ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
DELAY_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0, 60.0, 300.0, 1800.0)


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(f"regulars_{name}", meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(f"regulars_{name}", meaning, labels, registry=REGISTRY)


def _histogram(name: str, meaning: str, *labels: str, buckets: Sequence[float]) -> Histogram:
    return Histogram(f"regulars_{name}", meaning, labels, registry=REGISTRY, buckets=buckets)


# --- gateway ---------------------------------------------------------------------------------------------------------

_OPERATIONS = _histogram(
    "graphql_operation_seconds",
    "From the parsed request to its answer, by root field and outcome (ok, refused, unavailable, failed)",
    "operation",
    "outcome",
    buckets=REQUEST_SECONDS,
)
_REFUSALS = _counter("refusals_total", "Refusals told to clients, in unions and as errors, by code", "code")
_REPLAYS = _counter("idempotency_replays_total", "Commands answered from their idempotency key", "operation")
_RATE_LIMITED = _counter("rate_limited_total", "Requests refused by a limit of rate", "limit")
_SOCKETS = _gauge("websockets", "Open WebSockets")
_SOCKETS_CLOSED = _counter("websockets_closed_total", "WebSockets closed, by close code", "code")
_POOL = _gauge("database_connections", "Connections of this process's pool, by state (size, in_use)", "state")
_POOL_WAITING = _gauge("database_connections_waiting", "Transactions that wait for a connection")
_SEATS_WAITING = _gauge("seats_waiting", "Requests that wait for a seat, by kind (work, verbs, slow, reports)", "kind")

_operations: dict[tuple[str, str], Histogram] = {}


def operation_done(operation: str, outcome: str, *, seconds: float) -> None:
    """A GraphQL operation was answered. ``operation`` is a field of the schema, ``several`` or ``other``."""
    child = _operations.get((operation, outcome))
    if child is None:
        child = _operations[operation, outcome] = _OPERATIONS.labels(operation, outcome)
    child.observe(seconds)


def refused(code: str) -> None:
    """A client was told a refusal of ours."""
    _REFUSALS.labels(code).inc()


def replayed(operation: str) -> None:
    """A command was answered by what is stored under its idempotency key."""
    _REPLAYS.labels(operation).inc()


def rate_limited(limit: str) -> None:
    """A request was refused because of its rate. ``limit`` names the kind of bucket, never whose it is."""
    _RATE_LIMITED.labels(limit).inc()


def socket_opened() -> None:
    """A WebSocket was accepted; `socket_closed` must follow."""
    _SOCKETS.inc()


def socket_closed(code: int) -> None:
    """A WebSocket is gone, with this close code (1006 where none was said)."""
    _SOCKETS.dec()
    _SOCKETS_CLOSED.labels(str(code)).inc()


def watch_pool(*, size: Callable[[], float], in_use: Callable[[], float], waiting: Callable[[], float]) -> None:
    """Show the connection pool of this process; the functions are asked whenever somebody looks."""
    _POOL.labels("size").set_function(size)
    _POOL.labels("in_use").set_function(in_use)
    _POOL_WAITING.set_function(waiting)


def watch_seats(kind: str, waiting: Callable[[], float]) -> None:
    """Show how many wait for a seat."""
    _SEATS_WAITING.labels(kind).set_function(waiting)


# --- worker ----------------------------------------------------------------------------------------------------------

_TASKS = _histogram(
    "task_seconds",
    "How long tasks took, by task and outcome (ok, refused, failed)",
    "task",
    "outcome",
    buckets=REQUEST_SECONDS,
)
_RING_DELAYS = _histogram("ring_delay_seconds", "From a ring to the start of its task", "task", buckets=DELAY_SECONDS)
_TASK_TIMES = _gauge("last_task_timestamp_seconds", "When this worker last finished a task, in Unix seconds")
_LETTER_DELAYS = _histogram(
    "letter_delay_seconds",
    "From a letter being written to it being handled, by consumer",
    "consumer",
    buckets=DELAY_SECONDS,
)
_LETTER_FAILURES = _counter(
    "letter_failures_total",
    "Deliveries that failed, by consumer and outcome (early, retry, parked)",
    "consumer",
    "outcome",
)
_MESSAGES = _counter(
    "messages_total", "Attempts to send, by channel and outcome (sent, deferred, failed, parked)", "channel", "outcome"
)

_ERRAND_FAILURES = _counter(
    "errand_failures_total", "Rows that an errand passed over until the next round, as they failed, by errand", "task"
)


def errand_failed(errand: str) -> None:
    """A row of an errand failed and was passed over."""
    _ERRAND_FAILURES.labels(errand).inc()


def task_done(task: str, outcome: str, *, seconds: float, now: float) -> None:
    """A task ended. ``now`` is the wall's time in Unix seconds."""
    _TASKS.labels(task, outcome).observe(seconds)
    _TASK_TIMES.set(now)


def ring_waited(task: str, *, seconds: float) -> None:
    """A ring was taken up so many seconds after it was rung."""
    _RING_DELAYS.labels(task).observe(max(0.0, seconds))


def letter_handled(consumer: str, *, seconds: float) -> None:
    """A letter was done, so many seconds after it was written."""
    _LETTER_DELAYS.labels(consumer).observe(max(0.0, seconds))


def letter_failed(consumer: str, outcome: str) -> None:
    """A delivery failed: the letter came too ``early``, rests until a ``retry``, or is ``parked``."""
    _LETTER_FAILURES.labels(consumer, outcome).inc()


def message_done(channel: str, outcome: str) -> None:
    """An attempt to send a message ended."""
    _MESSAGES.labels(channel, outcome).inc()


# --- scheduler -------------------------------------------------------------------------------------------------------

_LEADS = _gauge("scheduler_leads", "1 in the scheduler that leads; the gauges of the outbox are true there only")
_OUTBOX_DEPTH = _gauge("outbox_depth", "Letters not dispatched yet, over all tenants")
_OUTBOX_AGE = _gauge("outbox_oldest_seconds", "Age of the oldest letter not dispatched yet; 0 without one")
_INBOX_PENDING = _gauge("inbox_pending", "Letters not handled yet, over all tenants")
_INBOX_PARKED = _gauge("inbox_parked", "Letters given up, over all tenants, until somebody decides")
_MEASURED = _gauge("outbox_measured_timestamp_seconds", "When the letters were last counted, in Unix seconds")


def letters_measured(*, undispatched: int, oldest_seconds: float, pending: int, parked: int, now: float) -> None:
    """The letters of all tenants were counted by the scheduler that leads. ``now`` is Unix seconds."""
    _LEADS.set(1)
    _OUTBOX_DEPTH.set(undispatched)
    _OUTBOX_AGE.set(max(0.0, oldest_seconds))
    _INBOX_PENDING.set(pending)
    _INBOX_PARKED.set(parked)
    _MEASURED.set(now)


def leads_no_more() -> None:
    """Another scheduler leads, or none: what we counted is old."""
    for gauge in (_LEADS, _OUTBOX_DEPTH, _OUTBOX_AGE, _INBOX_PENDING, _INBOX_PARKED):
        gauge.set(0)
