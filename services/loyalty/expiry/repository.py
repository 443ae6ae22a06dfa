"""The SQL of expiry notices."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.expiry.domain import ExpiryNotice, NoticeKey, OpenNotice
from services.loyalty.programs.domain.telling import NoticeOutcome, Verdict
from services.platform.db.session import ReadSession, Statement, UnitOfWork

GIVEN = """
SELECT member_id, unit, ends_on, verdict FROM expiry_notices
WHERE member_id = ANY(%(ids)s) AND ends_on >= %(first)s"""
INSERT = """
INSERT INTO expiry_notices (member_id, unit, ends_on, points, noticed_at, id, decides_at, outcome, settled_at, verdict)
SELECT member_id, unit, ends_on, points, %(now)s, id, decides_at, outcome, settled_at, verdict
FROM jsonb_to_recordset(%(rows)s) AS rows (member_id uuid, unit text, ends_on date, points bigint, id uuid,
    decides_at timestamptz, outcome text, settled_at timestamptz, verdict text)
ON CONFLICT (member_id, unit, ends_on) DO NOTHING"""
# What became of it first stands: a channel that took it has taken it.
SETTLE = """
UPDATE expiry_notices SET outcome = %(outcome)s, settled_at = %(now)s WHERE id = %(id)s AND outcome IS NULL"""
NEXT_UNSETTLED = """
SELECT noticed_at AS due_at FROM expiry_notices
WHERE decides_at IS NOT NULL AND outcome IS NULL ORDER BY noticed_at LIMIT 1"""
SETTLE_ALL = """
UPDATE expiry_notices SET outcome = 'accepted', settled_at = %(now)s
WHERE decides_at IS NOT NULL AND outcome IS NULL"""
NEXT_DECISION = """
SELECT decides_at AS due_at FROM expiry_notices WHERE decides_at IS NOT NULL ORDER BY decides_at LIMIT 1"""
UNDECIDED = """
SELECT member_id FROM (
    SELECT member_id FROM expiry_notices WHERE decides_at IS NOT NULL AND decides_at <= %(now)s
    ORDER BY decides_at LIMIT %(limit)s) AS due
GROUP BY member_id ORDER BY member_id"""
OPEN = """
SELECT id, member_id, unit, ends_on, outcome, settled_at FROM expiry_notices
WHERE member_id = ANY(%(ids)s) AND decides_at IS NOT NULL AND decides_at <= %(now)s ORDER BY member_id, ends_on, unit"""
DECIDE = """
UPDATE expiry_notices SET decides_at = NULL, verdict = rows.verdict
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, verdict text) WHERE expiry_notices.id = rows.id"""
REOPEN = """
UPDATE expiry_notices SET decides_at = %(now)s, verdict = NULL
FROM jsonb_to_recordset(%(rows)s) AS rows (member_id uuid, unit text, ends_on date)
WHERE expiry_notices.member_id = rows.member_id AND expiry_notices.unit = rows.unit
    AND expiry_notices.ends_on = rows.ends_on"""
UNREACHED = """
SELECT count(DISTINCT member_id) AS members FROM expiry_notices
WHERE verdict IN ('unreachable', 'given_up', 'would_keep') AND ends_on BETWEEN %(first)s AND %(last)s
    AND (%(unit)s::text IS NULL OR unit = %(unit)s)"""


def given_statement(uow: UnitOfWork, *, member_ids: Collection[UUID]) -> Statement:
    """Asks which notices about days that are not long over were given; the rows go to `given_of`."""
    # A zone may be a day behind the clock that counts in UTC.
    first = uow.now.date().toordinal() - 1
    return Statement(GIVEN, {"ids": list(member_ids), "first": uow.now.date().fromordinal(first)})


def given_of(rows: Iterable[DictRow]) -> dict[NoticeKey, Verdict | None]:
    """What was decided by each notice that was given; None while it is not, and where nothing is to be."""
    return {
        (row["member_id"], row["unit"], row["ends_on"]): None if row["verdict"] is None else Verdict(row["verdict"])
        for row in rows
    }


def insert_statement(
    uow: UnitOfWork, *, notices: Iterable[ExpiryNotice], decides_at: Callable[[date], datetime | None]
) -> Statement:
    """Store notices that are given now; ``decides_at`` says when it is decided of a day whether points end."""
    rows = [
        {
            "member_id": n.member_id,
            "unit": n.unit,
            "ends_on": n.ends_on,
            "points": n.points,
            "id": n.id,
            "decides_at": decides_at(n.ends_on),
        }
        for n in notices
    ]
    return Statement(INSERT, {"rows": Jsonb(rows), "now": uow.now})


def reopen_statement(uow: UnitOfWork, *, notices: Iterable[ExpiryNotice]) -> Statement:
    """Decide now again whether points end on the days of notices; what became of these stands."""
    rows = [{"member_id": n.member_id, "unit": n.unit, "ends_on": n.ends_on} for n in notices]
    return Statement(REOPEN, {"rows": Jsonb(rows), "now": uow.now})


def insert_told_statement(uow: UnitOfWork, *, told: Iterable[tuple[ExpiryNotice, datetime]]) -> Statement:
    """Store of days that points were moved to that their members have been told, at an instant, of an earlier one."""
    rows = [
        {
            "member_id": n.member_id,
            "unit": n.unit,
            "ends_on": n.ends_on,
            "points": n.points,
            "id": n.id,
            "outcome": NoticeOutcome.ACCEPTED,
            "settled_at": settled_at,
            "verdict": Verdict.IN_TIME,
        }
        for n, settled_at in told
    ]
    return Statement(INSERT, {"rows": Jsonb(rows), "now": uow.now})


def settle_notice(uow: UnitOfWork, *, notice_id: UUID, outcome: NoticeOutcome) -> None:
    """Note what became of a notice, unless that is known."""
    uow.execute(SETTLE, {"id": notice_id, "outcome": outcome, "now": uow.now})


def settle_all(uow: UnitOfWork) -> int:
    """Note that every notice was taken of which nothing is known; how many."""
    return uow.execute(SETTLE_ALL, {"now": uow.now})


def undecided_members(session: ReadSession, *, limit: int) -> tuple[UUID, ...]:
    """The members of the first ``limit`` notices that are to be decided."""
    return tuple(row["member_id"] for row in session.fetch_all(UNDECIDED, {"now": session.now, "limit": limit}))


def open_statement(uow: UnitOfWork, *, member_ids: Collection[UUID]) -> Statement:
    """Asks for what is to be decided of members; the rows go to `open_of`."""
    return Statement(OPEN, {"ids": list(member_ids), "now": uow.now})


def open_of(rows: Iterable[DictRow]) -> tuple[OpenNotice, ...]:
    return tuple(
        OpenNotice(**{**row, "outcome": None if row["outcome"] is None else NoticeOutcome(row["outcome"])})
        for row in rows
    )


def decide_statement(verdicts: Mapping[UUID, Verdict | None]) -> Statement:
    """Store what was decided; None: it need not be any more."""
    rows = [{"id": id_, "verdict": verdict} for id_, verdict in verdicts.items()]
    return Statement(DECIDE, {"rows": Jsonb(rows)})
