"""Tiers by what can be spent: what a refund and an amendment make of them once points were spent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.loyalty.programs.domain.ladder import TierMetric
from services.loyalty.tiers.domain import (
    ChangeKind,
    Contribution,
    CountedPoints,
    Ladder,
    Requalification,
    Standing,
    TierRecord,
    count,
    recount,
    uncount,
)
from tests.unit.loyalty.tiers.test_guide import ladder

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
SILVER, GOLD = 500, 1000


def by_balance() -> Ladder:
    steps = ladder("lifetime")
    return replace(steps, tiers=replace(steps.tiers, metric=TierMetric.BALANCE))


class Purse:
    """A member who earns by numbered purchases and spends; a day passes with each."""

    def __init__(self) -> None:
        self.ladder, self.now = by_balance(), NOW
        self.record = TierRecord()
        self.balance = 0
        self.earned: dict[int, int] = {}

    def earn(self, points: int) -> None:
        number = len(self.earned) + 1
        self._moved(number, points)
        self.record = count(self.ladder, self.record, self._contribution(number), now=self.now).record

    def spend(self, points: int) -> None:
        self.balance -= points
        self.record = replace(self.record, balance=self.balance)

    def give_back(self, number: int, points: int) -> Requalification:
        """Points of a purchase are taken back, as far as they are there."""
        self._moved(number, self.earned[number] - points)
        standing = Standing({"points": self.earned[number]}, 0, is_visit=self.earned[number] > 0)
        event_id = UUID(int=number)
        return self._became(
            uncount(self.ladder, self.record, event_id=event_id, standing=standing, balance=self.balance, now=self.now)
        )

    def amend(self, number: int, points: int) -> Requalification:
        """A purchase is rung up anew."""
        self._moved(number, points)
        return self._became(recount(self.ladder, self.record, self._contribution(number), now=self.now))

    def _moved(self, number: int, points: int) -> None:
        self.now += timedelta(days=1)
        self.balance = max(0, self.balance + points - self.earned.get(number, 0))
        self.earned[number] = points

    def _contribution(self, number: int) -> Contribution:
        points = (CountedPoints("points", self.earned[number]),)
        return Contribution(UUID(int=number), self.now, points=points, balance=self.balance)

    def _became(self, result: Requalification) -> Requalification:
        self.record = result.record
        return result


def purse(*happened: int) -> Purse:
    """Points that are earned by purchases 1, 2, …, and, below zero, spent."""
    found = Purse()
    for points in happened:
        if points > 0:
            found.earn(points)
        else:
            found.spend(-points)
    return found


@pytest.mark.parametrize(
    ("happened", "number", "back", "tier"),
    [
        # Nothing was spent: what is left is what was reached with.
        ((1000,), 1, 1, "silver"),
        ((1000,), 1, 501, "base"),
        ((1000,), 1, 1000, "base"),
        ((600, 400), 2, 400, "silver"),
        ((600, 400), 1, 600, "base"),
        # What is left reached it too, though most of it is spent by now.
        ((1100, -1000), 1, 100, "gold"),
        ((1100, -1000), 1, 101, "silver"),
        ((1000, -900), 1, 10, "silver"),
        ((600, 10, 400, -700), 2, 10, "gold"),
        ((600, 20, 390, -700), 2, 11, "silver"),
        ((1000, -1000), 1, 1000, "base"),
        # The tier was reached before the purchase.
        ((1000, 50, -900), 2, 50, "gold"),
        # There is enough now, whatever was there then.
        ((600, 400, 700), 1, 600, "gold"),
        # A tier that was reached by spending nothing is not lost by spending.
        ((500, -500, 100), 2, 100, "silver"),
    ],
)
def test_a_refund_takes_the_tier_that_would_not_have_been_reached(
    happened: tuple[int, ...], number: int, back: int, tier: str
) -> None:
    found = purse(*happened)

    result = found.give_back(number, back)

    assert result.record.tier_code == tier
    assert [change.kind for change in result.changes] == ([ChangeKind.REFUND] if result.change else [])


def test_refunds_one_by_one_end_as_one() -> None:
    split, whole = purse(600, 10, 400, -700), purse(600, 10, 400, -700)

    for points in (4, 6):
        split.give_back(2, points)
    split.give_back(3, 400)
    whole.give_back(2, 10)
    whole.give_back(3, 400)

    assert split.record.tier_code == whole.record.tier_code == "silver"


@pytest.mark.parametrize(
    ("happened", "anew", "tier", "kind"),
    [
        ((500,), 1000, "gold", ChangeKind.REACHED),
        ((500, -500), 1000, "gold", ChangeKind.REACHED),
        ((400, -400), 500, "silver", ChangeKind.REACHED),
        ((400, -400), 499, "base", None),
        ((1000, -900), 999, "silver", ChangeKind.REFUND),
        ((1000, -900), 1000, "gold", None),
    ],
)
def test_an_amended_purchase_ends_as_if_rung_up_right_at_first(
    happened: tuple[int, ...], anew: int, tier: str, kind: ChangeKind | None
) -> None:
    found = purse(*happened)

    result = found.amend(1, anew)

    assert result.record.tier_code == tier
    assert result.change is None if kind is None else result.change is not None and result.change.kind is kind


def test_points_that_come_back_lift_a_member() -> None:
    found = purse(600, -300, 100)
    assert found.record.tier_code == "silver"

    # The second purchase was paid with 900 points that are there again.
    found.balance = 1300
    result = found.give_back(2, 100)

    assert (result.record.tier_code, result.change.kind if result.change else None) == ("gold", ChangeKind.REACHED)


def test_a_tier_from_before_this_was_noted_goes_by_what_is_there() -> None:
    found = purse(600, 400, -700)
    found.record = replace(found.record, reached_with=None)

    assert found.give_back(2, 10).record.tier_code == "base"
