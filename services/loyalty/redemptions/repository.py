"""The SQL of redemptions."""

from typing import Any

from psycopg.rows import DictRow

from services.loyalty.redemptions.domain import Redemption, RedemptionStatus
from services.platform.db.session import Statement

COLUMNS = """
id, member_id, reward_id, reward_version_id, store_id, points, status, entry_id, occurred_at, recorded_at"""
BY_IDS = f"SELECT {COLUMNS} FROM redemptions WHERE id = ANY(%(ids)s)"
OF_MEMBER = f"""
SELECT {COLUMNS} FROM redemptions
WHERE member_id = %(member_id)s AND (%(after)s::uuid IS NULL OR id < %(after)s) ORDER BY id DESC LIMIT %(limit)s"""
RECENT = f"""
SELECT {COLUMNS} FROM redemptions
WHERE %(after)s::uuid IS NULL OR id < %(after)s ORDER BY id DESC LIMIT %(limit)s"""
INSERT = """
INSERT INTO redemptions (id, member_id, reward_id, reward_version_id, store_id, points, status, entry_id, occurred_at,
    recorded_at)
VALUES (%(id)s, %(member_id)s, %(reward_id)s, %(reward_version_id)s, %(store_id)s, %(points)s, %(status)s,
    %(entry_id)s, %(occurred_at)s, %(recorded_at)s)"""


def insert_statement(*, redemption: Redemption) -> Statement:
    """Store a redemption."""
    values: dict[str, Any] = {name: getattr(redemption, name) for name in Redemption.__slots__}
    return Statement(INSERT, values | {"status": redemption.status.value})


def redemption_of(row: DictRow) -> Redemption:
    return Redemption(**(row | {"status": RedemptionStatus(row["status"])}))
