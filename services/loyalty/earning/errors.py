"""What earning and refunding refuse."""

from dataclasses import dataclass
from decimal import Decimal

from services.platform.errors import DomainError


class EarningError(DomainError):
    """A refusal of earning."""


@dataclass(eq=False)
class CurrencyNotAccepted(EarningError):
    """The program's policy refuses purchases in another currency than its own."""

    accepted: str
    given: str


@dataclass(eq=False)
class AccrualTooLarge(EarningError):
    """The purchase would earn more points than an account can hold. ``maximum`` is that most."""

    maximum: int


@dataclass(eq=False)
class DiscountExceedsOrder(EarningError):
    """An order's discount is above what its lines can bear, in minor units."""

    available_minor: int
    requested_minor: int


@dataclass(eq=False)
class RefundExceedsPurchase(EarningError):
    """More money would be refunded than is left of what was paid, in minor units."""

    refundable_minor: int
    requested_minor: int


@dataclass(eq=False)
class RefundBelowZero(EarningError):
    """The lines to return are worth less than nothing by themselves (a discount without its goods), in minor units."""

    refunded_minor: int


@dataclass(eq=False)
class RefundQuantityExceedsLine(EarningError):
    """More of a line would be returned than is left of it."""

    position: int
    returnable: Decimal
    requested: Decimal


@dataclass(eq=False)
class RefundLineUnknown(EarningError):
    """The purchase has no line at this position."""

    position: int


@dataclass(eq=False)
class NothingLeftToRefund(EarningError):
    """Every line of the purchase has been returned already."""
