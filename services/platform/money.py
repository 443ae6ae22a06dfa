"""Money: whole minor units of an ISO 4217 currency, and the splitting of whole numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from babel.numbers import get_currency_precision, list_currencies

from services.platform.errors import DomainError, InvalidInput

AMOUNT_MAX = 2**53 - 1
"""The largest number of points or minor units anywhere: JSON readers lose integers beyond it."""

_CURRENCIES = frozenset(list_currencies())


@dataclass(eq=False)
class CurrencyMismatch(DomainError):
    """Two amounts of different currencies met."""

    expected: str
    given: str


def exponent(currency: str) -> int:
    """Digits after the point of the currency's major unit (CNY 2, JPY 0, KWD 3).

    Raises:
        InvalidInput: the code is not in ISO 4217.
    """
    if currency not in _CURRENCIES:
        raise InvalidInput(field="currency", reason="UNKNOWN_CURRENCY", limit=currency[:3])
    return get_currency_precision(currency)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """``minor`` whole minor units (cents, fen) of ``currency``."""

    minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def major(self) -> Decimal:
        """The amount in major units, exact, with the currency's number of digits."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(expected=self.currency, given=other.currency)
        return other.minor


def parse_money(major: Decimal | str, currency: str, *, field: str = "amount") -> Money:
    """Money from an amount in major units.

    Raises:
        InvalidInput: not a number, more digits than the currency has, or beyond ``AMOUNT_MAX``.
    """
    digits = exponent(currency)
    try:
        minor = Decimal(major).scaleb(digits)
    except InvalidOperation as error:
        raise InvalidInput(field=field, reason="NOT_A_DECIMAL") from error
    if not minor.is_finite() or abs(minor) > AMOUNT_MAX:
        raise InvalidInput(field=field, reason="AMOUNT_TOO_LARGE", limit=str(AMOUNT_MAX))
    if minor != minor.to_integral_value():
        raise InvalidInput(field=field, reason="TOO_MANY_DECIMALS", limit=str(digits))
    return Money(int(minor), currency)


def divide_half_up(numerator: int, denominator: int) -> int:
    """``numerator / denominator`` to the nearest whole number, halves away from zero, exact at any size."""
    if denominator <= 0:
        message = "the denominator must be positive"
        raise ValueError(message)
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def allocate(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split ``total`` in proportion to non-negative ``weights`` by largest remainder; the parts sum to ``total``.

    Ties go to the earlier part. With all weights zero everything goes to the first part.
    Source: Hamilton's method (largest remainder).
    """
    if not weights or any(weight < 0 for weight in weights):
        message = "weights must be given and not negative"
        raise ValueError(message)
    whole = sum(weights)
    if whole == 0:
        return (total, *(0 for _ in weights[1:]))
    sign = 1 if total >= 0 else -1
    shares = [divmod(abs(total) * weight, whole) for weight in weights]
    left = abs(total) - sum(quotient for quotient, _ in shares)
    by_remainder = sorted(range(len(shares)), key=lambda index: (-shares[index][1], index))
    extra = set(by_remainder[:left])
    return tuple(sign * (quotient + (index in extra)) for index, (quotient, _) in enumerate(shares))
