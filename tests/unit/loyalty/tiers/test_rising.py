"""A line below zero comes back and a purchase is worth more again: what waits goes on waiting."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.programs.domain import LocalizedText
from services.loyalty.programs.domain.ladder import TierLevel, TierMetric, TierSet
from services.loyalty.tiers.domain import (
    Contribution,
    CountedPoints,
    Ladder,
    Standing,
    TierRecord,
    count,
    level_at,
    settle,
    uncount,
)

NAME = LocalizedText("Level", "等级")
LEVELS = (TierLevel("base", NAME, 0, Decimal(1)), TierLevel("gold", NAME, 25, Decimal(2)))
LADDER = Ladder(TierSet(TierMetric.POINTS_EARNED, LEVELS, counts_pending=False), ZoneInfo("UTC"), "points", "points")
EVENT = UUID(int=1)
NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)


def bought(*points: CountedPoints) -> TierRecord:
    # The money counts at once, whenever the points do.
    return count(LADDER, TierRecord(), Contribution(EVENT, NOW, spend_minor=260, points=points), now=NOW).record


def standing(record: TierRecord, points: int) -> TierRecord:
    left = Standing({"points": points}, 200, is_visit=True)
    return uncount(LADDER, record, event_id=EVENT, standing=left, now=NOW).record


def tier(record: TierRecord, at: datetime) -> str:
    return level_at(LADDER.tiers, settle(LADDER, record, now=at).record, at=at).code


def test_what_comes_back_to_points_that_wait_waits_with_them() -> None:
    record = standing(standing(bought(CountedPoints("points", 260, TOMORROW)), 185), 225)

    assert (tier(record, NOW), tier(record, TOMORROW), record.points_earned) == ("base", "gold", 225)


def test_what_comes_back_to_points_that_count_counts() -> None:
    at_once, later = CountedPoints("points", 30, None), CountedPoints("points", 10, TOMORROW)
    record = standing(bought(at_once, later), 20)
    assert tier(record, NOW) == "base"

    assert tier(standing(record, 28), NOW) == "gold"
