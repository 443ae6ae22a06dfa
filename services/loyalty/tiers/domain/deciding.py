"""What callers ask of tiers: count an event, take it back, decide what was due, tell the level."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.loyalty.programs.domain.ladder import Crossing, TierLevel, TierMetric, TierSet
from services.loyalty.tiers.domain.contributing import amounts_of, reduced, with_amounts, without_event
from services.loyalty.tiers.domain.course import Course, next_loss, scheduled
from services.loyalty.tiers.domain.measuring import Ladder, anchor_of
from services.loyalty.tiers.domain.periods import has_terms, period_start
from services.loyalty.tiers.domain.records import (
    ChangeKind,
    Contribution,
    Requalification,
    Standing,
    TierNotice,
    TierRecord,
)
from services.loyalty.tiers.domain.rungs import first_level, rung_of
from services.loyalty.tiers.domain.sparing import told
from services.platform.ids import new_id


def settle(ladder: Ladder, record: TierRecord, *, now: datetime) -> Requalification:
    """Decide all that was due until ``now``."""
    return settled_course(ladder, record, now=now).outcome()


def settled_course(ladder: Ladder, record: TierRecord, *, now: datetime) -> Course:
    """The same as a course that has come to ``now``, for `count_in`."""
    course = Course(ladder, record)
    course.run(now)
    return course


def tell(
    ladder: Ladder, record: TierRecord, *, now: datetime, is_reachable: bool
) -> tuple[TierRecord, TierNotice | None]:
    """Tell a member now, if that is due, that a review will take the tier; the notice, None if it is not due.

    All that was due is decided. Who can't be reached is noted as that.
    """
    lost_at = next_loss(ladder, record)
    if record.notice_at is None or record.notice_at > now or lost_at is None:
        return record, None
    after, notice = told(ladder, record, lost_at, notice_id=new_id(), now=now, is_reachable=is_reachable)
    return scheduled(ladder, after), notice


def count(ladder: Ladder, record: TierRecord, contribution: Contribution, *, now: datetime) -> Requalification:
    """Add what an event contributes, and lift the member where that is due.

    An event of a period that has been reviewed counts there, as if it had been known: that needs a whole record.

    Raises:
        QualifyingSumTooLarge
    """
    return count_in(settled_course(ladder, record, now=now), contribution, now=now)


def count_in(settled: Course, contribution: Contribution, *, now: datetime) -> Requalification:
    """`count` in a course that has come to ``now``, which is left as it is."""
    ladder, course = settled.ladder, settled.branch()
    if contribution.balance is not None:
        course.record = replace(course.record, balance=contribution.balance)
    is_late = _is_late(ladder, course.record, contribution)
    added = amounts_of(ladder, contribution, counts_at=contribution.occurred_at if is_late else now)
    if not added:
        return course.outcome()
    if is_late:
        course.revise(with_amounts(ladder, course.record, added), ChangeKind.LATE, contribution.event_id, now)
    else:
        course.record = with_amounts(ladder, course.record, added)
    course.arrive(now, contribution.event_id)
    return course.outcome(contribution.event_id)


def uncount(
    ladder: Ladder,
    record: TierRecord,
    *,
    event_id: UUID,
    standing: Standing,
    now: datetime,
    was: Standing | None = None,
    balance: int | None = None,
) -> Requalification:
    """Bring an event's contribution to what is left of it, in the period in which it counted.

    The member is left as if the rest had never been: a tier that only this event gained is lost at once, whatever the
    policy of reviews. ``record`` must be whole. ``was`` is what stood before; an event that an older release counted in
    the sums alone needs it. ``balance`` is what can be spent after it, for a ladder that looks at that.

    Raises:
        QualifyingSumTooLarge: more came back than was there, as when a negative line is returned.
    """
    course = Course(ladder, record)
    course.run(now)
    revised = reduced(ladder, course.record, event_id, was=was, standing=standing)
    if was is not None and all(each.event_id != event_id for each in record.amounts):
        revised = _reduced_sums(ladder, course.record, was, standing)
    if ladder.tiers.metric is TierMetric.BALANCE:
        began = min((each.counted_at for each in record.amounts if each.event_id == event_id), default=now)
        left = replace(revised, balance=revised.balance if balance is None else balance)
        return _with_balance(course, left, event_id, began, now)
    course.revise(revised, ChangeKind.REFUND, event_id, now)
    return course.outcome(event_id)


def recount(ladder: Ladder, record: TierRecord, contribution: Contribution, *, now: datetime) -> Requalification:
    """Count an event as if it had contributed this from the first, as when a receipt is rung up anew.

    ``record`` must be whole.

    Raises:
        QualifyingSumTooLarge
    """
    course = Course(ladder, record)
    course.run(now)
    event_id = contribution.event_id
    mine = [each.counted_at for each in course.record.amounts if each.event_id == event_id]
    if not mine:
        return count(ladder, record, contribution, now=now)
    added = amounts_of(ladder, contribution, counts_at=min(mine))
    revised = with_amounts(ladder, without_event(ladder, course.record, event_id), added)
    if ladder.tiers.metric is TierMetric.BALANCE and contribution.balance is not None:
        return _with_balance(course, replace(revised, balance=contribution.balance), event_id, min(mine), now)
    course.revise(revised, ChangeKind.REFUND, event_id, now)
    return course.outcome(event_id)


def _with_balance(
    course: Course, revised: TierRecord, event_id: UUID, began: datetime, now: datetime
) -> Requalification:
    """Up where what can be spent now reaches, and to what was reached since the event began to count, had it been this.

    What was spent after the tier was reached took nothing from it, and takes nothing now.
    """
    before, since = course.record, course.record.since
    course.record = revised
    course.arrive(now, event_id)
    if since is not None and began <= since == course.record.since:
        more = _counted_by(course.ladder, revised, event_id, since) - _counted_by(
            course.ladder, before, event_id, since
        )
        reached_with = revised.balance if before.reached_with is None else before.reached_with + more
        course.reach_with(reached_with, event_id, now)
    return course.outcome(event_id)


def _counted_by(ladder: Ladder, record: TierRecord, event_id: UUID, at: datetime) -> int:
    mine = (each for each in record.amounts if each.event_id == event_id and each.unit == ladder.unit)
    return sum(each.points for each in mine if each.counted_at <= at)


def crossing_level(ladder: Ladder, record: TierRecord, contribution: Contribution, *, now: datetime) -> TierLevel:
    """The level at which an event earns, by policy: that held before it, or that it reaches."""
    if ladder.tiers.crossing is Crossing.NEW:
        return level_at(ladder.tiers, count(ladder, record, contribution, now=now).record, at=now)
    return level_at(ladder.tiers, settle(ladder, record, now=now).record, at=now)


def level_at(tiers: TierSet, record: TierRecord, *, at: datetime) -> TierLevel:
    """The level of a record in which all that was due is decided: the one given by hand, else the one earned.

    In a tier set that does not know the code, as of an older version, it is the first.
    """
    given = record.given
    code = given.code if given is not None and given.is_held(at) else record.tier_code
    rung = rung_of(tiers, code)
    if rung is None:
        rung = rung_of(tiers, record.tier_code)
    return first_level(tiers) if rung is None else tiers.levels[rung]


def _is_late(ladder: Ladder, record: TierRecord, contribution: Contribution) -> bool:
    """Whether it happened in a period that is over. One of which nothing stands any more has had no period yet."""
    if not has_terms(ladder.tiers) or record.decided_at is None or not record.stands:
        return False
    today = ladder.day(record.decided_at)
    start = period_start(ladder.tiers, anchor=anchor_of(ladder, record, today), day=today)
    return ladder.day(contribution.occurred_at) < start


def _reduced_sums(ladder: Ladder, record: TierRecord, was: Standing, standing: Standing) -> TierRecord:
    points = was.points.get(ladder.own_unit, 0) - standing.points.get(ladder.own_unit, 0)
    return replace(
        record,
        points_earned=record.points_earned - points,
        spend_minor=record.spend_minor - (was.spend_minor - standing.spend_minor),
    )
