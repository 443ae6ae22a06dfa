"""Money, rounding and splitting."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX, CurrencyMismatch, Money, allocate, divide_half_up, parse_money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("1.23", "CNY", 123), ("-0.01", "USD", -1), ("5", "JPY", 5), ("1.234", "KWD", 1234), ("1.230", "CNY", 123)],
)
def test_major_units_become_whole_minor_units(text: str, currency: str, minor: int) -> None:
    money = parse_money(text, currency)

    assert money == Money(minor, currency)
    assert money.major() == Decimal(text)


@pytest.mark.parametrize(
    ("text", "currency", "reason"),
    [
        ("1.234", "CNY", "TOO_MANY_DECIMALS"),
        ("0.5", "JPY", "TOO_MANY_DECIMALS"),
        ("12 dollars", "USD", "NOT_A_DECIMAL"),
        ("NaN", "USD", "AMOUNT_TOO_LARGE"),
        ("Infinity", "USD", "AMOUNT_TOO_LARGE"),
        (str(AMOUNT_MAX + 1), "JPY", "AMOUNT_TOO_LARGE"),
        ("1", "XXQ", "UNKNOWN_CURRENCY"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, currency: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_money(text, currency)

    assert refusal.value.reason == reason


def test_two_currencies_never_meet() -> None:
    with pytest.raises(CurrencyMismatch) as refusal:
        _ = Money(1, "CNY") + Money(1, "USD")

    assert refusal.value.facts() == {"expected": "CNY", "given": "USD"}


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_parts_sum_to_the_whole_and_stay_within_one_of_their_share(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)

    assert sum(parts) == total
    whole = sum(weights)
    if whole:
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part * whole - total * weight) < whole


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"), [(1, 2, 1), (-1, 2, -1), (1, 3, 0), (2, 3, 1), (-5, 10, -1), (0, 7, 0)]
)
def test_halves_go_away_from_zero(numerator: int, denominator: int, expected: int) -> None:
    assert divide_half_up(numerator, denominator) == expected
