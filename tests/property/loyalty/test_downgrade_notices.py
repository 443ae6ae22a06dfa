"""Whatever becomes of notices, and whenever: no review takes a tier silently, and none is kept for ever."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.programs.domain.policies import NoSilentLoss
from services.loyalty.programs.domain.telling import EXTENSION_MAX, NoticeOutcome, Telling, Verdict
from services.loyalty.tiers.domain import Ladder, Standing, TierNotice, uncount
from services.loyalty.tiers.domain.course import play
from tests.property.loyalty.test_tier_courses import BORN, counted, events, ladder, rules
from tests.property.loyalty.tier_model import Happened, Rules
from tests.support.tier_lives import TierLife

LAST = BORN + timedelta(days=1_100)
DAYS = st.integers(1, 60)


@st.composite
def outcomes(draw: st.DrawFn) -> list[tuple[datetime, NoticeOutcome]]:
    hours = draw(st.lists(st.integers(0, 24 * 1_000), max_size=6, unique=True))
    found = st.sampled_from([NoticeOutcome.ACCEPTED, NoticeOutcome.ACCEPTED, NoticeOutcome.UNREACHABLE])
    return [(BORN + timedelta(hours=hour), draw(found)) for hour in sorted(hours)]


def telling(rules: Rules, days: int, policy: NoSilentLoss = NoSilentLoss.ON) -> Ladder:
    steps = ladder(rules)
    return replace(steps, telling=None if steps.is_lifetime else Telling(days, policy))


def live(
    steps: Ladder,
    events: list[Happened],
    outcomes: list[tuple[datetime, NoticeOutcome]],
    looks: list[int] | None = None,
) -> TierLife:
    life = TierLife(steps)
    life.outcomes += outcomes
    moments = [(event.at, number) for number, event in enumerate(events, start=1)]
    moments += [(BORN + timedelta(days=day), 0) for day in looks or ()]
    for at, number in sorted(moments):
        life.until(at)
        if number:
            life.become(counted(steps, life.record, number, events[number - 1]))
    life.until(LAST)
    return life


def may_end(notice: TierNotice, due_at: datetime, at: datetime, days: int) -> bool:
    """Whether the law lets a tier go at an instant that a review would have taken at ``due_at``."""
    known = notice.as_of(at)
    if known.outcome is NoticeOutcome.UNREACHABLE:
        return True
    is_told = known.settled_at is not None and known.settled_at + timedelta(days=days) <= at
    return is_told or at == due_at + EXTENSION_MAX


@given(rules(), events(), outcomes(), DAYS)
def test_no_review_takes_a_tier_silently_and_none_is_kept_for_ever(
    rules: Rules, events: list[Happened], outcomes: list[tuple[datetime, NoticeOutcome]], days: int
) -> None:
    life = live(telling(rules, days), events, outcomes)

    decided = [(notice, notice.due_at) for notice in life.record.notices if notice.due_at is not None]
    for lost_at in life.losses:
        ends = [(notice, due_at) for notice, due_at in decided if lost_at in {notice.kept_until, due_at}]
        assert any(may_end(notice, due_at, lost_at, days) for notice, due_at in ends)
    for notice, due_at in decided:
        assert notice.kept_until is None or due_at < notice.kept_until <= due_at + EXTENSION_MAX
        assert notice.verdict is not Verdict.WOULD_KEEP


@given(rules(), events(), outcomes(), DAYS, st.lists(st.integers(0, 1_000), max_size=6))
def test_it_does_not_matter_how_often_somebody_looks(
    rules: Rules,
    events: list[Happened],
    outcomes: list[tuple[datetime, NoticeOutcome]],
    days: int,
    looks: list[int],
) -> None:
    steps = telling(rules, days)

    seldom, often = live(steps, events, list(outcomes)), live(steps, events, list(outcomes), looks)

    assert (seldom.losses, seldom.letters) == (often.losses, often.letters)
    assert (seldom.record.tier_code, seldom.record.since) == (often.record.tier_code, often.record.since)


@given(rules(), events(), DAYS, st.sampled_from([NoSilentLoss.OFF, NoSilentLoss.REPORT]))
def test_a_program_that_keeps_nothing_longer_reviews_as_if_it_told_nobody(
    rules: Rules, events: list[Happened], days: int, policy: NoSilentLoss
) -> None:
    silent, telling_one = live(ladder(rules), events, []), live(telling(rules, days, policy), events, [])

    assert silent.losses == telling_one.losses
    assert (silent.record.tier_code, silent.record.since) == (telling_one.record.tier_code, telling_one.record.since)


@given(rules(), events(), outcomes(), DAYS)
def test_a_life_that_is_played_again_is_the_one_that_was(
    rules: Rules, events: list[Happened], outcomes: list[tuple[datetime, NoticeOutcome]], days: int
) -> None:
    steps = telling(rules, days)
    record = live(steps, events, outcomes).record

    again = play(steps, record, until=LAST)

    assert (again.tier_code, again.since, again.grace_until) == (record.tier_code, record.since, record.grace_until)


@given(rules(), events(), outcomes(), DAYS)
def test_returning_everything_leaves_nobody_above_the_first_tier(
    rules: Rules, events: list[Happened], outcomes: list[tuple[datetime, NoticeOutcome]], days: int
) -> None:
    steps = telling(rules, days)
    record = live(steps, events, outcomes).record

    for number in range(1, len(events) + 1):
        nothing = Standing({}, 0, is_visit=False)
        record = uncount(steps, record, event_id=UUID(int=number), standing=nothing, now=LAST).record

    assert record.tier_code == "level-0"
