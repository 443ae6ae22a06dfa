"""Days, periods and the instants at which tiers are reviewed, in the program's zone."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.loyalty.programs.domain.ladder import QualificationPeriod, TierSet
from services.loyalty.programs.domain.validity import Span, TimeUnit

MONTHS_A_YEAR = 12
A_YEAR = Span(MONTHS_A_YEAR, TimeUnit.MONTH)
"""The length of a period whose document names none."""
CALENDAR_ORIGIN = 2000
"""Calendar periods of several years are counted from 1 January of this year."""
ONE_DAY = timedelta(days=1)


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of an instant."""
    return instant.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a day begins, in UTC; where clocks skip midnight, that of the skip."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def shifted(day: date, span: Span, times: int = 1) -> date:
    """The day ``times`` spans later, earlier below zero; a month that has no such day gives its last."""
    count = span.count * times
    if span.unit is TimeUnit.DAY:
        return day + timedelta(days=count)
    months = day.year * MONTHS_A_YEAR + day.month - 1 + count
    year, month = divmod(months, MONTHS_A_YEAR)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def span_of(tiers: TierSet) -> Span:
    """The length of the tier set's period."""
    return tiers.span or A_YEAR


def look_back(day: date, span: Span) -> date:
    """The first day that counts when one span is looked back over, the day itself included."""
    return shifted(day, span, -1) + ONE_DAY


def falls_out(day: date, span: Span) -> date:
    """The first day on which an amount of ``day`` no longer counts when one span is looked back over."""
    out = shifted(day, span)
    while look_back(out, span) <= day:
        out += ONE_DAY
    while look_back(out - ONE_DAY, span) > day:
        out -= ONE_DAY
    return out


def period_start(tiers: TierSet, *, anchor: date, day: date) -> date:
    """The first day of the calendar or anniversary period that holds ``day``; days before the anchor: the anchor."""
    span = span_of(tiers)
    if tiers.period is QualificationPeriod.CALENDAR:
        years = _years(span)
        return date(day.year - (day.year - CALENDAR_ORIGIN) % years, 1, 1)
    times = 0
    while shifted(anchor, span, times + 1) <= day:
        times += 1
    return shifted(anchor, span, times)


def period_after(tiers: TierSet, *, anchor: date, day: date) -> date:
    """The first day of the next calendar or anniversary period."""
    span = span_of(tiers)
    start = period_start(tiers, anchor=anchor, day=day)
    if tiers.period is QualificationPeriod.CALENDAR:
        return date(start.year + _years(span), 1, 1)
    times = 1
    while shifted(anchor, span, times) <= max(start, day):
        times += 1
    return shifted(anchor, span, times)


def month_after(day: date) -> date:
    """The first day of the next month."""
    return shifted(day.replace(day=1), Span(1, TimeUnit.MONTH))


def has_terms(tiers: TierSet) -> bool:
    """Whether there are periods with a first and a last day."""
    return tiers.period in {QualificationPeriod.CALENDAR, QualificationPeriod.ANNIVERSARY}


def _years(span: Span) -> int:
    return max(1, span.count // MONTHS_A_YEAR) if span.unit is TimeUnit.MONTH else 1
