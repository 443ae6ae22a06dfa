"""What the ledger refuses."""

from dataclasses import dataclass

from services.platform.errors import DomainError


class LedgerError(DomainError):
    """A refusal of the ledger."""


@dataclass(eq=False)
class InsufficientPoints(LedgerError):
    """More points were asked for than the holder can spend now. Both numbers are in the unit's smallest part."""

    needed: int
    available: int


@dataclass(eq=False)
class NothingToGiveBack(LedgerError):
    """More points would come back than had been drawn and not yet given back."""

    asked: int
    drawn: int


@dataclass(eq=False)
class BalanceTooLarge(LedgerError):
    """The holder would have more points of a unit than an account can hold. ``maximum`` is that most."""

    maximum: int
