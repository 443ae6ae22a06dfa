"""What tiers refuse."""

from dataclasses import dataclass

from services.platform.errors import DomainError


class TierError(DomainError):
    """A refusal of tiers."""


@dataclass(eq=False)
class QualifyingSumTooLarge(TierError):
    """More would count towards the member's tier than can be counted."""
