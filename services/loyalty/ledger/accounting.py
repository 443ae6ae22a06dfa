"""Sums of the ledger for reports: by cohort over a period, and of one holder at an instant.

Both go backward from what stands now, so that they cost what has happened since, and not all that ever happened. A
period is found by the summary index (BRIN) over the instants at which entries were recorded.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.ledger import repository
from services.loyalty.ledger.domain.flows import (
    CohortFlows,
    CohortMonth,
    Flows,
    KeptAlive,
    LotOriginClass,
    PointsAsOf,
    Timeline,
)
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.ledger.domain.settling import settled_balances
from services.platform.db.session import ReadSession, Statement

SECONDS_MAX = 60
"""How long one of these statements may take; those of commands may take less."""

PATIENCE = f"SET LOCAL statement_timeout TO '{SECONDS_MAX}s'"

# An entry moves lots in one way: its first posting says which account of the program is on the other side, none for
# what only changes the state of a lot.
FLOW = """
CASE WHEN entries.kind = 'accrual' THEN 'issued' WHEN entries.kind = 'repayment' THEN 'repaid'
    WHEN postings.debit_holder_id IS NULL THEN postings.debit_purpose
    WHEN postings.credit_holder_id IS NULL THEN postings.credit_purpose ELSE 'within' END"""
COHORT = "date_trunc('month', lots.created_at AT TIME ZONE %(zone)s)::date"
ORIGIN = "CASE WHEN lots.origin_kind = 'purchase' THEN 'sales' ELSE 'other' END"
MOVED = f"""
SELECT movements.lot_id, entries.recorded_at, {FLOW} AS flow, movements.delta
FROM ledger_entries AS entries
JOIN ledger_lot_movements AS movements ON movements.entry_id = entries.id
JOIN ledger_postings AS postings ON postings.entry_id = entries.id AND postings.position = 1
WHERE entries.recorded_at >= %(since)s"""

COHORTS = f"""
SELECT lots.unit, {COHORT} AS cohort, {ORIGIN} AS origin,
    CASE WHEN %(by_store)s THEN lots.funder_store_id END AS funder_store_id,
    sum(parts.standing) AS standing, sum(parts.later) AS later, sum(parts.issued) AS issued,
    sum(parts.redeemed) AS redeemed, sum(parts.expired) AS expired, sum(parts.reversed) AS reversed,
    sum(parts.adjusted) AS adjusted, sum(parts.transferred) AS transferred, sum(parts.repaid) AS repaid
FROM (
    SELECT id AS lot_id, remaining + held AS standing, 0 AS later, 0 AS issued, 0 AS redeemed, 0 AS expired,
        0 AS reversed, 0 AS adjusted, 0 AS transferred, 0 AS repaid
    FROM ledger_lots WHERE remaining > 0 OR held > 0
    UNION ALL
    SELECT lot_id, 0, CASE WHEN recorded_at >= %(until)s THEN delta ELSE 0 END,
        CASE WHEN recorded_at < %(until)s AND flow = 'issued' THEN delta ELSE 0 END,
        CASE WHEN recorded_at < %(until)s AND flow = 'redemption' THEN -delta ELSE 0 END,
        CASE WHEN recorded_at < %(until)s AND flow = 'breakage' THEN -delta ELSE 0 END,
        CASE WHEN recorded_at < %(until)s AND flow = 'issuance' THEN -delta ELSE 0 END,
        CASE WHEN recorded_at < %(until)s AND flow = 'adjustment' THEN delta ELSE 0 END,
        CASE WHEN recorded_at < %(until)s AND flow = 'clearing' THEN delta ELSE 0 END,
        CASE WHEN recorded_at < %(until)s AND flow = 'repaid' THEN -delta ELSE 0 END
    FROM ({MOVED}) AS moved
) AS parts JOIN ledger_lots AS lots ON lots.id = parts.lot_id
WHERE (%(unit)s::text IS NULL OR lots.unit = %(unit)s)
    AND (%(origin)s::text IS NULL OR {ORIGIN} = %(origin)s)
GROUP BY 1, 2, 3, 4
HAVING sum(parts.standing) <> sum(parts.later) OR sum(parts.issued) <> 0 OR sum(parts.redeemed) <> 0
    OR sum(parts.expired) <> 0 OR sum(parts.reversed) <> 0 OR sum(parts.adjusted) <> 0 OR sum(parts.transferred) <> 0
    OR sum(parts.repaid) <> 0
