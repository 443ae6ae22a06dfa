"""A member's course through random ladders, purchases, refunds and time is that of a naive model."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.programs.domain import LocalizedText
from services.loyalty.programs.domain.ladder import (
    Downgrade,
    QualificationPeriod,
    TierLevel,
    TierMetric,
    TierSet,
    Upgrade,
)
from services.loyalty.programs.domain.validity import Span, TimeUnit
from services.loyalty.tiers.domain import (
    Contribution,
    CountedPoints,
    Ladder,
    Standing,
    TierRecord,
    count,
    recount,
    settle,
    uncount,
)
from tests.property.loyalty.tier_model import Happened, Life, Rules

ZONE = ZoneInfo("Asia/Shanghai")
BORN = datetime(2024, 2, 28, 17, tzinfo=UTC)
"""29 February 2024 in Shanghai."""
POINT = "points"


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    count_of = draw(st.integers(2, 4))
    steps = draw(st.lists(st.integers(1, 60), min_size=count_of - 1, max_size=count_of - 1))
    thresholds = tuple(sum(steps[:place]) for place in range(count_of))
    period = draw(st.sampled_from(["lifetime", "calendar", "rolling", "anniversary"]))
    return Rules(
        thresholds=thresholds,
        keeps=tuple(draw(st.integers(0, threshold)) if draw(st.booleans()) else threshold for threshold in thresholds),
        protected=tuple(draw(st.integers(0, 4)) == 0 for _ in thresholds),
        period=period,
        months=draw(st.sampled_from([12, 24] if period == "calendar" else [1, 3, 12])),
        resets=draw(st.booleans()),
        upgrade=draw(st.sampled_from(["at_once", "at_once", "period_start", "none"])),
        downgrade=draw(st.sampled_from(["none", "one", "to_fit"])),
        grace=draw(st.sampled_from([0, 0, 5, 40])) if period != "rolling" else draw(st.sampled_from([0, 5])),
    )


def ladder(rules: Rules, metric: TierMetric = TierMetric.POINTS_EARNED) -> Ladder:
    levels = tuple(
        TierLevel(
            code=f"level-{place}",
            name=LocalizedText("Level", "等级"),
            threshold=threshold,
            multiplier=Decimal(1),
            retention=keeps,
            is_protected=protected,
        )
        for place, (threshold, keeps, protected) in enumerate(
            zip(rules.thresholds, rules.keeps, rules.protected, strict=True)
        )
    )
    tiers = TierSet(
        metric=metric,
        levels=levels,
        period=QualificationPeriod(rules.period),
        span=Span(rules.months, TimeUnit.MONTH),
        resets=rules.resets,
        upgrade=Upgrade(rules.upgrade),
        downgrade=Downgrade(rules.downgrade),
        grace_days=rules.grace,
    )
    return Ladder(tiers, ZONE, POINT, POINT)


@st.composite
def events(draw: st.DrawFn) -> list[Happened]:
    hours = draw(st.lists(st.integers(0, 24 * 900), min_size=1, max_size=12, unique=True))
    return [Happened(BORN + timedelta(hours=hour), draw(st.integers(1, 50))) for hour in sorted(hours)]


def counted(ladder: Ladder, record: TierRecord, number: int, event: Happened) -> TierRecord:
    contribution = Contribution(
        event_id=UUID(int=number), occurred_at=event.at, points=(CountedPoints(POINT, event.amount),)
    )
    return count(ladder, record, contribution, now=event.at).record


def told(record: TierRecord) -> tuple[object, ...]:
    return record.tier_code, record.since, record.grace_from, record.points_earned


def expected(rules: Rules, events: list[Happened], until: datetime) -> tuple[object, ...]:
    life = Life(rules, ZONE, BORN).live(events, until)
    code = None if life.since is None else f"level-{life.rung}"
    warned = life.midnight(life.warned) if life.warned else None
    return code, life.since, warned, sum(event.amount for event in events)


def assert_is(record: TierRecord, wanted: tuple[object, ...]) -> None:
    """Somebody for whom nothing counts any more is at the first level, whenever that began."""
    assert told(record) == wanted or (wanted[0] is None and (record.tier_code, record.points_earned) == ("level-0", 0))


@given(rules(), events(), st.integers(0, 800), st.lists(st.integers(0, 12), max_size=4))
def test_a_course_is_that_of_the_model_whether_or_not_a_job_ran(
    rules: Rules, events: list[Happened], later: int, reviewed: list[int]
) -> None:
    steps = ladder(rules)
    record = TierRecord(enrolled_at=BORN)
    for number, event in enumerate(events):
        if number in reviewed:
            record = settle(steps, record, now=event.at - timedelta(minutes=30)).record
        record = counted(steps, record, number, event)
    until = events[-1].at + timedelta(days=later)
    record = settle(steps, record, now=until).record

    assert told(record) == expected(rules, events, until)


@given(rules(), events(), st.integers(0, 400), st.data())
def test_what_is_returned_was_never_there(
    rules: Rules, events: list[Happened], later: int, data: st.DataObject
) -> None:
    steps = ladder(rules)
    record = TierRecord(enrolled_at=BORN)
    for number, event in enumerate(events):
        record = counted(steps, record, number, event)
    now = events[-1].at + timedelta(days=later)
    number = data.draw(st.integers(0, len(events) - 1))
    left = data.draw(st.integers(0, events[number].amount))
    record = uncount(
        steps, record, event_id=UUID(int=number), standing=Standing({POINT: left}, 0, is_visit=False), now=now
    ).record

    standing = [replace(event, amount=left) if place == number else event for place, event in enumerate(events)]
    assert_is(record, expected(rules, [event for event in standing if event.amount], now))


@given(rules(), events(), st.integers(0, 400), st.data())
def test_what_is_rung_up_anew_was_so_from_the_first(
    rules: Rules, events: list[Happened], later: int, data: st.DataObject
) -> None:
    steps = ladder(rules)
    record = TierRecord(enrolled_at=BORN)
    for number, event in enumerate(events):
        record = counted(steps, record, number, event)
    now = events[-1].at + timedelta(days=later)
    number, amount = data.draw(st.integers(0, len(events) - 1)), data.draw(st.integers(1, 90))
    contribution = Contribution(UUID(int=number), events[number].at, points=(CountedPoints(POINT, amount),))
    record = recount(steps, record, contribution, now=now).record

    standing = [replace(event, amount=amount) if place == number else event for place, event in enumerate(events)]
    assert told(record) == expected(rules, standing, now)
