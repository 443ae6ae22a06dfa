"""The postman: takes letters from a home's outbox and makes an inbox row for each consumer.

At least once: a crash before the commit leaves the letters where they were; a crash after it leaves inbox rows whose
lease runs out, and the sweep rings for those. Letters are claimed by state, never by "id greater than the last",
because ids become visible out of order.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import psycopg
import structlog

from services.contracts.events.base import known_events
from services.contracts.routing import ROUTES
from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.db.engine import Database, Doorbell
from services.platform.db.homes import PLATFORM, Home, tenant_home
from services.platform.db.session import CommitOutcomeUnknown, UnitOfWork, unit_of_work

log = structlog.get_logger()

BATCH_MAX = 200
BATCHES_MAX = 500
"""Letters of one visit at most ``BATCH_MAX * BATCHES_MAX``; the next nudge or sweep goes on."""

LETTERS_PER_RING = 50

RING_GRACE = timedelta(seconds=20)
"""How long a rung consumer has before the sweep rings again."""

CLAIM = """
SELECT id, type FROM outbox WHERE dispatched_at IS NULL AND type = ANY(%(known)s)
ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED"""
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
        ring_for_letters(database.doorbell, home, letters.deliveries)
        total += letters.count
        if letters.count < BATCH_MAX:
            break
    return total


def ring_for_letters(doorbell: Doorbell, home: Home, deliveries: Iterable[tuple[str, UUID]]) -> None:
    """Ring for letters, given as (consumer, event id); those of one ring are delivered in this order."""
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
            )


@dataclass(frozen=True, slots=True)
class _Batch:
    count: int
    deliveries: Sequence[tuple[str, UUID]]


def _claim_batch(uow: UnitOfWork) -> _Batch:
    now = wall_now()
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
    return _Batch(len(letters), deliveries)


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
