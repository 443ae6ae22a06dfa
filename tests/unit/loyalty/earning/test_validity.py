"""The worked examples of docs/guides/validity.md, and what validity refuses."""

import dataclasses
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.loyalty.earning.domain.validity import expiry_that_rules, validity, validity_anew, validity_by_action
from services.loyalty.ledger.domain.clocks import DISTANT, Base, Loss, Stretch, Validity, clock_json, clock_of
from services.loyalty.programs.domain.validity import (
    Activation,
    Boundary,
    Expiry,
    MonthDay,
    PartialLoss,
    Rolling,
    Sliding,
    Span,
    Start,
    TimeUnit,
)

GUIDE = Path(__file__).parents[4] / "docs/guides/validity.md"
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def table(first_columns: str) -> list[list[str]]:
    """The rows of the guide's table whose head begins so."""
    rows = GUIDE.read_text(encoding="utf-8").split(f"| {first_columns} ")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]


def span(words: str) -> Span:
    count, unit = words.split()
    return Span(int(count), TimeUnit(unit.removesuffix("s")))


def bounded(words: str) -> tuple[Span, Boundary]:
    said, _, until = words.partition(" to end of ")
    return span(said), Boundary(until or "none")


def activation(words: str) -> Activation:
    kind, _, rest = words.partition(" ")
    if kind == "after":
        return Activation(after=span(rest))
    return Activation(on=date.fromisoformat(rest)) if kind == "on" else Activation()


def parts_of(words: str) -> Iterator[tuple[str, Any]]:
    for part in words.split("; "):
        if part == "never":
            continue
        if match := re.fullmatch(r"yearly (.+?)(?: in at least (\d+) days)?", part):
            days = [tuple(map(int, day.split("-"))) for day in match[1].split(" and ")]
            yield "yearly", tuple(MonthDay(month, day) for month, day in days)
            yield "yearly_days_min", int(match[2] or 0)
        elif match := re.fullmatch(r"on (\S+)", part):
            yield "on", date.fromisoformat(match[1])
        elif part.startswith("anniversary"):
            yield "anniversary", True
        elif match := re.fullmatch(r"sliding (.+) by (.+)", part):
            length, until = bounded(match[1])
            yield "sliding", Sliding(length, tuple(match[2].split(" and ")), until)
        else:
            said, _, start = part.partition(" from ")
            length, until = bounded(said)
            yield "rolling", Rolling(length, Start(start or "earn"), until)


def expiry(words: str) -> Expiry:
    return Expiry(**dict(parts_of(words)))


def local(text: str, zone: ZoneInfo) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone).astimezone(UTC)


def shown(instant: datetime | None, zone: ZoneInfo) -> str:
    return "never" if instant is None else instant.astimezone(zone).strftime("%Y-%m-%d %H:%M %z")


@pytest.mark.parametrize("row", table("zone | earned | activation"), ids=" ".join)
def test_when_points_begin_and_end(row: list[str]) -> None:
    zone_name, earned, begins_by, ends_by, begins, ends = row
    zone = ZoneInfo(zone_name)
    joined = re.search(r"anniversary of (\S+)", ends_by)
    enrolled_at = local(f"{joined[1]} 10:00", zone) if joined else None

    found = validity(activation(begins_by), expiry(ends_by), at=local(earned, zone), zone=zone, enrolled_at=enrolled_at)

    assert (shown(found.activates_at, zone), shown(found.expires_at, zone)) == (begins, ends)


@pytest.mark.parametrize("row", table("zone | earned | expiry | activities"), ids=" ".join)
def test_activity_moves_ends(row: list[str]) -> None:
    zone_name, earned, ends_by, activities, ends = row
    zone = ZoneInfo(zone_name)
    found = validity(Activation(), expiry(ends_by), at=local(earned, zone), zone=zone)

    for shown_at in [] if activities == "none" else activities.split(", "):
        activity, _, at = shown_at.partition(" ")
        found = found.after(activity, local(at, zone))

    assert shown(found.expires_at, zone) == ends


@pytest.mark.parametrize("row", table("percent | points"), ids=" ".join)
def test_losing_a_part(row: list[str]) -> None:
    percent, points, left = row
    loss = Loss(int(percent), Stretch(1, "month"), ())
    chain = [int(points), *map(int, left.split(", "))]

    assert [before - loss.of(before) for before, _ in pairwise(chain)] == chain[1:]


def test_a_part_is_lost_after_each_stretch_without_activity() -> None:
    partial = Expiry(partial=PartialLoss(10, Span(1, TimeUnit.MONTH), ("purchase",)))
    born = validity(Activation(after=Span(10, TimeUnit.DAY)), partial, at=NOON, zone=SHANGHAI)

    assert born.expires_at is None
    assert shown(born.loses_at, SHANGHAI) == "2026-04-12 12:00 +0800"
    moved = born.after("purchase", NOON + timedelta(days=20))
    assert shown(moved.loses_at, SHANGHAI) == "2026-04-22 12:00 +0800"
    assert moved.after("review", NOON + timedelta(days=30)) == moved


def test_awaited_points_have_a_deadline_and_no_end_before_the_action() -> None:
    promise = Expiry(rolling=Rolling(Span(1, TimeUnit.MONTH), Start.ACTIVATION))
    waiting = validity(Activation(action="order_shipped", within_days=14), promise, at=NOON, zone=SHANGHAI, tier="gold")

    assert waiting.action_deadline == NOON + timedelta(days=14)
    assert waiting.expires_at is None
    begun = validity_by_action(waiting, promise, reported_at=NOON + timedelta(days=5))
    assert begun == Validity(NOON + timedelta(days=5), datetime(2026, 4, 7, 4, tzinfo=UTC))


def test_an_action_may_be_awaited_for_ever() -> None:
    waiting = validity(Activation(action="order_shipped"), Expiry(), at=NOON, zone=SHANGHAI)

    assert (waiting.activates_at, waiting.action_deadline) == (DISTANT, None)
    assert waiting.after("purchase", NOON + timedelta(days=1)) == waiting


def test_whose_expiry_an_accrual_gets() -> None:
    unit, tier, own = (Expiry(on=date(2026, 12, day)) for day in (1, 2, 3))

    assert expiry_that_rules(rule=None, tier=None, unit=unit) is unit
    assert expiry_that_rules(rule=None, tier=tier, unit=unit) is tier
    assert expiry_that_rules(rule=own, tier=tier, unit=unit) is own


def test_points_that_begin_anew() -> None:
    renewed = validity_anew(Expiry(rolling=Rolling(Span(12, TimeUnit.MONTH))), at=NOON, zone=SHANGHAI)

    assert renewed == Validity(NOON, datetime(2027, 3, 2, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    "said",
    [
        Expiry(
            sliding=Sliding(Span(6, TimeUnit.MONTH), ("purchase", "redemption"), Boundary.MONTH), on=date(2026, 12, 31)
        ),
        Expiry(partial=PartialLoss(10, Span(30, TimeUnit.DAY), ("check_in",))),
    ],
)
def test_a_clock_is_stored_and_read_as_it_was(said: Expiry) -> None:
    clock = validity(Activation(), said, at=NOON, zone=SHANGHAI).clock

    assert clock is not None
    assert clock_of(clock_json(clock)) == clock
    base = Base(NOON, None)
    moved = dataclasses.replace(clock, base=base, since=UUID(int=7), losses=2, upcoming=(NOON, NOON))
    assert clock_of(clock_json(moved)) == moved


def test_points_that_would_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot end"):
        Validity(NOON, NOON)
