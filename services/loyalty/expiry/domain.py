"""Notices that points will end: one for a member, a unit and a day, with the sum."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.ledger.domain.clocks import end_of
from services.loyalty.ledger.domain.holdings import EndingLot

_MOMENT = timedelta(microseconds=1)

NoticeKey = tuple[UUID, str, date]
"""Member, unit, and the last day on which the points can be spent."""


@dataclass(frozen=True, slots=True)
class ExpiryNotice:
    """``points`` of a unit can be spent on ``ends_on`` for the last time."""

    member_id: UUID
    unit: str
    ends_on: date
    points: int

    @property
    def key(self) -> NoticeKey:
        """Of notices with one key only the first is given."""
        return self.member_id, self.unit, self.ends_on


def horizon(now: datetime, *, days: int, zone: ZoneInfo) -> datetime:
    """Up to which end members are told: that of the day that is ``days`` times 24 hours away, so that it is whole."""
    return end_of(now + timedelta(days=days), "day", zone)


def notices(lots: Iterable[EndingLot], *, now: datetime, zone: ZoneInfo) -> tuple[ExpiryNotice, ...]:
    """The notices about lots of which one at least ends untold; what is over by ``now`` is in none."""
    sums: dict[NoticeKey, int] = {}
    untold: set[NoticeKey] = set()
    for lot in lots:
        if lot.expires_at <= now:
            continue
        key = lot.holder_id, lot.unit, (lot.expires_at - _MOMENT).astimezone(zone).date()
        sums[key] = sums.get(key, 0) + lot.points
        if not lot.is_noticed:
            untold.add(key)
    return tuple(ExpiryNotice(*key, points) for key, points in sums.items() if key in untold)


def to_give(
    found: Iterable[ExpiryNotice], *, given: Collection[NoticeKey], active: Collection[UUID]
) -> list[ExpiryNotice]:
    """Those that nobody was given before, of active members."""
    return [notice for notice in found if notice.key not in given and notice.member_id in active]
