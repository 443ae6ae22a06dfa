"""The keys of many commands in one transaction: the promises of `service`, one statement for all of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.telemetry import metrics

# In the order of keys, so that two batches with the same keys never wait for each other in a circle.
CLAIM_ALL = """
INSERT INTO idempotency_keys (operation, key, request_hash, created_at)
SELECT %(operation)s, key, request_hash, %(now)s
FROM jsonb_to_recordset(%(rows)s) AS rows (key text, request_hash bytea) ORDER BY key
ON CONFLICT (operation, key) DO NOTHING RETURNING key"""
STORED = """
SELECT key, request_hash, result FROM idempotency_keys WHERE operation = %(operation)s AND key = ANY(%(keys)s)"""
SETTLE_ALL = """
UPDATE idempotency_keys SET request_hash = rows.request_hash, result = rows.result
FROM jsonb_to_recordset(%(rows)s) AS rows (key text, request_hash bytea, result jsonb)
WHERE operation = %(operation)s AND idempotency_keys.key = rows.key"""
RELEASE = "DELETE FROM idempotency_keys WHERE operation = %(operation)s AND key = ANY(%(keys)s)"


@dataclass(frozen=True, slots=True)
class Settled:
    """A key that was used: with what input, and what was answered."""

    request_hash: bytes
    result: Mapping[str, Any]


def claims_statement(uow: UnitOfWork, *, operation: str, hashes: Mapping[str, bytes]) -> Statement:
    """The claim of keys, given with the hashes of their inputs, first in a pipeline; hand its rows to `settled_keys`.

    The keys are those that `check_key` lets pass.
    """
    rows = [{"key": key, "request_hash": _bytea(hashed)} for key, hashed in hashes.items()]
    return Statement(CLAIM_ALL, {"operation": operation, "now": uow.now, "rows": Jsonb(rows)})


def settled_keys(
    uow: UnitOfWork, rows: Collection[dict[str, Any]], *, operation: str, keys: Collection[str]
) -> dict[str, Settled]:
    """The keys that others have used before; all other ones belong to this transaction now."""
    claimed = {row["key"] for row in rows}
    used = [key for key in keys if key not in claimed]
    if not used:
        return {}
    stored = uow.fetch_all(STORED, {"operation": operation, "keys": used})
    return {row["key"]: Settled(row["request_hash"], row["result"]) for row in stored}


def replayed(settled: Settled, *, operation: str, key: str, request_hash: bytes) -> Mapping[str, Any]:
    """The stored answer of a key, for the same input.

    Raises:
        IdempotencyConflict: the key was used with other input.
    """
    if settled.request_hash != request_hash:
        raise IdempotencyConflict(key=key)
    metrics.replayed(operation)
    return settled.result


def settle_statements(*, operation: str, settled: Mapping[str, Settled]) -> list[Statement]:
    """Store the answers beside their claimed keys; nothing when there are none.

    A key that came twice was claimed for the first input, and may be settled for the second.
    """
    rows = [
        {"key": key, "request_hash": _bytea(one.request_hash), "result": one.result} for key, one in settled.items()
    ]
    return [Statement(SETTLE_ALL, {"operation": operation, "rows": Jsonb(rows)})] if rows else []


def release_statements(*, operation: str, keys: Collection[str]) -> list[Statement]:
    """Give claimed keys back, whose commands were refused: they may be used again; nothing when there are none."""
    return [Statement(RELEASE, {"operation": operation, "keys": list(keys)})] if keys else []


def _bytea(value: bytes) -> str:
    """Bytes as JSON can carry them to a ``bytea``."""
    return f"\\x{value.hex()}"
