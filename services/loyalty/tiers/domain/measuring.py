"""What counts for a member at an instant, by the metric and the period of the tier set."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.programs.domain import ProgramDocument
from services.loyalty.programs.domain.ladder import QualificationPeriod, TierMetric, TierSet, Upgrade
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.domain.telling import Telling
from services.loyalty.tiers.domain.periods import (
    day_of,
    has_terms,
    look_back,
    period_start,
    span_of,
)
from services.loyalty.tiers.domain.records import Amount, TierRecord

LONG_AGO = datetime(1000, 1, 1, tzinfo=UTC)
LADDERS_KEPT = 1_000


@dataclass(frozen=True)
class Ladder:
    """A tier set with all that its decisions need of the document: the zone of its days, and the unit it looks at.

    ``own_unit`` is the program's first, of which lifetime sums are kept. ``in_force_from`` is when its version began;
    nothing is reviewed by rules that were not there yet. ``telling``: members are told before a review takes a tier.
    """

    tiers: TierSet
    zone: ZoneInfo
    unit: str
    own_unit: str
    in_force_from: datetime = LONG_AGO
    telling: Telling | None = None

    @classmethod
    def of(cls, document: ProgramDocument, *, in_force_from: datetime = LONG_AGO) -> "Ladder":
        """The ladder of a program."""
        own, tiers, policies = document.unit.code, document.tiers, document.policies
        telling = Telling(policies.downgrade_notice_days, policies.no_silent_downgrade)
        return cls(
            tiers,
            ZoneInfo(document.timezone),
            tiers.unit or own,
            own,
            in_force_from,
            telling if telling.days and tiers.period is not QualificationPeriod.LIFETIME else None,
        )

    @cached_property
    def mark(self) -> str:
        """What tells these rules from others."""
        return _mark(self.tiers, self.zone.key, self.unit, self.telling)

    def day(self, instant: datetime) -> date:
        """The day of an instant in the program's zone."""
        return day_of(instant, self.zone)

    @property
    def is_lifetime(self) -> bool:
        """Whether everything counts for ever and nothing is reviewed."""
        return self.tiers.period is QualificationPeriod.LIFETIME

    @property
    def has_reviews(self) -> bool:
        """Whether time alone can make something due by these rules."""
        return not self.is_lifetime or self.tiers.upgrade is Upgrade.PERIOD_START

    @property
    def needs_all(self) -> bool:
        """Whether a sum of all time is asked for that is not kept."""
        return self.is_lifetime and self.tiers.metric is TierMetric.POINTS_EARNED and self.unit != self.own_unit


@lru_cache(maxsize=LADDERS_KEPT)
def ladder_of(version: ProgramVersion) -> Ladder:
    """The ladder of a program version."""
    return Ladder.of(version.document, in_force_from=version.effective_from)


def _mark(tiers: TierSet, zone: str, unit: str, telling: Telling | None) -> str:
    words: tuple[object, ...] = (
        tiers.metric,
        unit,
        zone,
        tiers.period,
        tiers.span,
        tiers.resets,
        tiers.counts_pending,
        tiers.upgrade,
        tiers.downgrade,
        tiers.grace_days,
        [
            (level.code, level.threshold, level.retention, level.access.value, level.is_protected)
            for level in tiers.levels
        ],
    )
    if telling is not None:
        words += (telling.days, telling.policy.value)
    return hashlib.sha256(repr(words).encode()).hexdigest()[:16]


def counted(ladder: Ladder, record: TierRecord, *, first: date | None, last: date, at: datetime) -> int:
    """What counts from ``first`` (None: ever) to ``last``, both included, as it stood at ``at``."""
    metric = ladder.tiers.metric
    if metric is TierMetric.BALANCE:
        return record.balance
    if first is None and not ladder.needs_all:
        return _lifetime(ladder, record, at)
    return sum(
        amount
        for day, counted_at, amount in entries(ladder, record)
        if counted_at <= at and (first is None or first <= day) and day <= last
    )


def entries(ladder: Ladder, record: TierRecord) -> list[tuple[date, datetime, int]]:
    """Day, instant and amount of all that was read, in the metric. A visit is one a store and day: the first."""
    metric, unit, amounts = ladder.tiers.metric, ladder.unit, record.amounts
    if metric is TierMetric.VISITS:
        firsts: dict[tuple[UUID, date], datetime] = {}
        for each in amounts:
            if each.store_id is not None:
                place = each.store_id, each.day
                firsts[place] = min(firsts.get(place, each.counted_at), each.counted_at)
        return [(day, counted_at, 1) for (_, day), counted_at in firsts.items()]
    # A member may have hundreds of amounts, so that nothing is called for each.
    if metric is TierMetric.SPEND:
        return [(each.day, each.counted_at, each.spend_minor) for each in amounts if each.spend_minor]
    return [(each.day, each.counted_at, each.points) for each in amounts if each.points and each.unit == unit]


def climbing_from(ladder: Ladder, record: TierRecord, day: date) -> date | None:
    """The first day that counts on ``day`` towards reaching a tier; None: all days.

    What resets begins with the period (or, looking back from any day, with the latest downgrade); what does not reset
    looks back over the length of one period.
    """
    tiers = ladder.tiers
    if ladder.is_lifetime:
        return None
    back = look_back(day, span_of(tiers))
    if not tiers.resets:
        return back
    if has_terms(tiers):
        return period_start(tiers, anchor=anchor_of(ladder, record, day), day=day)
    return max(back, ladder.day(record.let_down_at)) if record.let_down_at else back


def climbed(ladder: Ladder, record: TierRecord, at: datetime) -> int:
    """What counts towards reaching a tier at an instant."""
    day = ladder.day(at)
    return counted(ladder, record, first=climbing_from(ladder, record, day), last=day, at=at)


def anchor_of(ladder: Ladder, record: TierRecord, day: date) -> date:
    """The day from which anniversaries count: that of the tier, of the first tier that of the enrollment."""
    is_first = record.tier_code in {None, ladder.tiers.levels[0].code} and record.let_down_at is None
    anchor = (record.enrolled_at or record.since) if is_first else record.since
    return min(day, ladder.day(anchor)) if anchor else day


def _lifetime(ladder: Ladder, record: TierRecord, at: datetime) -> int:
    metric = ladder.tiers.metric
    if metric is TierMetric.VISITS:
        return record.visits - sum(1 for _, counted_at, _ in entries(ladder, record) if counted_at > at)
    later = sum(_of(each, ladder) for each in record.amounts if each.counted_at > at)
    return (record.points_earned if metric is TierMetric.POINTS_EARNED else record.spend_minor) - later


def _of(amount: Amount, ladder: Ladder) -> int:
    if ladder.tiers.metric is TierMetric.SPEND:
        return amount.spend_minor
    return amount.points if amount.unit == ladder.unit else 0
