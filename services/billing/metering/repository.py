"""The SQL of roll-ups: facts live in each tenant's schema, their daily sums in the platform's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from psycopg import sql

from services.platform.db.session import ReadSession, UnitOfWork

FACTS_PER_ROUND = 5_000

NEW_FACTS = sql.SQL("SELECT 1 AS found FROM {schema}.usage_facts WHERE rolled_up_at IS NULL LIMIT 1")
UNROLLED = "SELECT meter, event_id, day FROM usage_facts WHERE rolled_up_at IS NULL ORDER BY day LIMIT %(limit)s"
SUMS = """
SELECT usage_facts.meter, usage_facts.day, sum(usage_facts.quantity)::bigint AS quantity
FROM usage_facts JOIN unnest(%(meters)s::text[], %(days)s::date[]) AS touched (meter, day)
    ON touched.meter = usage_facts.meter AND touched.day = usage_facts.day
GROUP BY usage_facts.meter, usage_facts.day"""
# Sums are absolute, so that a repeat changes nothing; an older sum never overwrites a newer.
STORE = """
INSERT INTO platform.usage_rollups (tenant_id, meter, day, quantity, as_of)
SELECT %(tenant_id)s, meter, day, quantity, %(as_of)s
FROM unnest(%(meters)s::text[], %(days)s::date[], %(quantities)s::bigint[]) AS total (meter, day, quantity)
ON CONFLICT (tenant_id, meter, day) DO UPDATE SET quantity = EXCLUDED.quantity, as_of = EXCLUDED.as_of
WHERE usage_rollups.as_of < EXCLUDED.as_of"""
MARK = """
UPDATE usage_facts SET rolled_up_at = %(now)s
FROM unnest(%(meters)s::text[], %(event_ids)s::uuid[]) AS seen (meter, event_id)
WHERE usage_facts.meter = seen.meter AND usage_facts.event_id = seen.event_id"""
ROLLED_UP = """
SELECT meter, sum(quantity)::bigint AS quantity FROM platform.usage_rollups
WHERE tenant_id = %(tenant_id)s AND day >= %(since)s AND day < %(until)s GROUP BY meter ORDER BY meter"""
COUNTED = """
SELECT meter, sum(quantity)::bigint AS quantity, count(*) AS facts FROM usage_facts
WHERE day >= %(since)s AND day < %(until)s GROUP BY meter ORDER BY meter"""


@dataclass(frozen=True, slots=True)
class DayTotal:
    """The sum of a meter on a UTC day."""

    meter: str
    day: date
    quantity: int


@dataclass(frozen=True, slots=True)
class UnrolledFact:
    """A fact that no roll-up has seen yet."""

    meter: str
    event_id: UUID
    day: date


def unrolled_facts(session: ReadSession) -> tuple[UnrolledFact, ...]:
    """Facts that no roll-up has seen yet, oldest day first, a bounded number."""
    return tuple(UnrolledFact(**row) for row in session.fetch_all(UNROLLED, {"limit": FACTS_PER_ROUND}))


def sums_of_days(session: ReadSession, facts: Sequence[UnrolledFact]) -> tuple[DayTotal, ...]:
    """The whole sums of the meters and days that ``facts`` touch."""
    touched = sorted({(fact.meter, fact.day) for fact in facts})
    values = {"meters": [meter for meter, _ in touched], "days": [day for _, day in touched]}
    return tuple(DayTotal(**row) for row in session.fetch_all(SUMS, values))


def store_totals(uow: UnitOfWork, *, tenant_id: UUID, totals: Sequence[DayTotal], as_of: datetime) -> int:
    """Keep the sums in the platform's home, unless newer ones are there; how many were kept."""
    values = {
        "tenant_id": tenant_id,
        "as_of": as_of,
        "meters": [total.meter for total in totals],
        "days": [total.day for total in totals],
        "quantities": [total.quantity for total in totals],
    }
    return uow.execute(STORE, values)


def mark_rolled_up(uow: UnitOfWork, facts: Sequence[UnrolledFact], *, now: datetime) -> None:
    """Note that the facts are in the sums."""
    values = {
        "now": now,
        "meters": [fact.meter for fact in facts],
        "event_ids": [fact.event_id for fact in facts],
    }
    uow.execute(MARK, values)
