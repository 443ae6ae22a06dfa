"""What rewards refuse."""

from dataclasses import dataclass
from uuid import UUID

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
