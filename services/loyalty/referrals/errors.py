"""What referrals refuse."""

from dataclasses import dataclass

from services.platform.errors import DomainError


class ReferralError(DomainError):
    """A refusal concerning referrals."""


@dataclass(eq=False)
class ReferralCodeUnknown(ReferralError):
    """No member has this code. It is not repeated: the asker knows it."""
