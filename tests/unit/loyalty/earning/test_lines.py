from decimal import Decimal

import pytest

from services.loyalty.earning.domain import PurchaseLine, check_lines, spread_discount
from services.loyalty.earning.errors import DiscountExceedsOrder
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX


def line(position: int, quantity: str, net_minor: int) -> PurchaseLine:
    return PurchaseLine(position, "sku", (), Decimal(quantity), net_minor)


@pytest.mark.parametrize(
    ("nets", "discount", "parts"),
    [
        ([1000], 300, (300,)),
        ([100, 100, 100], 100, (34, 33, 33)),
        ([500, 300, 200], 99, (49, 30, 20)),
        ([500, -100, 300], 80, (50, 0, 30)),
        ([500, 0], 500, (500, 0)),
        ([100, -100], 0, (0, 0)),
        ([], 0, ()),
        ([-5], 0, (0,)),
    ],
)
def test_a_discount_is_spread_over_positive_lines(nets: list[int], discount: int, parts: tuple[int, ...]) -> None:
    assert spread_discount(nets, discount_minor=discount) == parts


@pytest.mark.parametrize(
    ("nets", "discount", "available"), [([100], 101, 100), ([500, -450], 51, 50), ([-5], 1, 0), ([100, -100], 1, 0)]
)
def test_an_order_never_falls_below_zero(nets: list[int], discount: int, available: int) -> None:
    with pytest.raises(DiscountExceedsOrder) as refusal:
        spread_discount(nets, discount_minor=discount)

    assert (refusal.value.available_minor, refusal.value.requested_minor) == (available, discount)


def test_a_negative_discount_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        spread_discount([100], discount_minor=-1)

    assert refusal.value.reason == "NEGATIVE"


@pytest.mark.parametrize(
    ("lines", "field", "reason"),
    [
        ([], "lines", "COUNT_OUT_OF_RANGE"),
        ([line(n, "1", 1) for n in range(1001)], "lines", "COUNT_OUT_OF_RANGE"),
        ([line(1, "1", 1), line(1, "1", 1)], "lines", "DUPLICATE_POSITION"),
        ([line(1, "NaN", 1)], "lines.0.quantity", "QUANTITY_TOO_LARGE"),
        ([line(1, "Infinity", 1)], "lines.0.quantity", "QUANTITY_TOO_LARGE"),
        ([line(1, "1", 1), line(2, "-1000000001", 1)], "lines.1.quantity", "QUANTITY_TOO_LARGE"),
        ([line(1, "0.00001", 1)], "lines.0.quantity", "TOO_MANY_DECIMALS"),
        ([line(1, "1.0000000000000000000000000000000000001", 1)], "lines.0.quantity", "TOO_MANY_DECIMALS"),
        ([line(1, "1", AMOUNT_MAX + 1)], "lines", "AMOUNT_TOO_LARGE"),
        ([line(1, "1", AMOUNT_MAX), line(2, "1", -1)], "lines", "AMOUNT_TOO_LARGE"),
    ],
)
def test_lines_that_no_purchase_has_are_refused(lines: list[PurchaseLine], field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_lines(lines)

    assert (refusal.value.field, refusal.value.reason) == (field, reason)


def test_fuel_by_the_thousand_and_odd_lines_are_accepted() -> None:
    check_lines([line(1, "14823.5000", 4711), line(2, "0", 0), line(3, "-2", -500), line(4, "0", 130)])
