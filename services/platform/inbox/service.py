"""Letters in: each consumer does each letter once, whatever is delivered how often.

A delivery is counted in a transaction of its own before the work starts, so that a letter whose handling kills the
worker is parked after ``DELIVERIES_MAX`` tries instead of killing workers for ever.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from structlog.contextvars import bound_contextvars

from services.contracts.events.base import Envelope, Event, from_payload
from services.platform.clock import wall_now
from services.platform.db.session import UnitOfWork
from services.platform.inbox.errors import LetterTooEarly
from services.platform.telemetry import metrics, traces
from services.platform.telemetry.failures import summary

log = structlog.get_logger()

Handler = Callable[[UnitOfWork, Envelope], None]
Handlers = Mapping[type[Event], Handler]
OpenWork = Callable[[str], AbstractContextManager[UnitOfWork]]
"""Opens a unit of work in the letter's home, given a correlation id."""

DELIVERIES_MAX = 8
LEASE = timedelta(seconds=30)

# The first ring finds deliveries = 0; later ones must wait for the lease, or two rings would be two deliveries.
# It also tells what the logs and the trace of everything that follows are about.
CLAIM = """
UPDATE inbox SET deliveries = inbox.deliveries + 1, leased_until = %(leased_until)s
FROM outbox WHERE outbox.id = inbox.event_id
AND inbox.consumer = %(consumer)s AND inbox.event_id = %(event_id)s AND inbox.state = 'pending'
AND inbox.deliveries < %(deliveries_max)s AND (inbox.deliveries = 0 OR inbox.leased_until <= %(now)s)
RETURNING inbox.deliveries, outbox.type, outbox.correlation_id, outbox.created_at,
    outbox.payload->>'$traceparent' AS traceparent"""
# A worker that died in the last delivery could not park the letter itself.
PARK_EXHAUSTED = """
UPDATE inbox SET state = 'parked'
WHERE consumer = %(consumer)s AND event_id = %(event_id)s AND state = 'pending'
AND deliveries >= %(deliveries_max)s AND leased_until <= %(now)s"""
OPEN = """
SELECT outbox.type, outbox.payload, outbox.correlation_id, outbox.occurred_at FROM inbox
JOIN outbox ON outbox.id = inbox.event_id
WHERE inbox.consumer = %(consumer)s AND inbox.event_id = %(event_id)s AND inbox.state = 'pending'
FOR NO KEY UPDATE OF inbox"""
DONE = """
UPDATE inbox SET state = 'done', done_at = %(now)s, last_error = NULL
WHERE consumer = %(consumer)s AND event_id = %(event_id)s"""
FAILED = """
UPDATE inbox SET state = %(state)s, leased_until = %(leased_until)s, last_error = %(error)s
WHERE consumer = %(consumer)s AND event_id = %(event_id)s AND state = 'pending'"""


@dataclass(frozen=True, slots=True)
class Letter:
    """One event on its way to one consumer of one tenant."""

    tenant_id: UUID
    consumer: str
    event_id: UUID

    def key(self) -> dict[str, object]:
        """The letter's key in the inbox."""
        return {"consumer": self.consumer, "event_id": self.event_id}


def backoff(deliveries: int) -> timedelta:
    """How long a letter rests after its n-th failed delivery: 2, 4, 8 … seconds, 10 minutes at most."""
    return timedelta(seconds=min(2**deliveries, 600))


def consume_once(open_work: OpenWork, letter: Letter, handlers: Handlers) -> bool:
    """Deliver a letter to its handler; False when there was nothing to do (done, parked, or at work elsewhere).

    A handler's error is not raised: the letter rests and is rung for again, and is parked after ``DELIVERIES_MAX``.
    """
    with open_work("inbox") as uow:
        now = wall_now()
        values = {**letter.key(), "now": now, "leased_until": now + LEASE, "deliveries_max": DELIVERIES_MAX}
        claim = uow.fetch_one(CLAIM, values)
        if claim is None:
            uow.execute(PARK_EXHAUSTED, values)
    if claim is None:
        return False
    about = {"consumer": letter.consumer, "event_id": str(letter.event_id), "correlation_id": claim["correlation_id"]}
    span = traces.span(
        f"deliver {claim['type']}",
        kind="consumer",
        parent=claim["traceparent"],
        messaging__message__id=str(letter.event_id),
        messaging__consumer__group__name=letter.consumer,
        regulars__correlation_id=claim["correlation_id"],
        regulars__tenant_id=str(letter.tenant_id),
    )
    with bound_contextvars(**about), span:
        try:
            _handle(open_work, letter, handlers)
        except LetterTooEarly as error:
            log.info("letter_waits", reason=error.code)
            span.fail(error.code)
            _rest_or_park(open_work, letter, deliveries=claim["deliveries"], error=error, now=wall_now())
            return False
        except Exception as error:
            log.exception("letter_failed")
            span.fail(type(error).__name__)
            _rest_or_park(open_work, letter, deliveries=claim["deliveries"], error=error, now=wall_now())
            return False
    metrics.letter_handled(letter.consumer, seconds=(wall_now() - claim["created_at"]).total_seconds())
    return True


def _handle(open_work: OpenWork, letter: Letter, handlers: Handlers) -> None:
    with open_work("inbox") as uow:
        row = uow.fetch_one(OPEN, letter.key())
        if row is None:
            return
        event = from_payload(row["type"], row["payload"])
        uow.correlation_id = row["correlation_id"]
        envelope = Envelope(letter.event_id, event, letter.tenant_id, row["correlation_id"], row["occurred_at"])
        handlers[type(event)](uow, envelope)
        uow.execute(DONE, {**letter.key(), "now": wall_now()})


def _rest_or_park(open_work: OpenWork, letter: Letter, *, deliveries: int, error: Exception, now: datetime) -> None:
    is_parked = deliveries >= DELIVERIES_MAX
    outcome = "parked" if is_parked else "early" if isinstance(error, LetterTooEarly) else "retry"
    metrics.letter_failed(letter.consumer, outcome)
    values = {
        **letter.key(),
        "state": "parked" if is_parked else "pending",
        "leased_until": now + backoff(deliveries),
        "error": summary(error),
    }
    with open_work("inbox") as uow:
        uow.execute(FAILED, values)
