"""The SQL of expiry notices."""

from collections.abc import Collection, Iterable
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from services.loyalty.expiry.domain import ExpiryNotice, NoticeKey
from services.platform.db.session import Statement, UnitOfWork

GIVEN = "SELECT member_id, unit, ends_on FROM expiry_notices WHERE member_id = ANY(%(ids)s) AND ends_on >= %(first)s"
INSERT = """
INSERT INTO expiry_notices (member_id, unit, ends_on, points, noticed_at)
SELECT member_id, unit, ends_on, points, %(now)s
FROM jsonb_to_recordset(%(rows)s) AS rows (member_id uuid, unit text, ends_on date, points bigint)"""


def given_statement(uow: UnitOfWork, *, member_ids: Collection[UUID]) -> Statement:
    """Asks which notices about days that are not long over were given; the rows go to `given_of`."""
    # A zone may be a day behind the clock that counts in UTC.
    first = uow.now.date().toordinal() - 1
    return Statement(GIVEN, {"ids": list(member_ids), "first": uow.now.date().fromordinal(first)})


def given_of(rows: Iterable[DictRow]) -> frozenset[NoticeKey]:
    return frozenset((row["member_id"], row["unit"], row["ends_on"]) for row in rows)


def insert_statement(uow: UnitOfWork, *, notices: Iterable[ExpiryNotice]) -> Statement:
    """Store notices."""
    rows = [{"member_id": n.member_id, "unit": n.unit, "ends_on": n.ends_on, "points": n.points} for n in notices]
    return Statement(INSERT, {"rows": Jsonb(rows), "now": uow.now})