ORDER BY 1, 2, 3 DESC, 4 NULLS FIRST LIMIT %(limit)s"""

MONTHS = f"""
SELECT lots.unit, {COHORT} AS cohort, date_trunc('month', moved.recorded_at AT TIME ZONE %(zone)s)::date AS month,
    sum(CASE WHEN moved.flow NOT IN ('redemption', 'breakage') THEN moved.delta ELSE 0 END) AS gained,
    sum(CASE WHEN moved.flow = 'redemption' THEN -moved.delta ELSE 0 END) AS redeemed,
    sum(CASE WHEN moved.flow = 'breakage' THEN -moved.delta ELSE 0 END) AS expired
FROM ({MOVED} AND entries.recorded_at < %(until)s) AS moved JOIN ledger_lots AS lots ON lots.id = moved.lot_id
WHERE lots.created_at >= %(since)s AND (%(unit)s::text IS NULL OR lots.unit = %(unit)s)
    AND (%(origin)s::text IS NULL OR {ORIGIN} = %(origin)s)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""

# Lots that live on past their end. What has happened since ``until`` is taken back from what stands now.
KEPT = f"""
SELECT lots.unit, sum(parts.standing) AS standing, sum(parts.redeemed) AS redeemed
FROM (
    SELECT id AS lot_id, remaining + held AS standing, 0 AS redeemed
    FROM ledger_lots WHERE deferred_from < %(until)s AND deferred_from <= %(now)s
    UNION ALL
    SELECT moved.lot_id, CASE WHEN moved.recorded_at >= %(until)s THEN -moved.delta ELSE 0 END,
        CASE WHEN moved.recorded_at < %(until)s AND moved.recorded_at >= kept.deferred_from
            AND moved.flow = 'redemption' THEN -moved.delta ELSE 0 END
    FROM ({MOVED}) AS moved JOIN ledger_lots AS kept ON kept.id = moved.lot_id
    WHERE kept.deferred_from < %(until)s AND kept.deferred_from <= %(now)s
) AS parts JOIN ledger_lots AS lots ON lots.id = parts.lot_id
WHERE (%(unit)s::text IS NULL OR lots.unit = %(unit)s) AND (%(origin)s::text IS NULL OR {ORIGIN} = %(origin)s)
GROUP BY 1"""

SIDES = """
SELECT unit, sum(CASE WHEN purpose = 'pending' THEN amount ELSE 0 END) AS pending,
    sum(CASE WHEN purpose = 'available' THEN amount ELSE 0 END) AS available,
    sum(CASE WHEN purpose = 'held' THEN amount ELSE 0 END) AS held,
    sum(CASE WHEN purpose = 'owed' THEN -amount ELSE 0 END) AS owed
FROM (
    SELECT postings.unit, postings.credit_purpose AS purpose, postings.amount
    FROM ledger_entries AS entries JOIN ledger_postings AS postings ON postings.entry_id = entries.id
    WHERE entries.holder_id = %(holder_id)s AND postings.credit_holder_id = %(holder_id)s AND {until}
    UNION ALL
    SELECT postings.unit, postings.debit_purpose, -postings.amount
    FROM ledger_entries AS entries JOIN ledger_postings AS postings ON postings.entry_id = entries.id
    WHERE entries.holder_id = %(holder_id)s AND postings.debit_holder_id = %(holder_id)s AND {until}
) AS sides GROUP BY unit ORDER BY unit"""
BY_RECORDED = SIDES.replace("{until}", "entries.recorded_at <= %(at)s")
BY_EFFECTIVE = SIDES.replace("{until}", "entries.occurred_at <= %(at)s")


def cohort_flows(
    session: ReadSession,
    *,
    since: datetime,
    until: datetime,
    zone: str,
    by_store: bool,
    limit: int,
    unit: str | None = None,
    origin: LotOriginClass | None = None,
) -> tuple[CohortFlows, ...]:
    """What became of points in the period ``[since, until)`` by which entries were recorded, by cohort.

    A cohort is the lots that were recorded in one month of ``zone``; ``by_store`` tells their funders apart. It reads
    the open lots and the entries since ``since``.
    """
    values = {
        "since": since,
        "until": until,
        "zone": zone,
        "by_store": by_store,
        "unit": unit,
        "origin": origin,
        "limit": limit,
    }
    _, rows = session.fetch_pipeline([Statement(PATIENCE), Statement(COHORTS, values)])
    return tuple(_cohort_of(row) for row in rows)


