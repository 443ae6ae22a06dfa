"""The tables of the guide are what the code says."""

import itertools
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

from services.loyalty.ledger.domain.flows import CohortMonth, Flows
from services.loyalty.reports.domain import development_of, estimate, liability_minor, month_of

GUIDE = Path(__file__).parents[4] / "docs" / "guides" / "reports.md"
LAST = date(2027, 3, 31)
POINTS = 1_000


def _tables() -> list[list[list[str]]]:
    blocks = re.findall(r"((?:^\|.*\n)+)", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    return [
        [[cell.strip() for cell in row.strip("|\n").split("|")] for row in block.splitlines()[2:]] for block in blocks
    ]


def _months(row: list[str]) -> list[CohortMonth]:
    """What a cohort of the first table gained and redeemed, month by month."""
    cohort = date.fromisoformat(f"{row[0]}-01")
    cumulated = [0, *(int(cell) for cell in row[1:] if cell)]
    return [
        CohortMonth("points", cohort, date(2027, cohort.month + age, 1), POINTS if age == 0 else 0, after - before, 0)
        for age, (before, after) in enumerate(itertools.pairwise(cumulated))
    ]


def test_the_worked_example_is_worked() -> None:
    triangle, expected = _tables()
    cohorts = {row[0]: _months(row) for row in triangle}
    development = development_of([month for months in cohorts.values() for month in months], until=LAST)

    found = []
    for name, months in cohorts.items():
        outstanding = POINTS - sum(month.redeemed for month in months)
        age = month_of(LAST) - month_of(months[0].cohort)
        each = estimate(Flows(closing=outstanding), months, age=age, development=development, rate=None)
        minor = liability_minor(each.to_redeem, scale=0, value=Decimal("0.05"), exponent=2)
        assert minor is not None
        share = str(development.share_at(age))
        numbers = [str(number) for number in (each.to_redeem, each.to_break, each.recognized)]
        found.append([name, str(outstanding), share, *numbers, f"{Decimal(minor).scaleb(-2):f}"])

    assert found == expected
    assert development.rate is not None
    assert round(development.rate * 1000) == 224
    # A purchase of 100.00 and 4.00 worth of points: what the points take of the price, and each that is redeemed.
    taken = Decimal(100) * 4 / 104
    assert (round(taken, 2), round(taken / 80, 3)) == (Decimal("3.85"), Decimal("0.048"))
