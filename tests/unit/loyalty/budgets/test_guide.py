"""The worked examples of docs/guides/budgets.md."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.loyalty.budgets.domain import Amount, Budget, BudgetContent, Forecast, Measure, forecast
from services.platform.ids import new_id

GUIDE = Path(__file__).parents[4] / "docs/guides/budgets.md"
NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    section = GUIDE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def amount(words: str) -> Amount:
    return Amount(*(int(part) for part in words.split(", "))) if words else Amount()


@pytest.mark.parametrize(
    ("points", "units", "spent", "ends", "measure", "hour"),
    table("When will it be gone?"),
    ids=lambda cell: cell or "-",
)
def test_the_forecasts_are_true(points: str, units: str, spent: str, ends: str, measure: str, hour: str) -> None:
    ends_at = NOW + timedelta(hours=int(ends)) if ends else None
    content = BudgetContent("Spring", "春天", ends_at=ends_at)
    budget = Budget(new_id(), "spring", 1, content, amount(points), amount(units), Amount(), NOW - timedelta(days=9))
    since = NOW - timedelta(hours=int(spent.split(":", maxsplit=1)[0]))
    amounts = {Measure(name): int(number) for number, name in re.findall(r"(\d+) (points|units)", spent)}

    told = forecast(budget, spent=amounts, since=since, now=NOW)

    if not measure:
        assert told is None
    else:
        hours = 0 if hour == "now" else int(hour.split()[1])
        at = (NOW + timedelta(hours=hours)).replace(minute=0)
        assert told == Forecast(Measure(measure), at)


def test_the_examples_are_there() -> None:
    assert len(table("When will it be gone?")) == 9
