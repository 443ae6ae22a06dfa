"""From what a program says of activation and expiry to the instants between which points can be spent.

The earliest of the ends that are set is the end. Each counts from the event; one that would come before the points
can be spent counts from their activation instead, so that no lot is dead at birth. A date that is over falls away.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from services.loyalty.ledger.domain.clocks import (
    DISTANT,
    Loss,
    LotClock,
    Sliding,
    Stretch,
    Validity,
    added,
    beginning_of,
    day_of_year,
)
from services.loyalty.programs.domain.validity import Activation, Boundary, Expiry, MonthDay, Span, Start

_YEARS_LOOKED_AT = 3
"""This year, the next and the one after: a day of every year with a least distance of at most a year comes in them."""


def expiry_that_rules(*, rule: Expiry | None, tier: Expiry | None, unit: Expiry) -> Expiry:
    """Whose expiry an accrual gets: the rule's own, else that of the tier held, else the unit's."""
    return rule or tier or unit


def validity(
    activation: Activation,
    expiry: Expiry,
    *,
    at: datetime,
    zone: ZoneInfo,
    enrolled_at: datetime | None = None,
    tier: str | None = None,
) -> Validity:
    """When points that an event at ``at`` gives begin and end. ``enrolled_at`` is needed for an anniversary.

    An awaited action leaves the end open: `validity_by_action` tells it once the action has come, by the same expiry
    (`expiry_that_rules` with the ``tier`` kept in the clock).
    """
    if activation.action is not None:
        within = activation.within_days
        deadline = DISTANT if within is None else added(at, within, "day", zone)
        clock = LotClock(zone.key, at, tier=tier, enrolled_at=enrolled_at)
        return Validity(deadline, awaits_action=activation.action, clock=clock)
    activates_at = at
    if activation.after is not None:
        activates_at = added(at, activation.after.count, activation.after.unit, zone)
    elif activation.on is not None:
        activates_at = max(at, beginning_of(activation.on, zone))
    return _from(expiry, at=at, activates_at=activates_at, zone=zone, enrolled_at=enrolled_at)


def validity_by_action(waiting: Validity, expiry: Expiry, *, reported_at: datetime) -> Validity:
    """The validity of points whose awaited action came at ``reported_at``."""
    assert waiting.clock is not None
    clock = waiting.clock
    activates_at = max(reported_at, clock.earned_at)
    return _from(
        expiry, at=clock.earned_at, activates_at=activates_at, zone=clock.zone_info, enrolled_at=clock.enrolled_at
    )


def validity_anew(expiry: Expiry, *, at: datetime, zone: ZoneInfo, enrolled_at: datetime | None = None) -> Validity:
    """The validity of points that are spendable at once and begin to age at ``at``, as those received as a gift."""
    return validity(Activation(), expiry, at=at, zone=zone, enrolled_at=enrolled_at)


def _from(
    expiry: Expiry, *, at: datetime, activates_at: datetime, zone: ZoneInfo, enrolled_at: datetime | None
) -> Validity:
    fixed = _fixed_end(expiry, at=at, activates_at=activates_at, zone=zone, enrolled_at=enrolled_at)
    sliding = _sliding(expiry, limit=fixed)
    slid = None if sliding is None else sliding.first_end(at, activates_at, zone)
    loss = _loss(expiry)
    loses_at = None if loss is None else loss.stretch.after(activates_at, zone)
    clock = LotClock(zone.key, at, sliding=sliding, loss=loss) if sliding is not None or loss is not None else None
    return Validity(activates_at, _earliest((fixed, slid)), loses_at, clock=clock)


def _fixed_end(
    expiry: Expiry, *, at: datetime, activates_at: datetime, zone: ZoneInfo, enrolled_at: datetime | None
) -> datetime | None:
    """The earliest end that no activity moves."""
    rolls_from = activates_at if expiry.rolling is not None and expiry.rolling.start is Start.ACTIVATION else at
    first = _fixed_ends(expiry, at=at, rolls_from=rolls_from, zone=zone, enrolled_at=enrolled_at)
    if at == activates_at:
        return _earliest(first)
    again = _fixed_ends(expiry, at=activates_at, rolls_from=activates_at, zone=zone, enrolled_at=enrolled_at)
    pairs = zip(first, again, strict=True)
    return _earliest(counted if counted is None or counted > activates_at else anew for counted, anew in pairs)


def _fixed_ends(
    expiry: Expiry, *, at: datetime, rolls_from: datetime, zone: ZoneInfo, enrolled_at: datetime | None
) -> tuple[datetime | None, ...]:
    today = at.astimezone(zone).date()
    rolling, on, anniversary = None, None, None
    if expiry.rolling is not None:
        rolling = _stretch(expiry.rolling.span, expiry.rolling.until_end_of).after(rolls_from, zone)
    if expiry.on is not None and expiry.on >= today:
        on = _end_of_day(expiry.on, zone)
    if expiry.anniversary and enrolled_at is not None:
        anniversary = beginning_of(_next_anniversary(enrolled_at.astimezone(zone).date(), today), zone)
    yearly = _next_yearly(expiry.yearly, today + timedelta(days=expiry.yearly_days_min))
    return rolling, None if yearly is None else _end_of_day(yearly, zone), on, anniversary


def _next_yearly(days: Iterable[MonthDay], earliest: date) -> date | None:
    years = range(earliest.year, earliest.year + _YEARS_LOOKED_AT)
    dates = [day_of_year(year, day.month, day.day) for day in days for year in years]
    return min((day for day in dates if day >= earliest), default=None)


def _next_anniversary(enrolled: date, today: date) -> date:
    # Of a late event that happened before the member joined, the first one after that.
    after = max(today, enrolled)
    dates = (day_of_year(year, enrolled.month, enrolled.day) for year in (after.year, after.year + 1))
    return next(day for day in dates if day > after)


def _end_of_day(day: date, zone: ZoneInfo) -> datetime:
    return beginning_of(day + timedelta(days=1), zone)


def _sliding(expiry: Expiry, *, limit: datetime | None) -> Sliding | None:
    if expiry.sliding is None:
        return None
    said = expiry.sliding
    return Sliding(_stretch(said.span, said.until_end_of), tuple(said.activities), limit)


def _loss(expiry: Expiry) -> Loss | None:
    if expiry.partial is None:
        return None
    return Loss(expiry.partial.percent, _stretch(expiry.partial.after, Boundary.NONE), tuple(expiry.partial.activities))


def _stretch(span: Span, until_end_of: Boundary) -> Stretch:
    return Stretch(span.count, span.unit.value, until_end_of.value)


def _earliest(ends: Iterable[datetime | None]) -> datetime | None:
    return min((end for end in ends if end is not None), default=None)


__all__ = ["Validity", "expiry_that_rules", "validity", "validity_anew", "validity_by_action"]
