"""What tiers refuse."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.errors import DomainError


class TierError(DomainError):
    """A refusal of tiers."""


@dataclass(eq=False)
class QualifyingSumTooLarge(TierError):
    """More would count towards the member's tier than can be counted."""


@dataclass(eq=False)
class TierNotGiven(TierError):
    """No tier was given to the member by hand, so that there is none to release."""

    member_id: UUID