def cohort_months(
    session: ReadSession,
    *,
    since: datetime,
    until: datetime,
    zone: str,
    unit: str | None = None,
    origin: LotOriginClass | None = None,
) -> tuple[CohortMonth, ...]:
    """What came of the cohorts since ``since``, month by month; it reads the entries of ``[since, until)``."""
    values = {"since": since, "until": until, "zone": zone, "unit": unit, "origin": origin}
    _, rows = session.fetch_pipeline([Statement(PATIENCE), Statement(MONTHS, values)])
    return tuple(
        CohortMonth(
            row["unit"], row["cohort"], row["month"], int(row["gained"]), int(row["redeemed"]), int(row["expired"])
        )
        for row in rows
    )


def kept_alive(
    session: ReadSession,
    *,
    since: datetime,
    until: datetime,
    unit: str | None = None,
    origin: LotOriginClass | None = None,
) -> dict[str, KeptAlive]:
    """By unit, points of lots that would have ended before ``until``: left then, and redeemed in ``[since, until)``."""
    # What ends later than now has not been kept alive yet.
    values = {"since": since, "until": until, "now": session.now, "unit": unit, "origin": origin}
    _, rows = session.fetch_pipeline([Statement(PATIENCE), Statement(KEPT, values)])
    return {row["unit"]: KeptAlive(int(row["standing"]), int(row["redeemed"])) for row in rows}


def points_as_of(
    session: ReadSession, *, holder_id: UUID, at: datetime, by: Timeline = Timeline.RECORDED
) -> tuple[PointsAsOf, ...]:
    """What a holder had at an instant, inclusive, by unit: as the books said then, or as things had happened by then.

    It reads the holder's own entries.
    """
    values = {"holder_id": holder_id, "at": at}
    if by is Timeline.RECORDED:
        return tuple(_points_of(row) for row in session.fetch_all(BY_RECORDED, values))
    rows, lot_rows = session.fetch_pipeline(
        [Statement(BY_EFFECTIVE, values), Statement(repository.DUE_LOTS, {"ids": [holder_id], "now": at})]
    )
    return tuple(_settled(tuple(_points_of(row) for row in rows), lot_rows, holder_id=holder_id, at=at))


def _settled(
    points: Sequence[PointsAsOf], lot_rows: Sequence[DictRow], *, holder_id: UUID, at: datetime
) -> Sequence[PointsAsOf]:
    """The same with what was due by then and has not been posted yet; nothing has moved such a lot since."""
    if not points:
        return ()
    balances = [Balance(holder_id, each.unit, each.pending, each.available, each.held, each.owed) for each in points]
    settled = settled_balances(
        balances,
        lots=[repository.lot_of(row) for row in lot_rows],
        parts=repository.parts_by_hold([part for row in lot_rows for part in repository.parts_of(row)]),
        now=at,
    )
    return [
        PointsAsOf(each.unit, each.pending, each.available, each.held, each.owed)
        for each in (settled[point.unit] for point in points)
    ]


def _points_of(row: DictRow) -> PointsAsOf:
    return PointsAsOf(row["unit"], int(row["pending"]), int(row["available"]), int(row["held"]), int(row["owed"]))


def _cohort_of(row: DictRow) -> CohortFlows:
    cohort: date = row["cohort"]
    closing = int(row["standing"] - row["later"])
    issued, redeemed, expired = int(row["issued"]), int(row["redeemed"]), int(row["expired"])
    back, adjusted = int(row["reversed"]), int(row["adjusted"])
    transferred, repaid = int(row["transferred"]), int(row["repaid"])
    flows = Flows(
        opening=closing - issued + redeemed + expired + back - adjusted - transferred + repaid,
        issued=issued,
        redeemed=redeemed,
        expired=expired,
        reversed=back,
        adjusted=adjusted,
        transferred=transferred,
        repaid=repaid,
        closing=closing,
    )
    return CohortFlows(row["unit"], cohort, LotOriginClass(row["origin"]), row["funder_store_id"], flows)
