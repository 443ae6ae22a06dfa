"""The SQL of redemptions."""

from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.redemptions.domain import CancelReason, Redemption, RedemptionStatus
from services.platform.db.session import ReadSession, Statement, UnitOfWork

FREED_MAX = 100
COLUMNS = ", ".join(Redemption.__slots__)
BY_IDS = f"SELECT {COLUMNS} FROM redemptions WHERE id = ANY(%(ids)s)"
OF_MEMBER = f"""
SELECT {COLUMNS} FROM redemptions
WHERE (member_id = %(member_id)s OR recipient_id = %(member_id)s) AND (%(after)s::uuid IS NULL OR id < %(after)s)
ORDER BY id DESC LIMIT %(limit)s"""
RECENT = f"""
SELECT {COLUMNS} FROM redemptions
WHERE %(after)s::uuid IS NULL OR id < %(after)s ORDER BY id DESC LIMIT %(limit)s"""
# What was picked up, or waits, at a store; else what was redeemed there.
QUEUE = f"""
SELECT {COLUMNS} FROM redemptions
WHERE waiting_since IS NOT NULL AND (%(after)s::uuid IS NULL OR id > %(after)s)
    AND (%(status)s::text IS NULL OR status = %(status)s)
    AND (%(store_id)s::uuid IS NULL OR coalesce(pickup_store_id, store_id) = %(store_id)s)
ORDER BY id LIMIT %(limit)s"""
LOCK = f"{BY_IDS} FOR NO KEY UPDATE"
LOCK_BY_CODE = f"SELECT {COLUMNS} FROM redemptions WHERE pickup_code = %(code)s FOR NO KEY UPDATE"
# The latest are enough: no limit counts more pieces.
HAD = """
SELECT occurred_at AS at, quantity FROM redemptions
WHERE member_id = %(member_id)s AND reward_id = %(reward_id)s AND status NOT IN ('canceled', 'timed_out')
    AND (expires_at IS NULL OR expires_at > %(now)s)
ORDER BY id DESC LIMIT %(limit)s"""
FIRST_LATE = "SELECT min(expires_at) AS due_at FROM redemptions WHERE expires_at IS NOT NULL"
LATE = f"""
SELECT {COLUMNS} FROM redemptions
WHERE expires_at <= %(now)s
    AND (%(after_at)s::timestamptz IS NULL OR (expires_at, id) > (%(after_at)s::timestamptz, %(after_id)s::uuid))
ORDER BY expires_at, id LIMIT %(limit)s"""
IS_LATE = """
SELECT EXISTS (SELECT FROM redemptions WHERE reward_id = %(reward_id)s AND expires_at <= %(now)s) AS is_late"""
# Whoever wants a piece need not wait for the errand; what somebody else is at is left to them.
FREE_LATE = """
UPDATE redemptions SET status = 'timed_out', ended_at = expires_at, expires_at = NULL
WHERE id IN (
    SELECT id FROM redemptions WHERE reward_id = %(reward_id)s AND expires_at <= %(now)s
    ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING quantity"""
VALUES = ", ".join(f"%({name})s" for name in Redemption.__slots__)
INSERT = f"INSERT INTO redemptions ({COLUMNS}) VALUES ({VALUES})"
_CHANGING = (
    "status",
    "entry_id",
    "payment_reference",
    "expires_at",
    "delivery_reference",
    "note",
    "cancel_reason",
    "waiting_since",
    "confirmed_at",
    "fulfilled_at",
    "collected_at",
    "ended_at",
)
CHANGES = ", ".join(f"{name} = %({name})s" for name in _CHANGING)
UPDATE = f"UPDATE redemptions SET {CHANGES} WHERE id = %(id)s"


def insert_statement(*, redemption: Redemption) -> Statement:
    """Store a redemption."""
    return Statement(INSERT, _values(redemption))


def update_statement(*, redemption: Redemption) -> Statement:
    """Store what has become of a redemption whose row is locked."""
    values = _values(redemption)
    return Statement(UPDATE, {name: values[name] for name in ("id", *_CHANGING)})


def free_late_statement(uow: UnitOfWork, *, reward_id: UUID) -> Statement:
    """Time out what is held of a reward and late: a row with the ``quantity`` of each, to be put back into stock.

    Points and budgets see by themselves what is late.
    """
    return Statement(FREE_LATE, {"reward_id": reward_id, "now": uow.now, "limit": FREED_MAX})


def late_statement(session: ReadSession, *, reward_id: UUID) -> Statement:
    """Whether a reward has holds whose time is over, as ``is_late`` of the one row."""
    return Statement(IS_LATE, {"reward_id": reward_id, "now": session.now})


def redemption_of(row: DictRow) -> Redemption:
    reason = row["cancel_reason"]
    enums = {"status": RedemptionStatus(row["status"]), "cancel_reason": CancelReason(reason) if reason else None}
    return Redemption(**(row | enums))


def _values(redemption: Redemption) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(redemption, name) for name in Redemption.__slots__}
    reason = redemption.cancel_reason
    return values | {"status": redemption.status.value, "cancel_reason": reason.value if reason else None}
