"""What is expected of points: worked examples of the estimate, and what money it comes to."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from services.loyalty.ledger.domain.flows import CohortMonth, Flows
from services.loyalty.reports.domain import (
    Development,
    Estimate,
    ReportWish,
    check_wish,
    development_of,
    estimate,
    liability_minor,
    window_start,
)
from services.platform.errors import InvalidInput

JANUARY, FEBRUARY, MARCH = date(2027, 1, 1), date(2027, 2, 1), date(2027, 3, 1)
LAST = date(2027, 3, 31)


def _month(cohort: date, month: date, *, gained: int = 0, redeemed: int = 0, expired: int = 0) -> CohortMonth:
    return CohortMonth("points", cohort, month, gained, redeemed, expired)


# Redeemed by age 0, 1, 2:   January 100, 200, 250;   February 50, 150;   March 80. Each cohort earned 1000.
TRIANGLE = (
    _month(JANUARY, JANUARY, gained=1000, redeemed=100),
    _month(JANUARY, FEBRUARY, redeemed=100),
    _month(JANUARY, MARCH, redeemed=50),
    _month(FEBRUARY, FEBRUARY, gained=1000, redeemed=50),
    _month(FEBRUARY, MARCH, redeemed=100),
    _month(MARCH, MARCH, gained=1000, redeemed=80),
)


def test_the_development_is_that_of_the_chain_ladder() -> None:
    found = development_of(TRIANGLE, until=LAST)

    # Factors 350/150 from age 0 to 1 (January and February) and 250/200 from 1 to 2 (January).
    assert found.shares == (Fraction(150, 350) * Fraction(4, 5), Fraction(4, 5), Fraction(1))
    # Redeemed 250 + 150 + 80, of 1000 x (1 + 4/5 + 12/35) that would be if all were.
    assert found.rate == Fraction(480) / (1000 * (1 + Fraction(4, 5) + Fraction(12, 35)))
    assert (found.share_at(2), found.share_at(7)) == (Fraction(1), Fraction(1))


def test_young_cohorts_are_expected_to_redeem_what_their_age_leaves_to_come() -> None:
    found = development_of(TRIANGLE, until=LAST)

    march = estimate(Flows(issued=1000, redeemed=80, closing=920), TRIANGLE[5:], age=0, development=found, rate=None)
    january = estimate(Flows(closing=750), TRIANGLE[:3], age=2, development=found, rate=None)

    # 1000 x 0.2240 x (1 - 12/35) = 147.2, and what is not whole is expected to be redeemed.
    assert march == Estimate(to_redeem=148, to_break=772, recognized=772 * 80 // 228)
    assert january == Estimate(to_redeem=0, to_break=750, recognized=750)


def test_a_stated_rate_takes_the_place_of_the_past() -> None:
    found = development_of(TRIANGLE, until=LAST)

    march = estimate(Flows(closing=920), TRIANGLE[5:], age=0, development=found, rate=Fraction(9, 10))

    assert march == Estimate(to_redeem=820, to_break=100, recognized=100 * 80 // 900)


@pytest.mark.parametrize(
    ("lived", "development"),
    [
        ((), Development((Fraction(1),), Fraction(1, 2))),
        ((_month(MARCH, MARCH, gained=1000),), Development((Fraction(1),), None)),
    ],
)
def test_without_evidence_everything_is_expected_to_be_redeemed(
    lived: tuple[CohortMonth, ...], development: Development
) -> None:
    assert estimate(Flows(closing=1000), lived, age=0, development=development, rate=None) == Estimate(1000, 0, 0)


def test_nothing_outstanding_is_nothing_expected() -> None:
    found = development_of(TRIANGLE, until=LAST)

    assert estimate(Flows(closing=0), TRIANGLE[:3], age=2, development=found, rate=None) == Estimate(0, 0, 0)


def test_expired_points_are_breakage_that_counts_in_proportion_to_redemption() -> None:
    lived = (_month(MARCH, MARCH, gained=1000, redeemed=200, expired=300),)

    found = estimate(
        Flows(closing=500), lived, age=0, development=Development((Fraction(1),), None), rate=Fraction(2, 5)
    )

    # 400 will be redeemed, so 600 break, of which half counts now that half is redeemed.
    assert found == Estimate(to_redeem=200, to_break=300, recognized=300)


@pytest.mark.parametrize(
    ("points", "scale", "value", "exponent", "minor"),
    [
        (148, 0, Decimal("0.05"), 2, 740),
        (1, 0, Decimal("0.005"), 2, 1),
        (1, 0, Decimal("0.004"), 2, 0),
        (12_345, 2, Decimal("0.1"), 2, 1235),
        (3, 0, Decimal("0.5"), 0, 2),
        (1, 0, Decimal("0.0125"), 3, 13),
        (7, 0, None, 2, None),
    ],
)
def test_liability_is_rounded_half_up_once(
    points: int, scale: int, value: Decimal | None, exponent: int, minor: int | None
) -> None:
    assert liability_minor(points, scale=scale, value=value, exponent=exponent) == minor


def test_the_window_is_sixty_months() -> None:
    assert window_start(date(2027, 3, 31)) == date(2022, 4, 1)
    assert window_start(date(2027, 12, 1)) == date(2023, 1, 1)
    # Before the calendar there is no month.
    assert window_start(date(5, 12, 31)) == date(1, 1, 1)
    assert window_start(date(1, 1, 1)) == date(1, 1, 1)


@pytest.mark.parametrize(
    ("wish", "field", "reason"),
    [
        (ReportWish(MARCH, FEBRUARY), "to", "BEFORE_FROM"),
        (ReportWish(date(2027, 4, 1), date(2027, 4, 2)), "from", "IN_THE_FUTURE"),
        (ReportWish(date(2010, 1, 1), MARCH), "to", "OUT_OF_RANGE"),
        (ReportWish(MARCH, MARCH, redemption_rate=Decimal("1.01")), "redemptionRate", "OUT_OF_RANGE"),
        (ReportWish(MARCH, MARCH, value=Decimal("-0.01")), "valuePerPoint", "OUT_OF_RANGE"),
        (ReportWish(MARCH, MARCH, value=Decimal("1e12")), "valuePerPoint", "OUT_OF_RANGE"),
    ],
)
def test_what_cannot_be_reported_is_refused(wish: ReportWish, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_wish(wish, today=LAST)

    assert (refused.value.field, refused.value.reason) == (field, reason)
