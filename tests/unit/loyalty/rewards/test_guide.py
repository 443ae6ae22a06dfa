"""The worked examples of docs/guides/rewards.md, and what terms and files of codes refuse."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.rewards.domain import (
    LimitPeriod,
    Price,
    RewardLimit,
    RewardTerms,
    TierPrice,
    price_of,
    read_codes,
)
from services.loyalty.rewards.domain.terms import check_terms, period_start, terms_json, terms_of
from services.platform.errors import InvalidInput

GUIDE = Path(__file__).parents[4] / "docs/guides/rewards.md"
FULL = RewardTerms(
    money_minor=199,
    currency="CNY",
    tier_prices=(TierPrice("gold", Price(7, 50)), TierPrice("silver", Price(9))),
    pack_size=3,
    limits=(RewardLimit(LimitPeriod.DAY, 1), RewardLimit(LimitPeriod.LIFETIME, 5)),
    available_from=datetime(2026, 3, 1, tzinfo=UTC),
    available_until=datetime(2026, 4, 1, tzinfo=UTC),
    tiers=("gold",),
    tags=("vip",),
    stores=("main", "other"),
    is_member_only=True,
    images=("https://images.test/1.png", "/w/pictures/mug.svg"),
    category=("Home", "Tea"),
    position=-3,
    budget_id=UUID(int=1),
    unit_cost_minor=0,
    coupon_definition_id=UUID(int=2),
)


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    section = GUIDE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def price(words: str) -> Price:
    points, _, money = words.partition(" + ")
    return Price(int(points), int(Decimal(money or 0) * 100))


@pytest.mark.parametrize(("base", "tiers", "pack", "member", "pieces", "points", "money"), table("Terms"))
def test_the_prices_are_true(
    base: str, tiers: str, pack: str, member: str, pieces: str, points: str, money: str
) -> None:
    tier, _, special = tiers.partition(" ")
    terms = RewardTerms(
        money_minor=price(base).money_minor,
        currency="CNY",
        tier_prices=(TierPrice(tier, price(special)),) if tier else (),
        pack_size=int(pack),
    )

    told = price_of(price(base).points, terms, tier=member, quantity=int(pieces))

    assert told == Price(int(points), int(Decimal(money) * 100))


def test_the_examples_are_there() -> None:
    assert len(table("Terms")) == 7


@pytest.mark.parametrize("terms", [FULL, RewardTerms(), RewardTerms(unit_cost_minor=5, currency="JPY")])
def test_terms_are_stored_and_found_again(terms: RewardTerms) -> None:
    assert check_terms(terms) == terms
    assert terms_of(terms_json(terms), category=terms.category, position=terms.position) == terms


def test_a_reward_that_is_older_than_terms_has_none() -> None:
    assert terms_of(None, category=(), position=0) == RewardTerms()
    assert terms_json(RewardTerms()) == {}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"currency": None}, "currency"),
        ({"money_minor": -1}, "moneyCost"),
        ({"unit_cost_minor": -1}, "unitCost"),
        ({"tier_prices": (TierPrice("gold", Price(0)),)}, "tierPrices"),
        ({"tier_prices": (TierPrice("gold", Price(1)),) * 2}, "tierPrices"),
        ({"pack_size": 0}, "packSize"),
        ({"limits": (RewardLimit(LimitPeriod.DAY, 1),) * 2}, "limits"),
        ({"limits": (RewardLimit(LimitPeriod.DAY, 1_001),)}, "limits"),
        ({"available_until": datetime(2026, 3, 1, tzinfo=UTC)}, "availableUntil"),
        ({"tags": (" ",)}, "tags"),
        ({"images": ("http://images.test/1.png",)}, "images"),
        ({"images": ("https://images.test/a b",)}, "images"),
        ({"images": ("/w/pictures/../mug.svg",)}, "images"),
        ({"images": ("//images.test/1.png",)}, "images"),
        ({"category": ("a",) * 6}, "category"),
        ({"position": 1_000_001}, "position"),
    ],
)
def test_terms_that_are_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_terms(replace(FULL, **changes))

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("period", "start"),
    [
        (LimitPeriod.DAY, date(2026, 3, 4)),
        (LimitPeriod.WEEK, date(2026, 3, 2)),
        (LimitPeriod.MONTH, date(2026, 3, 1)),
        (LimitPeriod.YEAR, date(2026, 1, 1)),
        (LimitPeriod.LIFETIME, date.min),
    ],
)
def test_periods_are_those_of_the_calendar(period: LimitPeriod, start: date) -> None:
    assert period_start(period, date(2026, 3, 4)) == start


@pytest.mark.parametrize(
    ("text", "codes", "repeated"),
    [
        ("A", ("A",), 0),
        ("\ufeffCODE\r\n A \r\nB\r\n", ("A", "B"), 0),
        ('"A,1",x\nA\n\nA\n', ("A,1", "A"), 1),
        ("a\nA\n", ("a", "A"), 0),
    ],
)
def test_codes_are_read_from_a_file(text: str, codes: tuple[str, ...], repeated: int) -> None:
    assert read_codes(text) == (codes, repeated)


@pytest.mark.parametrize("text", ["", "code\n", "\n\n", "A\x07", "x" * 201, '"A', "A\n" * 20_001])
def test_files_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_codes(text)

    assert caught.value.field == "csv"
