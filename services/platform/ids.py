"""Identifiers. The application makes them, never the database (they must be unique over many database nodes)."""

import os
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

_lock = threading.Lock()
_last_tick = 0
_MILLISECONDS_MAX = 253_402_300_799_000  # the end of the year 9999


def first_id(moment: datetime) -> UUID:
    """The smallest UUIDv7 that could have been made at an instant of the wall clock."""
    milliseconds = max(0, int(moment.timestamp() * 1_000))
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | 0b10 << 62)


def moment_of(key: UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond; another kind of UUID gives a moment that means nothing."""
    return datetime.fromtimestamp(min(key.int >> 80, _MILLISECONDS_MAX) / 1_000, UTC)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then 12 bits of sub-millisecond time, then random.

    Ids of one process are strictly increasing, so that rows made together are read back in the order of making.
    """
    global _last_tick  # noqa: PLW0603  the counter that makes ids of one process increase
    with _lock:
        # One tick is 1/4096 ms: the 12 bits that follow the milliseconds (RFC 9562, 6.2, method 3).
        tick = max((time.time_ns() << 12) // 1_000_000, _last_tick + 1)
        _last_tick = tick
    milliseconds, fraction = tick >> 12, tick & 0xFFF
    tail = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | tail)
