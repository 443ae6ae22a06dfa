"""What redemptions refuse. Points, stock and members refuse by their own errors."""

from dataclasses import dataclass

from services.platform.errors import DomainError


class RedemptionError(DomainError):
    """A refusal concerning redemptions."""


@dataclass(eq=False)
class RewardPriceChanged(RedemptionError):
    """The reward costs something else than the client showed. Both are in the unit's smallest part."""

    expected: int
    actual: int
