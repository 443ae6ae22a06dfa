"""The days of a member's year: the birthday, and the day of joining."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.programs.domain import LeapBirthday

LATE_DAYS_MAX = 30
"""How long after its day an occasion is still kept, where nothing looked for it in time."""

_LEAP_MONTH, _LEAP_DAY = 2, 29


class OccasionKind(StrEnum):
    """What is kept every year."""

    BIRTHDAY = "birthday"
    ANNIVERSARY = "anniversary"


@dataclass(frozen=True, slots=True)
class Occasion:
    """One day of one year: when it begins where the member lives, and how many years it completes."""

    day: date
    at: datetime
    years: int


@dataclass(frozen=True, slots=True)
class DueOccasion:
    """A member with an occasion to look for since ``due_at``."""

    member_id: UUID
    kind: OccasionKind
    due_at: datetime


def next_occasion(origin: date, *, timezone: str, after: datetime, leap: LeapBirthday) -> Occasion:
    """The first occasion that begins after an instant; the day of ``origin`` itself is none.

    A day begins at its first instant in the zone: where a clock change skips midnight, at the change.
    """
    year = max(origin.year + 1, after.astimezone(ZoneInfo(timezone)).year)
    while True:
        occasion = _in_year(origin, year, timezone, leap)
        if occasion is not None and occasion.at > after:
            return occasion
        year += 1


def due_occasion(origin: date, *, timezone: str, now: datetime, leap: LeapBirthday) -> Occasion | None:
    """The latest occasion that has begun, unless it is over for more than ``LATE_DAYS_MAX`` days.

    One alone: years that were missed do not add up.
    """
    year = now.astimezone(ZoneInfo(timezone)).year
    for candidate in (year, year - 1):
        occasion = _in_year(origin, candidate, timezone, leap) if candidate > origin.year else None
        if occasion is not None and occasion.at <= now:
            return occasion if now - occasion.at <= timedelta(days=LATE_DAYS_MAX) else None
    return None


def day_in(origin: date, year: int, leap: LeapBirthday) -> date:
    """The day of a year on which one is kept that began on ``origin``."""
    if (origin.month, origin.day) != (_LEAP_MONTH, _LEAP_DAY) or _is_leap(year):
        return origin.replace(year=year)
    return date(year, 3, 1) if leap is LeapBirthday.MARCH_1 else date(year, 2, 28)


def _in_year(origin: date, year: int, timezone: str, leap: LeapBirthday) -> Occasion | None:
    if year > date.max.year:
        return None
    day = day_in(origin, year, leap)
    at = datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)
    return Occasion(day, at, year - origin.year)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
