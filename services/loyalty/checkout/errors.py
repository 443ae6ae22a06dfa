"""What the checkout refuses. Purchases, coupons, budgets and the ledger refuse by their own errors."""

from dataclasses import dataclass
from datetime import datetime

from services.platform.errors import DomainError
from services.platform.money import Money


class CheckoutError(DomainError):
    """A refusal concerning carts and their quotes."""


@dataclass(eq=False)
class QuoteInvalid(CheckoutError):
    """The token is not one of this tenant's quotes, or was altered."""


@dataclass(eq=False)
class QuoteExpired(CheckoutError):
    """The quote kept its promise until ``expired_at``: ask for another one."""

    expired_at: datetime


@dataclass(eq=False)
class QuoteChanged(CheckoutError):
    """Something that the quote counted on was used by somebody else meanwhile, and nothing has happened.

    ``changed`` are the parts that come out different; ``token`` is that of a new quote of the same cart, which ends
    when the first one would have; the others are its sums.
    """

    changed: tuple[str, ...]
    token: str
    new_total: Money
    new_due: Money
    new_points: int
    new_points_paid: int


@dataclass(eq=False)
class CartEnded(CheckoutError):
    """The cart was committed or canceled already; ``status`` says which."""

    status: str


@dataclass(eq=False)
class CartConflict(CheckoutError):
    """The cart's id is reserved by another member or at another store, or was at the same moment."""


@dataclass(eq=False)
class PointsPaymentTooLarge(CheckoutError):
    """More points were to be paid than ``points_max``. ``bound`` says what bounds them (`PointsLimit`)."""

    points_max: int
    bound: str
