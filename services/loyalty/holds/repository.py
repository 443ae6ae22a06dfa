"""The SQL of holds."""

from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.holds.domain import Hold
from services.platform.db.session import Statement, UnitOfWork

COLUMNS = """
id, member_id, unit, points, captured, released, reference, store_id, entry_id, held_at, expires_at, ended_at"""
BY_IDS = f"SELECT {COLUMNS} FROM holds WHERE id = ANY(%(ids)s)"
OF_MEMBER = f"""
SELECT {COLUMNS} FROM holds
WHERE member_id = %(member_id)s AND (%(after)s::uuid IS NULL OR id < %(after)s)
    AND (NOT %(is_open)s OR (ended_at IS NULL AND expires_at > %(now)s))
ORDER BY id DESC LIMIT %(limit)s"""
INSERT = """
INSERT INTO holds (id, member_id, unit, points, captured, released, reference, store_id, entry_id, held_at, expires_at,
    ended_at)
VALUES (%(id)s, %(member_id)s, %(unit)s, %(points)s, %(captured)s, %(released)s, %(reference)s, %(store_id)s,
    %(entry_id)s, %(held_at)s, %(expires_at)s, %(ended_at)s)"""
# The member is locked, so that nobody else moves the hold meanwhile.
MOVE = """
UPDATE holds SET captured = captured + %(captured)s, released = released + %(released)s, ended_at = %(ended_at)s
WHERE id = %(id)s"""


def insert_statement(*, hold: Hold) -> Statement:
    """Store a hold."""
    values: dict[str, Any] = {name: getattr(hold, name) for name in Hold.__slots__}
    return Statement(INSERT, values)


def move_statement(uow: UnitOfWork, *, hold_id: UUID, captured: int, released: int, is_over: bool) -> Statement:
    """Store that parts of a hold were captured or released."""
    ended_at = uow.now if is_over else None
    return Statement(MOVE, {"id": hold_id, "captured": captured, "released": released, "ended_at": ended_at})


def hold_of(row: DictRow) -> Hold:
    return Hold(**row)
