"""Points reserved for somebody: for a while, of lots that are named at once."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.loyalty.members.domain import MemberRef
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX

MINUTES_MAX = 60 * 24 * 90
"""A hold is for a sale under way, not a way to stop the expiry of points: 90 days."""


class HoldStatus(StrEnum):
    """Where a hold is in its life."""

    OPEN = "open"
    CAPTURED = "captured"
    """It has ended, and a part of it at least was spent."""
    RELEASED = "released"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class Hold:
    """``points`` of a unit reserved until ``expires_at``, of which ``captured`` were spent, ``released`` given back.

    ``reference`` is what the caller calls it, such as an order's number. ``ended_at`` is when the last of it was
    captured or released; None while it is open, and of one that timed out.
    """

    id: UUID
    member_id: UUID
    unit: str
    points: int
    captured: int
    released: int
    reference: str | None
    store_id: UUID | None
    entry_id: UUID
    held_at: datetime
    expires_at: datetime
    ended_at: datetime | None

    def status(self, at: datetime) -> HoldStatus:
        """Where it is at an instant, whether or not a job has run."""
        if self.ended_at is None and self.expires_at > at:
            return HoldStatus.OPEN
        if self.captured > 0:
            return HoldStatus.CAPTURED
        return HoldStatus.TIMED_OUT if self.ended_at is None else HoldStatus.RELEASED

    def held(self, at: datetime) -> int:
        """What is still reserved at an instant."""
        return self.points - self.captured - self.released if self.status(at) is HoldStatus.OPEN else 0


@dataclass(frozen=True, slots=True)
class HoldPoints:
    """Reserve ``points`` of a unit (None: the program's own) for ``minutes`` (None: as the program says)."""

    member: MemberRef
    points: int
    idempotency_key: str
    request_hash: bytes
    unit: str | None = None
    minutes: int | None = None
    reference: str | None = None
    store_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CaptureHold:
    """Spend ``points`` of a hold (None: all of it) at a store. What is left is released, unless ``keeps_rest``."""

    hold_id: UUID
    idempotency_key: str
    request_hash: bytes
    points: int | None = None
    keeps_rest: bool = False
    store_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """Give back what a hold still reserves."""

    hold_id: UUID
    idempotency_key: str
    request_hash: bytes
    store_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class HoldMoved:
    """The answer to each of them: ``points`` were held, captured or released; ``balance`` can be spent after it."""

    hold_id: UUID
    member_id: UUID
    entry_id: UUID
    points: int
    balance: int
    replayed: bool


def check_points(points: int) -> int:
    """An amount above zero that an account can hold.

    Raises:
        InvalidInput: OUT_OF_RANGE
    """
    if not 0 < points <= AMOUNT_MAX:
        raise InvalidInput(field="points", reason="OUT_OF_RANGE", limit=str(AMOUNT_MAX))
    return points


def check_minutes(minutes: int) -> int:
    """A time within 1 and ``MINUTES_MAX``.

    Raises:
        InvalidInput: OUT_OF_RANGE
    """
    if not 0 < minutes <= MINUTES_MAX:
        raise InvalidInput(field="minutes", reason="OUT_OF_RANGE", limit=str(MINUTES_MAX))
    return minutes
