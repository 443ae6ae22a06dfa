"""The SQL of transfers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.transfers.domain import Transfer
from services.platform.db.session import Statement

COLUMNS = "id, sender_id, recipient_id, unit, points, message, sent_entry_id, received_entry_id, occurred_at"
BY_IDS = f"SELECT {COLUMNS} FROM transfers WHERE id = ANY(%(ids)s)"
OF_MEMBER = f"""
SELECT {COLUMNS} FROM (
    (SELECT {COLUMNS} FROM transfers WHERE sender_id = %(member_id)s AND (%(after)s::uuid IS NULL OR id < %(after)s)
    ORDER BY id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT {COLUMNS} FROM transfers
    WHERE recipient_id = %(member_id)s AND (%(after)s::uuid IS NULL OR id < %(after)s)
    ORDER BY id DESC LIMIT %(limit)s)) AS mine
ORDER BY id DESC LIMIT %(limit)s"""
GIVEN = """
SELECT coalesce(sum(points), 0)::bigint AS given FROM transfers
WHERE sender_id = %(sender_id)s AND unit = %(unit)s AND occurred_at >= %(first)s AND occurred_at < %(until)s"""
INSERT = """
INSERT INTO transfers (id, sender_id, recipient_id, unit, points, message, sent_entry_id, received_entry_id,
    occurred_at)
VALUES (%(id)s, %(sender_id)s, %(recipient_id)s, %(unit)s, %(points)s, %(message)s, %(sent_entry_id)s,
    %(received_entry_id)s, %(occurred_at)s)"""


def given_statement(*, sender_id: UUID, unit: str, day: tuple[datetime, datetime]) -> Statement:
    """What a member gave of a unit in a period, as ``given`` of the one row."""
    return Statement(GIVEN, {"sender_id": sender_id, "unit": unit, "first": day[0], "until": day[1]})


def insert_statement(*, transfer: Transfer) -> Statement:
    """Store a transfer."""
    values: dict[str, Any] = {name: getattr(transfer, name) for name in Transfer.__slots__}
    return Statement(INSERT, values)


def transfer_of(row: DictRow) -> Transfer:
    return Transfer(**row)
