"""The only reader of the machine's time. Everything else gets instants as arguments."""

import time
from datetime import UTC, datetime
from typing import TypeAlias

Monotonic: TypeAlias = float
"""A second of the clock that never goes back."""


def wall_now() -> datetime:
    """The present instant in UTC. Leases, retries and tokens use it; business time is ``uow.now``."""
    return datetime.now(UTC)


def monotonic() -> Monotonic:
    """Seconds of a clock that never goes back; only differences mean anything."""
    return time.monotonic()
