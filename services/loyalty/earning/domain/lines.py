"""Lines of a purchase as earning sees them, and the spreading of an order's discount over them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from services.loyalty.earning.errors import DiscountExceedsOrder
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX, allocate

LINES_MAX = 1_000
QUANTITY_MAX = Decimal(1_000_000_000)
QUANTITY_DIGITS = 4


@dataclass(frozen=True, slots=True)
class PurchaseLine:
    """One line: ``net_minor`` is what was paid for it after all discounts, in minor units; it may be negative.

    ``category`` is the product's category path from the root, empty when unknown. ``amount_minor`` is the price before
    all discounts, ``base_minor`` what of the line earns by the program's base policy (`base.based`); None: the same as
    ``net_minor``. ``is_returned`` tells of a line that all has come back of.
    """

    position: int
    sku: str
    category: tuple[str, ...]
    quantity: Decimal
    net_minor: int
    amount_minor: int | None = None
    base_minor: int | None = None
    product: str | None = None
    is_returned: bool = field(default=False, compare=False)

    @property
    def earning_minor(self) -> int:
        """What of it earns."""
        return self.net_minor if self.base_minor is None else self.base_minor


def check_lines(lines: Sequence[PurchaseLine]) -> None:
    """Refuse lines that no purchase can have.

    Raises:
        InvalidInput: no line or more than ``LINES_MAX``, a position twice, a quantity that is not a number, is beyond
            ``QUANTITY_MAX`` or has more than ``QUANTITY_DIGITS`` decimals, or amounts beyond ``AMOUNT_MAX``.
    """
    if not 0 < len(lines) <= LINES_MAX:
        raise InvalidInput(field="lines", reason="COUNT_OUT_OF_RANGE", limit=str(LINES_MAX))
    if len({line.position for line in lines}) != len(lines):
        raise InvalidInput(field="lines", reason="DUPLICATE_POSITION")
    for index, line in enumerate(lines):
        check_quantity(line.quantity, field=f"lines.{index}.quantity")
    if sum(abs(line.net_minor) for line in lines) > AMOUNT_MAX:
        raise InvalidInput(field="lines", reason="AMOUNT_TOO_LARGE", limit=str(AMOUNT_MAX))


def check_quantity(quantity: Decimal, *, field: str) -> None:
    """Refuse a quantity outside of what ``check_lines`` allows.

    Raises:
        InvalidInput: see ``check_lines``.
    """
    if not quantity.is_finite() or abs(quantity) > QUANTITY_MAX:
        raise InvalidInput(field=field, reason="QUANTITY_TOO_LARGE", limit=str(QUANTITY_MAX))
    if quantity != round(quantity, QUANTITY_DIGITS):
        raise InvalidInput(field=field, reason="TOO_MANY_DECIMALS", limit=str(QUANTITY_DIGITS))


def spread_discount(nets_minor: Sequence[int], *, discount_minor: int) -> tuple[int, ...]:
    """The part of an order's discount that falls on each line, all in minor units; the parts sum to the discount.

    Lines with a positive net share it in proportion by largest remainder, ties to the earlier line; negative lines
    are never discounted, and neither a line nor the order falls below zero.

    Raises:
        InvalidInput: the discount is negative.
        DiscountExceedsOrder: it is above the order's total.
    """
    if discount_minor < 0:
        raise InvalidInput(field="discount", reason="NEGATIVE")
    available = max(0, sum(nets_minor))
    if discount_minor > available:
        raise DiscountExceedsOrder(available_minor=available, requested_minor=discount_minor)
    if discount_minor == 0:
        return tuple(0 for _ in nets_minor)
    return allocate(discount_minor, [max(0, net) for net in nets_minor])
