"""The SQL of carts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from services.platform.db.session import Statement, UnitOfWork

CARTS_KEY = "carts_pkey"
COLUMNS = "id, status, member_id, store_id, held, purchase_id, answer, reserved_at, expires_at, ended_at"
BY_ID = f"SELECT {COLUMNS} FROM carts WHERE id = %(id)s"
# The member is locked before; a guest's cart has nobody else to queue at.
LOCK = f"{BY_ID} FOR NO KEY UPDATE"
INSERT = """
INSERT INTO carts (id, status, member_id, store_id, held, purchase_id, answer, reserved_at, expires_at, ended_at)
VALUES (%(id)s, %(status)s, %(member_id)s, %(store_id)s, %(held)s, %(purchase_id)s, %(answer)s, %(reserved_at)s,
    %(expires_at)s, %(ended_at)s)"""
UPDATE = """
UPDATE carts SET status = %(status)s, member_id = %(member_id)s, held = %(held)s, purchase_id = %(purchase_id)s,
    answer = %(answer)s, reserved_at = %(reserved_at)s, expires_at = %(expires_at)s, ended_at = %(ended_at)s
WHERE id = %(id)s"""
LATE = """
SELECT id, member_id, expires_at FROM carts
WHERE status = 'reserved' AND expires_at <= %(now)s
    AND (%(after_at)s::timestamptz IS NULL OR (expires_at, id) > (%(after_at)s::timestamptz, %(after_id)s::uuid))
ORDER BY expires_at, id LIMIT %(limit)s"""
LOCK_LATE = """
SELECT id, member_id, held FROM carts
WHERE id = ANY(%(ids)s) AND status = 'reserved' AND expires_at <= %(now)s ORDER BY id FOR NO KEY UPDATE"""
# The end is when its time was over, whenever we came to see it.
TIME_OUT = "UPDATE carts SET status = 'timed_out', ended_at = expires_at WHERE id = ANY(%(ids)s)"
FIRST_LATE = "SELECT min(expires_at) AS at FROM carts WHERE status = 'reserved'"


def is_raced(error: UniqueViolation) -> bool:
    """Whether somebody else has stored the cart meanwhile."""
    return error.diag.constraint_name == CARTS_KEY


def lock_statement(*, cart_id: UUID) -> Statement:
    """Lock a cart and read it: one row, or none for a cart that was only quoted."""
    return Statement(LOCK, {"id": cart_id})


def put_statement(
    uow: UnitOfWork,
    *,
    cart_id: UUID,
    is_new: bool,
    status: str,
    member_id: UUID | None,
    store_id: UUID,
    expires_at: datetime,
    held: Mapping[str, Any] | None = None,
    purchase_id: UUID | None = None,
    answer: Mapping[str, Any] | None = None,
) -> Statement:
    """Store what has become of a cart."""
    is_reserved = status == "reserved"
    values = {
        "id": cart_id,
        "status": status,
        "member_id": member_id,
        "store_id": store_id,
        "held": None if held is None else Jsonb(held),
        "purchase_id": purchase_id,
        "answer": None if answer is None else Jsonb(answer),
        "reserved_at": uow.now if is_reserved else None,
        "expires_at": expires_at,
        "ended_at": None if is_reserved else uow.now,
    }
    return Statement(INSERT if is_new else UPDATE, values)
