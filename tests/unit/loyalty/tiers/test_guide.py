"""The worked examples of docs/guides/tiers.md."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.loyalty.programs.domain import LocalizedText
from services.loyalty.programs.domain.ladder import (
    Access,
    Downgrade,
    QualificationPeriod,
    TierLevel,
    TierMetric,
    TierSet,
    Upgrade,
)
from services.loyalty.programs.domain.policies import NoSilentLoss
from services.loyalty.programs.domain.telling import NoticeOutcome, Telling
from services.loyalty.programs.domain.validity import Span, TimeUnit
from services.loyalty.tiers.domain import (
    Contribution,
    CountedPoints,
    Ladder,
    Standing,
    TierRecord,
    count,
    give,
    level_at,
    settle,
    uncount,
)
from services.loyalty.tiers.domain.outlook import progress_of
from tests.support.tier_lives import TierLife

GUIDE = Path(__file__).parents[4] / "docs/guides/tiers.md"
ZONE = ZoneInfo("Asia/Shanghai")
SECTIONS = ("Thresholds", "Reviews", "Grace", "Refunds and late purchases", "By hand")
MOMENT = r"(\d{4}-\d\d-\d\d(?: \d\d:\d\d)?)"


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    section = GUIDE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("|")][2:]
    assert rows
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def moment(words: str) -> datetime:
    text = words if " " in words else f"{words} 12:00"
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def ladder(words: str) -> Ladder:
    levels = {
        code: TierLevel(code, LocalizedText(code, code), threshold, Decimal(1))
        for code, threshold in (("base", 0), ("silver", 500), ("gold", 1000))
    }
    tiers = TierSet(TierMetric.POINTS_EARNED, ())
    words, _, notice = words.partition("; notice ")
    for rule in words.split("; "):
        first, *rest = rule.split()
        if first in levels:
            level = levels[first]
            if rest == ["protected"]:
                levels[first] = replace(level, is_protected=True)
            elif rest == ["by", "invitation"]:
                levels[first] = replace(level, access=Access.INVITATION)
            else:
                levels[first] = replace(level, retention=int(rest[-1]))
        elif first == "resets":
            tiers = replace(tiers, resets=True)
        elif first == "counts":
            tiers = replace(tiers, counts_pending=True)
        elif first == "grace":
            tiers = replace(tiers, grace_days=int(rest[0]))
        elif first == "upgrade":
            tiers = replace(tiers, upgrade=Upgrade("_".join(rest)))
        elif first == "downgrade":
            tiers = replace(tiers, downgrade=Downgrade("_".join(rest)))
        else:
            unit = TimeUnit.DAY if rest[1:] == ["days"] else TimeUnit.MONTH
            span = Span(int(rest[0]), unit) if rest else None
            tiers = replace(tiers, period=QualificationPeriod(first), span=span)
    return Ladder(replace(tiers, levels=tuple(levels.values())), ZONE, "points", "points", telling=telling(notice))


def telling(words: str) -> Telling | None:
    """How many days before a review members are told, and the policy where it is not the default."""
    days, _, policy = words.partition(" ")
    return Telling(int(days), NoSilentLoss(policy or "on")) if days else None


def happen(ladder: Ladder, record: TierRecord, words: str, number: int) -> TierRecord:
    """What happened, told by its words; events have their place as id."""
    if found := re.fullmatch(rf"enrolled {MOMENT}", words):
        return replace(record, enrolled_at=moment(found[1]))
    if found := re.fullmatch(rf"{MOMENT} given (\w+)(?: until {MOMENT})?", words):
        until = moment(f"{found[3]} 00:00") if found[3] else None
        return give(ladder, record, code=found[2], until=until, now=moment(found[1])).record
    if found := re.fullmatch(rf"{MOMENT} -#(\d)", words):
        nothing = Standing({}, 0, is_visit=False)
        event_id = UUID(int=int(found[2]))
        return uncount(ladder, record, event_id=event_id, standing=nothing, now=moment(found[1])).record
    found = re.fullmatch(rf"(?:late )?{MOMENT} \+(\d+)(?: from {MOMENT})?(?: on {MOMENT})?", words)
    assert found, words
    begins = moment(f"{found[3]} 00:00") if found[3] else None
    points = (CountedPoints("points", int(found[2]), begins),)
    contribution = Contribution(UUID(int=number), moment(found[1]), points=points)
    return count(ladder, record, contribution, now=moment(found[4] or found[1])).record


@pytest.mark.parametrize("row", [row for section in SECTIONS for row in table(section)], ids=" | ".join)
def test_the_guide_says_what_happens(row: list[str]) -> None:
    rules, happened, asked, tier, missing = row
    steps, record = ladder(rules), TierRecord()
    for number, words in enumerate(happened.split("; "), start=1):
        record = happen(steps, record, words, number)
    now = moment(asked)
    record = settle(steps, record, now=now).record

    assert level_at(steps.tiers, record, at=now).code == tier
    assert progress_of(steps, record, now=now).missing == int(missing)


@pytest.mark.parametrize("row", table("No silent downgrade"), ids=" | ".join)
def test_the_guide_says_who_keeps_a_tier_until_told(row: list[str]) -> None:
    rules, happened, outcome, letters, until, verdict = row
    steps = ladder(rules)
    life = TierLife(steps)
    if found := re.fullmatch(rf"(\w+) {MOMENT}", outcome):
        life.outcomes.append((moment(found[2]), NoticeOutcome(found[1])))
    for number, words in enumerate(happened.split("; "), start=1):
        at = re.match(MOMENT, words)
        assert at
        life.until(moment(at[1]))
        life.become(happen(steps, life.record, words, number))
    life.until(moment("2028-06-30"))

    assert [local(at) for at, _ in life.letters] == letters.split("; ")
    assert [local(at) for at in life.losses[:1]] == ([until] if until != "kept" else [])
    assert [str(notice.verdict or "-") for notice in life.record.notices[:1]] == [verdict]


def local(at: datetime) -> str:
    words = at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
    return words.removesuffix(" 00:00")


@pytest.mark.parametrize("outcome", NoticeOutcome)
def test_what_became_of_a_notice_counts_from_when_it_was_known(outcome: NoticeOutcome) -> None:
    steps = ladder("calendar 12; resets; downgrade one; notice 10")
    lives = TierLife(steps), TierLife(steps)
    for life in lives:
        life.become(happen(steps, life.record, "2026-03-01 +1000", 1))
        life.until(moment("2027-12-20"))
    awake, asleep = lives
    awake.outcomes.append((moment("2028-01-05"), outcome))
    awake.until(moment("2028-06-30"))
    # Nobody looks while it becomes known, nor for months after.
    asleep.settle(outcome, at=moment("2028-01-05"))
    asleep.until(moment("2028-06-30"))

    assert [local(at) for at in asleep.losses] == [local(at) for at in awake.losses]
    assert asleep.record.since == awake.record.since
