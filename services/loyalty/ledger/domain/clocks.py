"""When points begin and end, and what moves that: calendar arithmetic in a program's zone, and the clock of a lot.

Wall-clock times are added in the zone: a day is a calendar day, whatever its hours. A time that a change of clocks
skips is the same stretch after the change; one that comes twice is meant the first time.
"""

import calendar
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

DISTANT = datetime(9999, 1, 1, tzinfo=UTC)
"""The deadline of an awaited action that has none."""

ENDS_KEPT = 10_000
_LAST_YEAR = 9998
_MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


@dataclass(frozen=True, slots=True)
class Stretch:
    """``count`` calendar days or months (``unit``), and on to the end of the period ``until_end_of``."""

    count: int
    unit: str
    until_end_of: str = "none"

    def after(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Where it ends when it begins at an instant."""
        return _after(self, at, zone)


@lru_cache(maxsize=ENDS_KEPT)
def _after(stretch: Stretch, at: datetime, zone: ZoneInfo) -> datetime:
    # Replaying a holder's activities asks for the same ends, lot by lot.
    return end_of(added(at, stretch.count, stretch.unit, zone), stretch.until_end_of, zone)


@dataclass(frozen=True, slots=True)
class Sliding:
    """Each of ``activities`` begins the stretch anew; it never passes ``limit``."""

    stretch: Stretch
    activities: tuple[str, ...]
    limit: datetime | None = None

    def first_end(self, earned_at: datetime, activates_at: datetime, zone: ZoneInfo) -> datetime:
        """Where the first stretch ends, whatever the limit: from earning, or from activation if that is too soon."""
        end = self.stretch.after(earned_at, zone)
        return end if end > activates_at else self.stretch.after(activates_at, zone)

    def moved(self, end: datetime, at: datetime, zone: ZoneInfo) -> datetime:
        """Where an end is once one of the activities was shown at an instant: ends only move away."""
        new = self.stretch.after(at, zone)
        return max(end, new if self.limit is None else min(new, self.limit))


@dataclass(frozen=True, slots=True)
class Loss:
    """``percent`` of what is left is lost each time a stretch has passed without one of ``activities``."""

    percent: int
    stretch: Stretch
    activities: tuple[str, ...]

    def of(self, remaining: int) -> int:
        """How many of these points are lost: rounded up, so that the last point goes too."""
        return -(-remaining * self.percent // 100)


@dataclass(frozen=True, slots=True)
class Base:
    """The ends from which activities move on, where they are not those of the lot's birth: of a gift, or a grace."""

    expires_at: datetime | None
    loses_at: datetime | None


@dataclass(frozen=True, slots=True)
class LotClock:
    """What moves the end of a lot after its birth. ``earned_at`` is when it was earned, ``zone`` an IANA name.

    ``tier`` and ``enrolled_at`` are kept of a lot that awaits an action: its end is known once the action has come.
    ``losses`` parts have been lost since the ``base`` (None: the birth), and ``upcoming`` are the instants of those
    that follow the next one, where they don't follow from it. Activities that were noted after ``since`` count (None:
    after the lot was made).
    """

    zone: str
    earned_at: datetime
    sliding: Sliding | None = None
    loss: Loss | None = None
    tier: str | None = None
    enrolled_at: datetime | None = None
    base: Base | None = None
    since: UUID | None = None
    losses: int = 0
    upcoming: tuple[datetime, ...] = ()

    @property
    def zone_info(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.zone)


@dataclass(frozen=True, slots=True)
class Validity:
    """From when and until when points can be spent.

    With ``awaits_action`` they are pending until it is reported; ``activates_at`` is then the deadline at which they
    are canceled (``DISTANT``: none), and there is no end yet. ``loses_at`` is when the next part of them is lost.

    Raises:
        ValueError: an end that is not after the beginning.
    """

    activates_at: datetime
    expires_at: datetime | None = None
    loses_at: datetime | None = None
    awaits_action: str | None = None
    clock: LotClock | None = None

    def __post_init__(self) -> None:
        if self.expires_at is not None and self.expires_at <= self.activates_at:
            message = "points cannot end before they can be spent"
            raise ValueError(message)

    @property
    def action_deadline(self) -> datetime | None:
        """When awaited points are canceled; None when they wait for ever or for nothing."""
        return self.activates_at if self.awaits_action is not None and self.activates_at < DISTANT else None

    def after(self, activity: str, at: datetime) -> "Validity":
        """The validity once the member has shown an activity: ends only move away."""
        if self.clock is None or self.awaits_action is not None:
            return self
        zone, expires_at, loses_at = self.clock.zone_info, self.expires_at, self.loses_at
        sliding, loss = self.clock.sliding, self.clock.loss
        if sliding is not None and activity in sliding.activities and expires_at is not None:
            expires_at = sliding.moved(expires_at, at, zone)
        if loss is not None and activity in loss.activities and loses_at is not None:
            loses_at = max(loses_at, loss.stretch.after(at, zone))
        return self.ends_by(expires_at=expires_at, loses_at=loses_at)

    def at_base(self) -> "Validity":
        """The validity before any activity has moved it, and before any part was lost."""
        if self.clock is None or self.awaits_action is not None:
            return self
        if self.clock.base is not None:
            return self.ends_by(expires_at=self.clock.base.expires_at, loses_at=self.clock.base.loses_at)
        zone, expires_at, loses_at = self.clock.zone_info, self.expires_at, self.loses_at
        sliding, loss = self.clock.sliding, self.clock.loss
        if sliding is not None:
            end = sliding.first_end(self.clock.earned_at, self.activates_at, zone)
            expires_at = end if sliding.limit is None else min(end, sliding.limit)
        if loss is not None:
            loses_at = loss.stretch.after(self.activates_at, zone)
        return self.ends_by(expires_at=expires_at, loses_at=loses_at)

    def rebased(self, since: UUID | None) -> "Validity":
        """This validity as one from which activities noted after ``since`` move on, whatever had moved it before."""
        if self.clock is None:
            return self
        base = Base(self.expires_at, self.loses_at)
        clock = dataclasses.replace(self.clock, base=base, since=since, losses=0, upcoming=())
        return dataclasses.replace(self, clock=clock)

    def after_loss(self) -> "Validity":
        """The validity once the part that was due is lost."""
        assert self.clock is not None
        assert self.clock.loss is not None
        assert self.loses_at is not None
        following = self.clock.upcoming or (self.clock.loss.stretch.after(self.loses_at, self.clock.zone_info),)
        clock = dataclasses.replace(self.clock, losses=self.clock.losses + 1, upcoming=following[1:])
        return dataclasses.replace(self, loses_at=following[0], clock=clock)

    def resumed(self, at: datetime) -> "Validity":
        """The validity of points that are there again at an instant: what was due of none before it is over."""
        resumed = self
        while resumed.loses_at is not None and resumed.loses_at < at:
            resumed = resumed.after_loss()
        return resumed

    def ends_by(self, *, expires_at: datetime | None, loses_at: datetime | None) -> "Validity":
        """This validity with other ends."""
        return dataclasses.replace(self, expires_at=expires_at, loses_at=loses_at)


def added(at: datetime, count: int, unit: str, zone: ZoneInfo) -> datetime:
    """``count`` calendar days or months after an instant; the 31st becomes the last day of a shorter month."""
    local = at.astimezone(zone).replace(tzinfo=None)
    if unit == "day":
        return instant(local + timedelta(days=count), zone)
    return instant(datetime.combine(_months_after(local.date(), count), local.time()), zone)


def end_of(at: datetime, period: str, zone: ZoneInfo) -> datetime:
    """The end of the calendar period that holds an instant: where the next one begins. Weeks begin on Monday."""
    day = at.astimezone(zone).date()
    if period == "none":
        return at
    if period == "day":
        following = day + timedelta(days=1)
    elif period == "week":
        following = day - timedelta(days=day.weekday()) + timedelta(days=7)
    else:
        months = _MONTHS[period]
        first = day.replace(month=(day.month - 1) // months * months + 1, day=1)
        following = _months_after(first, months)
    return beginning_of(following, zone)


def beginning_of(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins in a zone."""
    return instant(datetime.combine(day, time()), zone)


def day_of_year(year: int, month: int, day: int) -> date:
    """A day of every year; 29 February is the 28th where there is none."""
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock time."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def clock_json(clock: LotClock) -> dict[str, Any]:
    """A clock as it is stored."""
    content: dict[str, Any] = {"zone": clock.zone, "earnedAt": clock.earned_at.isoformat()}
    if clock.sliding is not None:
        limit = clock.sliding.limit
        content["sliding"] = {
            "stretch": _stretch_json(clock.sliding.stretch),
            "activities": list(clock.sliding.activities),
            "limit": _instant_json(limit),
        }
    if clock.loss is not None:
        content["loss"] = {
            "percent": clock.loss.percent,
            "stretch": _stretch_json(clock.loss.stretch),
            "activities": list(clock.loss.activities),
        }
    if clock.tier is not None:
        content["tier"] = clock.tier
    if clock.enrolled_at is not None:
        content["enrolledAt"] = clock.enrolled_at.isoformat()
    if clock.base is not None:
        content["base"] = [_instant_json(clock.base.expires_at), _instant_json(clock.base.loses_at)]
    if clock.since is not None:
        content["since"] = str(clock.since)
    if clock.losses:
        content["losses"] = clock.losses
    if clock.upcoming:
        content["upcoming"] = [at.isoformat() for at in clock.upcoming]
    return content


def clock_of(content: Mapping[str, Any]) -> LotClock:
    """A clock that was stored."""
    sliding, loss, base = content.get("sliding"), content.get("loss"), content.get("base")
    since = content.get("since")
    return LotClock(
        zone=content["zone"],
        earned_at=datetime.fromisoformat(content["earnedAt"]),
        sliding=None
        if sliding is None
        else Sliding(
            Stretch(*sliding["stretch"]),
            tuple(sliding["activities"]),
            _instant_of(sliding["limit"]),
        ),
        loss=None if loss is None else Loss(loss["percent"], Stretch(*loss["stretch"]), tuple(loss["activities"])),
        tier=content.get("tier"),
        enrolled_at=_instant_of(content.get("enrolledAt")),
        base=None if base is None else Base(*map(_instant_of, base)),
        since=None if since is None else UUID(since),
        losses=content.get("losses", 0),
        upcoming=tuple(datetime.fromisoformat(at) for at in content.get("upcoming", ())),
    )


def _instant_json(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _instant_of(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored)


def _stretch_json(stretch: Stretch) -> list[Any]:
    return [stretch.count, stretch.unit, stretch.until_end_of]


def _months_after(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = min(index // 12, _LAST_YEAR), index % 12 + 1
    return day_of_year(year, month, day.day)
