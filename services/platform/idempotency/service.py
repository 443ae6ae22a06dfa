"""Command keys: same key and same input give the stored answer for ever, other input is refused.

The key is inserted in the transaction of the work itself. A rival with the same key waits at that insert until the
first has committed (then it replays) or rolled back (then it does the work), so one key has one effect.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency.errors import IdempotencyConflict, IdempotencyKeyInvalid
from services.platform.telemetry import metrics

KEY_LENGTH_MAX = 255

CLAIM = """
INSERT INTO idempotency_keys (operation, key, request_hash, created_at)
VALUES (%(operation)s, %(key)s, %(request_hash)s, %(now)s)
ON CONFLICT (operation, key) DO NOTHING RETURNING key"""
STORED = "SELECT request_hash, result FROM idempotency_keys WHERE operation = %(operation)s AND key = %(key)s"
SETTLE = "UPDATE idempotency_keys SET result = %(result)s WHERE operation = %(operation)s AND key = %(key)s"


def request_hash(client_input: Mapping[str, Any]) -> bytes:
    """SHA-256 of the client's input as it came, before defaults, with keys in order."""
    return hashlib.sha256(orjson.dumps(client_input, option=orjson.OPT_SORT_KEYS, default=str)).digest()


def check_key(key: str) -> None:
    """Refuse what can be no key.

    Raises:
        IdempotencyKeyInvalid: it is empty, too long or holds control characters.
    """
    if not 0 < len(key) <= KEY_LENGTH_MAX or not key.isprintable():
        raise IdempotencyKeyInvalid


def claim_statement(uow: UnitOfWork, *, operation: str, key: str, request_hash: bytes) -> Statement:
    """The claim as the first statement of a pipeline; hand its rows to `claimed`.

    Raises:
        IdempotencyKeyInvalid: the key is empty, too long or holds control characters.
    """
    check_key(key)
    return Statement(CLAIM, {"operation": operation, "key": key, "request_hash": request_hash, "now": uow.now})


def claimed(
    uow: UnitOfWork, rows: list[dict[str, Any]], *, operation: str, key: str, request_hash: bytes
) -> Mapping[str, Any] | None:
    """None when the claim's rows say that this transaction owns the key, else the stored answer.

    Raises:
        IdempotencyConflict: the key was used with other input.
    """
    if rows:
        return None
    stored = uow.fetch_one(STORED, {"operation": operation, "key": key})
    if stored is None or stored["request_hash"] != request_hash:
        raise IdempotencyConflict(key=key)
    metrics.replayed(operation)
    result: Mapping[str, Any] = stored["result"]
    return result


def claim(uow: UnitOfWork, *, operation: str, key: str, request_hash: bytes) -> Mapping[str, Any] | None:
    """Take the key for this transaction (None), or give the answer that was stored under it.

    Raises:
        IdempotencyKeyInvalid: the key is empty, too long or holds control characters.
        IdempotencyConflict: the key was used with other input.
    """
    statement = claim_statement(uow, operation=operation, key=key, request_hash=request_hash)
    rows = uow.fetch_all(statement.query, statement.values)
    return claimed(uow, rows, operation=operation, key=key, request_hash=request_hash)


def settle_statement(*, operation: str, key: str, result: Mapping[str, Any]) -> Statement:
    """Store the answer beside the claimed key: ids and numbers only, no personal data, so that erasure reaches it."""
    return Statement(SETTLE, {"operation": operation, "key": key, "result": Jsonb(result)})


def settle(uow: UnitOfWork, *, operation: str, key: str, result: Mapping[str, Any]) -> None:
    """`settle_statement`, at once."""
    statement = settle_statement(operation=operation, key=key, result=result)
    uow.execute(statement.query, statement.values)
