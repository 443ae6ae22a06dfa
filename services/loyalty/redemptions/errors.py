"""What redemptions refuse. Points, stock and members refuse by their own errors."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.platform.errors import DomainError


class RedemptionError(DomainError):
    """A refusal concerning redemptions."""


@dataclass(eq=False)
class RewardPriceChanged(RedemptionError):
    """The reward costs something else than the client showed. Both are in the unit's smallest part."""

    expected: int
    actual: int


@dataclass(eq=False)
class RedemptionNotFound(RedemptionError):
    """The tenant has no such redemption, or none with this pick-up code."""

    redemption_id: UUID | None = None


@dataclass(eq=False)
class RedemptionEnded(RedemptionError):
    """This cannot be done any more, or not yet. ``status`` is where the redemption is."""

    redemption_id: UUID
    status: str
    ended_at: datetime | None = None


@dataclass(eq=False)
class RedemptionUnpaid(RedemptionError):
    """The reward costs money as well, and another amount was taken. In minor units of ``currency``."""

    needed_minor: int
    paid_minor: int
    currency: str


@dataclass(eq=False)
class RedeemedPointsEnded(RedemptionError):
    """Points that it was paid with have ended meanwhile: who gives them back, and for how long, staff decide."""

    redemption_id: UUID


@dataclass(eq=False)
class RedemptionNeedsDecision(RedemptionError):
    """Something has left the house: somebody must say whether it is back. ``effect`` is what."""

    redemption_id: UUID
    effect: str


@dataclass(eq=False)
class PickupElsewhere(RedemptionError):
    """It is to be picked up at another store."""

    store_id: UUID
