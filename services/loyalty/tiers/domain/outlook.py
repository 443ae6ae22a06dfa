"""Where a member stands and is going: to the next tier, to stay, and the cheapest way there."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import cached_property
from uuid import UUID

from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.programs.domain.ladder import TierLevel, Upgrade
from services.loyalty.tiers.domain.climbing import TierProgress, progress
from services.loyalty.tiers.domain.course import Course
from services.loyalty.tiers.domain.deciding import level_at, settle
from services.loyalty.tiers.domain.due import next_review
from services.loyalty.tiers.domain.measuring import Ladder, anchor_of, climbed, counted
from services.loyalty.tiers.domain.periods import ONE_DAY, has_terms, look_back, period_start, span_of, start_of
from services.loyalty.tiers.domain.records import GivenTier, TierRecord
from services.loyalty.tiers.domain.rungs import earned_rungs, rung_of, rung_reached
from services.loyalty.tiers.domain.ways import Way, cheapest_way

_FRACTION_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class TierReview:
    """The next look at whether the earned tier stays, in the tier set's metric.

    At ``at`` (the end of grace, when that has begun) ``keeps_at`` is asked for and ``counted`` of it is there, pending
    amounts that count by then included; ``missing`` has to come before. ``projected`` is the tier after it, and after
    its time of grace, when nothing more counts. ``way`` is the cheapest way to stay; None when nothing is missing.
    """

    at: datetime
    keeps_at: int
    counted: int
    missing: int
    grace_until: datetime | None
    projected: TierLevel
    way: Way | None


@dataclass(frozen=True)
class MemberStanding:
    """Where a member stands now. ``level`` is the tier held, given by hand or earned.

    ``points_earned`` and ``spend_minor`` are of all time. A change of thresholds alone never takes a tier away. Where
    the member is going is worked out when it is asked for: a page of members asks for little of it.
    """

    member_id: UUID
    level: TierLevel
    since: datetime | None
    points_earned: int
    spend_minor: int
    given: GivenTier | None
    _document: ProgramDocument = field(repr=False)
    _ladder: Ladder = field(repr=False)
    _settled: TierRecord = field(repr=False)
    _now: datetime = field(repr=False)

    @cached_property
    def earned(self) -> TierLevel:
        """The tier by what counts."""
        return level_at(self._ladder.tiers, replace(self._settled, given=None), at=self._now)

    @cached_property
    def progress(self) -> TierProgress:
        """The way to the next tier."""
        return progress_of(self._ladder, self._settled, now=self._now)

    @cached_property
    def review(self) -> TierReview | None:
        """The next review; None where none can take the tier away."""
        return review_of(self._document, self._ladder, self._settled, now=self._now)

    @cached_property
    def way(self) -> Way | None:
        """The cheapest way to the next tier; None where nothing is missing."""
        return cheapest_way(self._document, self._ladder, self.earned, self.progress.missing, at=self._now)


def standing_of(
    document: ProgramDocument, ladder: Ladder, record: TierRecord, *, member_id: UUID, now: datetime
) -> MemberStanding:
    """Where a member stands at an instant, all that was due decided."""
    is_blank = record.tier_code is None
    settled = settle(ladder, record, now=now).record
    given = settled.given if settled.given is not None and settled.given.is_held(now) else None
    since = given.since if given is not None else settled.since
    return MemberStanding(
        member_id=member_id,
        level=level_at(ladder.tiers, settled, at=now),
        since=None if is_blank and given is None else since,
        points_earned=settled.points_earned,
        spend_minor=settled.spend_minor,
        given=given,
        _document=document,
        _ladder=ladder,
        _settled=settled,
        _now=now,
    )


def progress_of(ladder: Ladder, record: TierRecord, *, now: datetime) -> TierProgress:
    """The way to the next tier that is earned, from what counts for climbing now."""
    tiers, amount = ladder.tiers, climbed(ladder, record, now)
    levels = [tiers.levels[rung] for rung in earned_rungs(tiers)]
    if ladder.is_lifetime:
        return progress(levels, amount)
    rung = rung_of(tiers, record.tier_code)
    reached = rung_reached(tiers, amount)
    # One who has enough and waits for the period to begin is on the way to what they will have then.
    waits = tiers.upgrade is Upgrade.PERIOD_START
    stands = reached if rung is None else rung if waits else max(rung, reached)
    current = tiers.levels[stands]
    above = [tiers.levels[place] for place in earned_rungs(tiers) if place > stands]
    if not above or tiers.upgrade is Upgrade.NONE:
        return TierProgress(amount, current, None, 0, 0, 0, Decimal(1))
    target = above[0].threshold
    gained = min(max(0, amount), target)
    fraction = (Decimal(gained) / Decimal(target)).quantize(_FRACTION_STEP, rounding=ROUND_FLOOR)
    return TierProgress(amount, current, above[0], gained, target, max(0, target - amount), fraction)


def review_of(document: ProgramDocument, ladder: Ladder, record: TierRecord, *, now: datetime) -> TierReview | None:
    """The next review of a record in which all that was due is decided."""
    at = next_review(ladder, record, now)
    rung = rung_of(ladder.tiers, record.tier_code)
    if at is None or rung is None:
        return None
    level = ladder.tiers.levels[rung]
    there = _looked_at(ladder, record, at)
    missing = max(0, level.keeps_at - there)
    grace = timedelta(0) if record.grace_until else timedelta(days=ladder.tiers.grace_days)
    end = start_of(ladder.day(at) + grace, ladder.zone)
    course = Course(ladder, replace(record, given=None), is_played=True)
    course.run(max(at, end))
    return TierReview(
        at=at,
        keeps_at=level.keeps_at,
        counted=there,
        missing=missing,
        grace_until=record.grace_until,
        projected=level_at(ladder.tiers, course.record, at=end),
        way=cheapest_way(document, ladder, level, missing, at=now),
    )


def _looked_at(ladder: Ladder, record: TierRecord, at: datetime) -> int:
    """What the review at an instant will find of what is known."""
    day = ladder.day(at)
    if not has_terms(ladder.tiers):
        return counted(ladder, record, first=look_back(day, span_of(ladder.tiers)), last=day, at=at)
    last = (ladder.day(record.grace_from) if record.grace_from else day) - ONE_DAY
    first = period_start(ladder.tiers, anchor=anchor_of(ladder, record, last), day=last)
    return counted(ladder, record, first=first, last=day if record.grace_from else last, at=at)
