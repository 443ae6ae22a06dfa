"""The postman: takes letters from a home's outbox and makes an inbox row for each consumer.

At least once: a crash before the commit leaves the letters where they were; a crash after it leaves inbox rows whose
lease runs out, and the sweep rings for those. Letters are claimed by state, never by "id greater than the last",
because ids become visible out of order.

Nobody's backlog gets into the way of others: it waits in its own outbox, and only so many of a home's letters are rung
for at a time. When those are taken up, the home's relay is rung for again, behind whatever others have asked for since.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import DictRow

from services.contracts.events.base import known_events
from services.contracts.routing import ROUTES
from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.db.engine import Database, Doorbell
from services.platform.db.homes import PLATFORM, Home, tenant_home
from services.platform.db.session import CommitOutcomeUnknown, UnitOfWork, unit_of_work
from services.platform.telemetry import traces

log = structlog.get_logger()

BATCH_MAX = 100
BATCHES_MAX = 1_000
"""Letters of one visit at most ``BATCH_MAX * BATCHES_MAX``; the next nudge or sweep goes on."""

RUNG_FOR_MAX = 100
"""So many deliveries of a home that nobody has taken up yet, and its relay lets the rest wait."""

LETTERS_PER_RING = 25

RING_GRACE = timedelta(seconds=20)
"""How long a rung consumer has before the sweep rings again."""

CLAIM = """
SELECT id, type, payload->>'$traceparent' AS traceparent FROM outbox
WHERE dispatched_at IS NULL AND type = ANY(%(known)s) ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED"""
RUNG_FOR = """
SELECT count(*) AS deliveries FROM (
    SELECT 1 FROM inbox WHERE state = 'pending' AND leased_until > %(now)s AND deliveries = 0 LIMIT %(limit)s
) AS rung_for"""
DELIVER = """
INSERT INTO inbox (consumer, event_id, state, deliveries, leased_until, created_at)
SELECT consumer, event_id, 'pending', 0, %(leased_until)s, %(now)s
FROM unnest(%(consumers)s::text[], %(event_ids)s::uuid[]) AS letter (consumer, event_id)
ON CONFLICT (consumer, event_id) DO NOTHING"""
DISPATCHED = "UPDATE outbox SET dispatched_at = %(now)s WHERE id = ANY(%(ids)s)"
COPY_TO_ADDRESSEE = """
INSERT INTO outbox (id, type, version, payload, correlation_id, occurred_at, created_at)
SELECT id, type, version, payload, correlation_id, occurred_at, created_at FROM platform.outbox WHERE id = %(id)s
ON CONFLICT (id) DO NOTHING"""
UNSENT = "SELECT id, payload->>'tenant_id' AS addressee FROM outbox WHERE dispatched_at IS NULL ORDER BY id LIMIT %(n)s"

# A letter of a type that only a newer release knows waits for that release, and stops no other.
_CONSUMERS = {event.__name__: ROUTES[event] for event in known_events()}


def run_once(database: Database, home: Home) -> int:
    """Dispatch what waits in ``home``'s outbox; the number of letters."""
    if home == PLATFORM:
        return _forward_to_tenants(database)
    total = 0
    for _ in range(BATCHES_MAX):
        with _system_work(database, home) as uow:
            letters = _claim_batch(uow)
        ring_for_letters(database.doorbell, home, letters.deliveries, goes_on=letters.goes_on)
        for span in letters.spans:
            span.end()
        total += letters.count
        if letters.count < BATCH_MAX:
            break
    return total


def ring_for_letters(
    doorbell: Doorbell, home: Home, deliveries: Iterable[tuple[str, UUID]], *, goes_on: bool = False
) -> None:
    """Ring for letters, given as (consumer, event id); those of one ring are delivered in this order.

    With ``goes_on`` whoever has delivered them nudges the home's relay, which may have left others waiting.
    """
    by_consumer: dict[str, list[str]] = {}
    for consumer, event_id in deliveries:
        by_consumer.setdefault(consumer, []).append(str(event_id))
    for consumer, event_ids in by_consumer.items():
        for start in range(0, len(event_ids), LETTERS_PER_RING):
            doorbell.ring(
                "deliver_letters",
                tenant_id=str(home.tenant_id),
                consumer=consumer,
                event_ids=",".join(event_ids[start : start + LETTERS_PER_RING]),
                goes_on=int(goes_on),
            )


@dataclass(frozen=True, slots=True)
class _Batch:
    count: int
    deliveries: Sequence[tuple[str, UUID]]
    goes_on: bool
    spans: Sequence[traces.Span]


def _claim_batch(uow: UnitOfWork) -> _Batch:
    now = wall_now()
    rung_for = uow.fetch_one(RUNG_FOR, {"now": now, "limit": RUNG_FOR_MAX})
    assert rung_for is not None
    if rung_for["deliveries"] >= RUNG_FOR_MAX:
        return _Batch(0, (), goes_on=False, spans=())
    letters = uow.fetch_all(CLAIM, {"limit": BATCH_MAX, "known": list(_CONSUMERS)})
    deliveries = [(consumer, letter["id"]) for letter in letters for consumer in _CONSUMERS[letter["type"]]]
    if deliveries:
        uow.execute(
            DELIVER,
            {
                "consumers": [consumer for consumer, _ in deliveries],
                "event_ids": [event_id for _, event_id in deliveries],
                "leased_until": now + RING_GRACE,
                "now": now,
            },
        )
    if letters:
        uow.execute(DISPATCHED, {"now": now, "ids": [letter["id"] for letter in letters]})
    return _Batch(
        len(letters),
        deliveries,
        # Rings are answered in their order. So where this much was rung for, some that will go on are among it.
        goes_on=rung_for["deliveries"] + len(deliveries) >= RUNG_FOR_MAX // 2,
        spans=[_span(letter) for letter in letters] if traces.are_on() else (),
    )


def _span(letter: DictRow) -> traces.Span:
    """The letter's stop at the post office, in the trace of what it tells of."""
    return traces.span(
        f"relay {letter['type']}",
        kind="producer",
        parent=letter["traceparent"],
        messaging__message__id=str(letter["id"]),
    )


def _forward_to_tenants(database: Database) -> int:
    """Copy the platform's letters to the tenants they are for, under the same id: a repeated copy changes nothing."""
    with _system_work(database, PLATFORM) as uow:
        letters = uow.fetch_all(UNSENT, {"n": BATCH_MAX})
    for letter in letters:
        try:
            _forward(database, letter["id"], tenant_home(UUID(letter["addressee"])))
        except (psycopg.Error, CommitOutcomeUnknown):
            # One addressee that can't be reached holds up no other; the sweep comes back to it.
            log.exception("letter_not_forwarded", event_id=str(letter["id"]))
    return len(letters)


def _forward(database: Database, letter_id: UUID, addressee: Home) -> None:
    with _system_work(database, addressee) as uow:
        uow.execute(COPY_TO_ADDRESSEE, {"id": letter_id})
    with _system_work(database, PLATFORM) as uow:
        uow.execute(DISPATCHED, {"now": wall_now(), "ids": [letter_id]})
    run_once(database, addressee)


def _system_work(database: Database, home: Home) -> AbstractContextManager[UnitOfWork]:
    return unit_of_work(database, home, now=wall_now(), actor=SYSTEM, correlation_id="relay")
