"""When something about a member's tier is due, and which days that will look at."""

from datetime import date, datetime

from services.loyalty.programs.domain.ladder import Access, Downgrade, TierMetric, Upgrade
from services.loyalty.tiers.domain.measuring import Ladder, anchor_of, climbing_from, entries
from services.loyalty.tiers.domain.periods import (
    ONE_DAY,
    falls_out,
    has_terms,
    look_back,
    month_after,
    period_after,
    period_start,
    shifted,
    span_of,
    start_of,
)
from services.loyalty.tiers.domain.records import TierRecord
from services.loyalty.tiers.domain.rungs import floor_rung, rung_of


def next_due(ladder: Ladder, record: TierRecord) -> datetime | None:
    """The first instant after ``record.decided_at`` at which anything is to be decided; None: nothing in sight."""
    cursor = record.decided_at
    if cursor is None:
        return None
    given_until = record.given.until if record.given else None
    instants = (
        next_counting(record, cursor),
        next_start(ladder, record, cursor),
        next_review(ladder, record, cursor),
        max(given_until, cursor) if given_until else None,
    )
    return min((instant for instant in instants if instant is not None), default=None)


def next_counting(record: TierRecord, cursor: datetime) -> datetime | None:
    """When the next amount begins to count."""
    return min([amount.counted_at for amount in record.amounts if amount.counted_at > cursor], default=None)


def next_start(ladder: Ladder, record: TierRecord, cursor: datetime) -> datetime | None:
    """When the next period begins, where that is when members climb; without terms, the next month."""
    if ladder.tiers.upgrade is not Upgrade.PERIOD_START:
        return None
    day = ladder.day(cursor)
    if not has_terms(ladder.tiers):
        return start_of(month_after(day), ladder.zone)
    return start_of(period_after(ladder.tiers, anchor=anchor_of(ladder, record, day), day=day), ladder.zone)


def next_review(ladder: Ladder, record: TierRecord, cursor: datetime) -> datetime | None:
    """When the tier is reviewed next, or the time of grace ends."""
    if record.grace_until is not None:
        return max(record.grace_until, cursor)
    if not can_fall(ladder, record):
        return None
    day = ladder.day(cursor)
    if has_terms(ladder.tiers):
        return start_of(period_after(ladder.tiers, anchor=anchor_of(ladder, record, day), day=day), ladder.zone)
    found = _too_little_on(ladder, record, cursor)
    return start_of(found, ladder.zone) if found else None


def can_fall(ladder: Ladder, record: TierRecord) -> bool:
    """Whether reviews can take the earned tier away."""
    tiers = ladder.tiers
    rung = rung_of(tiers, record.tier_code)
    return (
        rung is not None
        and not ladder.is_lifetime
        and tiers.downgrade is not Downgrade.NONE
        and tiers.levels[rung].access is Access.EARNED
        and floor_rung(tiers, rung) < rung
    )


def needed_from(ladder: Ladder, record: TierRecord) -> date | None:
    """The first day that what is due next will look at; None: it looks at no amounts of days."""
    cursor = record.decided_at
    if cursor is None:
        return None
    day = ladder.day(cursor)
    days = [amount.day for amount in record.amounts if amount.counted_at > cursor]
    if ladder.needs_all:
        days.append(date.min)
    first = climbing_from(ladder, record, day)
    if first is not None:
        days.append(first)
        if has_terms(ladder.tiers):
            # Too little was found on the first day of this period: what counts is the one before.
            reviewed = ladder.day(record.grace_from) - ONE_DAY if record.grace_from else day
            days.append(period_start(ladder.tiers, anchor=anchor_of(ladder, record, reviewed), day=reviewed))
    return min(days, default=None)


def reading_from(ladder: Ladder, at: datetime) -> date:
    """The first day that decisions and progress at an instant look at, whoever the member is; with a day to spare.

    Decisions that were due before look further back: `needed_from` is kept with the member for them.
    """
    day = ladder.day(at)
    if ladder.needs_all:
        return date.min
    return (day if ladder.is_lifetime else min(day, look_back(day, span_of(ladder.tiers)))) - ONE_DAY


def _too_little_on(ladder: Ladder, record: TierRecord, cursor: datetime) -> date | None:
    """The first day at whose beginning looking back finds too little, when nothing more is counted."""
    tiers, span = ladder.tiers, span_of(ladder.tiers)
    rung = rung_of(tiers, record.tier_code)
    assert rung is not None, "a tier that is reviewed is on the ladder"
    keeps_at = tiers.levels[rung].keeps_at
    earliest = ladder.day(cursor) + ONE_DAY
    if tiers.downgrade is Downgrade.ONE and record.let_down_at and record.let_down_at == record.since:
        # One level a span: without this, a member would fall a level a day.
        earliest = max(earliest, shifted(ladder.day(record.let_down_at), span))
    if tiers.metric is TierMetric.BALANCE:
        return earliest
    first = climbing_from(ladder, record, earliest)
    amounts = sorted(
        (day, amount)
        for day, counted_at, amount in entries(ladder, record)
        if counted_at <= cursor and first is not None and day >= first
    )
    left = sum(amount for _, amount in amounts)
    if left < keeps_at:
        return earliest
    for day, amount in amounts:
        left -= amount
        if left < keeps_at:
            return max(earliest, falls_out(day, span))
    return None
