"""What rewards refuse."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.loyalty.programs.domain import LocalizedText
from services.platform.errors import DomainError


class RewardError(DomainError):
    """A refusal concerning rewards."""


@dataclass(eq=False)
class RewardNotFound(RewardError):
    """The tenant has no such reward."""

    reward_id: UUID


@dataclass(eq=False)
class RewardCodeTaken(RewardError):
    """Another reward of the tenant has this code."""

    reward_code: str


@dataclass(eq=False)
class RewardArchived(RewardError):
    """The reward is no longer offered."""

    reward_id: UUID


@dataclass(eq=False)
class RewardOutOfStock(RewardError):
    """Nothing of the reward is left."""

    reward_id: UUID


@dataclass(eq=False)
class RewardChanged(RewardError):
    """Somebody else has edited the reward since the given version."""

    given: int
    actual: int


@dataclass(eq=False)
class RewardNotAvailable(RewardError):
    """The reward cannot be had yet, or any more."""

    reward_id: UUID
    available_from: datetime | None
    available_until: datetime | None


@dataclass(eq=False)
class RewardNotEligible(RewardError):
    """The reward is not for this member, or not here. ``reason`` is tier, segment or store."""

    reward_id: UUID
    reason: str


@dataclass(eq=False)
class RewardLimitReached(RewardError):
    """The member would have more than ``maximum`` pieces within a calendar period; ``used`` were had already."""

    reward_id: UUID
    period: str
    maximum: int
    used: int


@dataclass(eq=False)
class RewardGivesCoupon(RewardError):
    """A reward that is offered gives coupons of this kind, so that the kind can't be archived."""

    coupon_definition_id: UUID
    reward_id: UUID
    reward_name: LocalizedText


@dataclass(eq=False)
class RewardHasNoCodes(RewardError):
    """Only a virtual reward gives codes."""

    reward_id: UUID
