"""Notices that points will end: one for a member, a unit and a day, with the sum."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.ledger.domain.clocks import beginning_of, end_of
from services.loyalty.ledger.domain.holdings import EndingLot
from services.loyalty.programs.domain import Policies
from services.loyalty.programs.domain.telling import NoticeOutcome, Telling, Verdict
from services.platform.ids import new_id

DECISION_LEAD = timedelta(days=3)
"""How long before their day it is decided whether points end: longer than any worker is away."""
_UNTOLD = frozenset({Verdict.KEPT, Verdict.WOULD_KEEP, Verdict.GIVEN_UP})
"""Verdicts by which nobody was told in time of the day itself."""
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
    id: UUID | None = None
    """Under which it is told what became of it; None until it is given."""

    @property
    def key(self) -> NoticeKey:
        """Of notices with one key only the first is given."""
        return self.member_id, self.unit, self.ends_on


@dataclass(frozen=True, slots=True)
class OpenNotice:
    """A notice of which it is still to be decided whether its points end."""

    id: UUID
    member_id: UUID
    unit: str
    ends_on: date
    outcome: NoticeOutcome | None
    settled_at: datetime | None


def days_told_before(policies: Policies) -> int:
    """How many days before an end its member is told, so that a channel has taken it when the days begin that count."""
    return Telling(policies.expiry_notice_days, policies.no_silent_expiry).days_before


def last_day(ends_at: datetime, zone: ZoneInfo) -> date:
    """The last day on which points can be spent that end then."""
    return (ends_at - _MOMENT).astimezone(zone).date()


def decision_at(ends_on: date, zone: ZoneInfo) -> datetime:
    """When it is decided whether points end on a day."""
    return beginning_of(ends_on, zone) - DECISION_LEAD


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
        key = lot.holder_id, lot.unit, last_day(lot.expires_at, zone)
        sums[key] = sums.get(key, 0) + lot.points
        if not lot.is_noticed:
            untold.add(key)
    return tuple(ExpiryNotice(*key, points) for key, points in sums.items() if key in untold)


def to_give(
    found: Iterable[ExpiryNotice], *, given: Collection[NoticeKey], active: Collection[UUID]
) -> list[ExpiryNotice]:
    """Those that nobody was given before, of active members, each with an id of its own."""
    return [
        dataclasses.replace(notice, id=new_id())
        for notice in found
        if notice.key not in given and notice.member_id in active
    ]


def to_reopen(
    found: Iterable[ExpiryNotice], *, given: Mapping[NoticeKey, Verdict | None], active: Collection[UUID]
) -> list[ExpiryNotice]:
    """Those about days of which it was decided before these points were to end then, and nobody was told in time."""
    return [notice for notice in found if given.get(notice.key) in _UNTOLD and notice.member_id in active]
