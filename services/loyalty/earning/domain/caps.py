"""Caps as counters: which ones an event meets, and how much room they leave."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.loyalty.programs.domain.document import ProgramDocument
from services.loyalty.programs.domain.rules import Cap, CapMeasure, CapOwner, CapPeriod, EarnRule, Trigger

_EVER = date.min


class CapSubject(StrEnum):
    """What a cap bounds: one rule, or all that is given of a unit."""

    RULE = "rule"
    UNIT = "unit"


@dataclass(frozen=True, slots=True, order=True)
class CapKey:
    """One counter of a member's, or of everybody's: points, minor units of the program's currency, or times.

    ``start`` is the first day of the period in the program's zone (of a lifetime: the first day there is). Two caps
    that differ in their limit or overflow alone share it.
    """

    subject: CapSubject
    code: str
    measure: CapMeasure
    period: CapPeriod
    start: date
    owner: CapOwner = CapOwner.MEMBER


@dataclass(frozen=True, slots=True)
class CapRoom:
    """What a counter left before the event: the limit less what had been used, not below zero."""

    key: CapKey
    limit: int
    room: int


def period_start(period: CapPeriod, day: date) -> date:
    """The first day of the period that a day lies in; weeks begin on Monday (ISO 8601)."""
    match period:
        case CapPeriod.EVENT | CapPeriod.DAY:
            return day
        case CapPeriod.WEEK:
            return day - timedelta(days=day.weekday())
        case CapPeriod.MONTH:
            return day.replace(day=1)
        case CapPeriod.YEAR:
            return day.replace(month=1, day=1)
        case CapPeriod.LIFETIME:
            return _EVER


def calendar_day(document: ProgramDocument, occurred_at: datetime) -> date:
    """The day of an event in the program's zone, whose caps it fills."""
    return occurred_at.astimezone(ZoneInfo(document.timezone)).date()


def key_of(cap: Cap, subject: CapSubject, code: str, day: date) -> CapKey:
    """The counter that a cap looks at on a day."""
    return CapKey(subject, code, cap.measure, cap.per, period_start(cap.per, day), cap.owner)


def rule_unit(document: ProgramDocument, rule: EarnRule) -> str:
    """The code of the unit that a rule gives."""
    return rule.unit or document.unit.code


def kept_keys(
    document: ProgramDocument, *, occurred_at: datetime, trigger: Trigger | None = None, owner: CapOwner | None = None
) -> tuple[CapKey, ...]:
    """The counters that an event may fill and that outlive it, in the order in which they are locked."""
    day = calendar_day(document, occurred_at)
    keys = {
        key_of(cap, subject, code, day)
        for subject, code, cap in _caps(document, trigger)
        if cap.per is not CapPeriod.EVENT and owner in (None, cap.owner)
    }
    return tuple(sorted(keys))


def period_bounds(first: datetime, last: datetime) -> dict[CapPeriod, tuple[date, date]]:
    """Between which first days the periods of events from one instant to another begin, in whatever zone."""
    day = timedelta(days=1)
    earliest, latest = first.astimezone(UTC).date() - day, last.astimezone(UTC).date() + day
    return {
        period: (period_start(period, earliest), period_start(period, latest))
        for period in CapPeriod
        if period is not CapPeriod.EVENT
    }


def _caps(document: ProgramDocument, trigger: Trigger | None) -> Iterator[tuple[CapSubject, str, Cap]]:
    units: set[str] = set()
    for rule in document.rules:
        if trigger in (None, rule.trigger):
            units.add(rule_unit(document, rule))
            for cap in rule.caps:
                yield CapSubject.RULE, rule.id, cap
    for unit in document.units:
        if unit.code in units:
            for cap in unit.caps:
                yield CapSubject.UNIT, unit.code, cap
