"""What holds refuse. Points, members and programs refuse by their own errors."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.errors import DomainError


class HoldError(DomainError):
    """A refusal concerning holds."""


@dataclass(eq=False)
class HoldNotFound(HoldError):
    """No hold has this id."""

    hold_id: UUID


@dataclass(eq=False)
class HoldEnded(HoldError):
    """Nothing is held any more. ``status`` is captured, released or timed_out."""

    hold_id: UUID
    status: str


@dataclass(eq=False)
class HoldTooSmall(HoldError):
    """More would be captured than is held. Both are in the unit's smallest part."""

    asked: int
    held: int
