"""A member's course through time: as amounts count, at the beginning of periods, at reviews, at the end of grace.

It is a function of the ladder, of what counts from when, and of time: what was due is decided at the instants at which
it was due, whenever somebody asks, so that it does not matter whether a job ran. At one instant amounts begin to count
first, then the tier is decided.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.loyalty.programs.domain.ladder import TierLevel, TierMetric, TierSet, Upgrade
from services.loyalty.tiers.domain.due import next_due, next_review, next_start
from services.loyalty.tiers.domain.measuring import Ladder, anchor_of, climbed, climbing_from, counted, entries
from services.loyalty.tiers.domain.periods import (
    ONE_DAY,
    has_terms,
    look_back,
    period_start,
    shifted,
    span_of,
    start_of,
)
from services.loyalty.tiers.domain.records import (
    ChangeKind,
    GraceBegun,
    Requalification,
    TierChange,
    TierMove,
    TierRecord,
)
from services.loyalty.tiers.domain.rungs import first_level, rung_below, rung_of, rung_reached
from services.loyalty.tiers.domain.sparing import is_told, spared, was_spared

_BEFORE = timedelta(microseconds=1)
PLAYED_MAX = 500
"""Of members with more amounts than these only the last three periods are played."""


class Course:
    """A record on its way through time, and what happened to it.

    One that is only ``played`` tells what would be: there a tier is kept for members who were not told in time only
    where that was decided in its time.
    """

    def __init__(self, ladder: Ladder, record: TierRecord, *, is_played: bool = False) -> None:
        self.ladder = ladder
        self.record = record
        self.is_played = is_played
        self.changes: list[TierChange] = []
        self.graces: list[GraceBegun] = []

    def branch(self) -> "Course":
        """Another that goes on from here."""
        course = Course(self.ladder, self.record, is_played=self.is_played)
        course.changes += self.changes
        course.graces += self.graces
        return course

    def outcome(self, event_id: UUID | None = None) -> Requalification:
        told = [change for change in self.changes if event_id is not None and change.event_id == event_id]
        record = scheduled(self.ladder, self.record)
        return Requalification(record, told[-1] if told else None, tuple(self.changes), tuple(self.graces))

    def run(self, until: datetime) -> None:
        """Decide what is due, at the instants at which it is."""
        self._adopt(until)
        while (due := next_due(self.ladder, self.record)) is not None and due <= until:
            self._decide(due)
        decided_at = self.record.decided_at
        self.record = replace(self.record, decided_at=max(decided_at, until) if decided_at else until)

    def arrive(self, at: datetime, event_id: UUID | None) -> None:
        """Something has begun to count."""
        if self.record.tier_code is None:
            code = first_level(self.ladder.tiers).code
            self.record = replace(self.record, tier_code=code, since=at, reached_with=self._spendable())
        if self.record.grace_from is not None and self._in_grace(at) >= self._held().keeps_at:
            self.record = replace(self.record, grace_from=None, grace_until=None)
        if self.ladder.tiers.upgrade is Upgrade.AT_ONCE:
            self._lift(climbed(self.ladder, self.record, at), at, ChangeKind.REACHED, event_id)

    def revise(self, revised: TierRecord, kind: ChangeKind, event_id: UUID, now: datetime) -> None:
        """Go on with other amounts, as if they had always been these.

        The difference is told by playing the member's course with the old and with the new amounts. Where the old ones
        do not lead to where the member is, as when older rules gave the tier, only a tier held by these sums is lost.
        """
        actual, first = self.record, first_level(self.ladder.tiers).code
        began = min((each.counted_at for each in revised.amounts if each.event_id == event_id), default=None)
        is_less = climbed(self.ladder, revised, now) <= climbed(self.ladder, actual, now)
        if self.ladder.is_lifetime and is_less and actual.since and began and actual.since < began:
            # Nothing was decided since it counted, and less decides nothing.
            self.record = revised
            return
        was = play(self.ladder, actual, until=now, about=began)
        if (was.tier_code or first) != (actual.tier_code or first):
            self._revise_by_sums(revised, kind, event_id, now)
            return
        will_be = play(self.ladder, revised, until=now, about=began)
        code = will_be.tier_code or first
        is_known = code != actual.tier_code or was.since == actual.since
        self.record = replace(
            revised,
            tier_code=code,
            since=will_be.since if is_known and will_be.since else actual.since,
            grace_from=will_be.grace_from,
            grace_until=will_be.grace_until,
            let_down_at=will_be.let_down_at,
        )
        if actual.tier_code is not None:
            self._tell(actual.tier_code, code, now, kind, event_id)

    def _revise_by_sums(self, revised: TierRecord, kind: ChangeKind, event_id: UUID, now: datetime) -> None:
        before, after = (
            rung_reached(self.ladder.tiers, climbed(self.ladder, each, now)) for each in (self.record, revised)
        )
        self.record = revised
        if after < before and self._rung() <= before:
            self.drop(after, event_id, now, kind)

    def reach_with(self, amount: int, event_id: UUID, now: datetime) -> None:
        """Hold what an amount reaches that could be spent when the present tier was reached, or what now can be."""
        rung = rung_reached(self.ladder.tiers, max(amount, self.record.balance))
        if rung > self._rung() and self.ladder.tiers.upgrade is Upgrade.AT_ONCE:
            self._move(rung, now, ChangeKind.REACHED, event_id)
        self.drop(rung, event_id, now)
        self.record = replace(self.record, reached_with=amount)

    def drop(self, rung: int, event_id: UUID, now: datetime, kind: ChangeKind = ChangeKind.REFUND) -> None:
        """Bring the member down to a level whose amount is no longer there."""
        if rung < self._rung():
            self._move(rung, now, kind, event_id)

    def _adopt(self, until: datetime) -> None:
        """Begin with these rules where the record was decided by others: from when they are in force."""
        record, ladder = self.record, self.ladder
        if record.ladder == ladder.mark:
            return
        known = [instant for instant in (record.decided_at, record.since) if instant is not None]
        begins = min(until, max([*known, ladder.in_force_from])) if known else until
        self.record = replace(record, ladder=ladder.mark, decided_at=begins)
        if ladder.is_lifetime:
            self.record = replace(self.record, grace_from=None, grace_until=None)
        if record.tier_code is not None and rung_of(ladder.tiers, record.tier_code) is None:
            code = ladder.tiers.levels[rung_reached(ladder.tiers, climbed(ladder, self.record, begins))].code
            self.record = replace(self.record, tier_code=code, since=begins, grace_from=None, grace_until=None)

    def _decide(self, at: datetime) -> None:
        cursor = self.record.decided_at
        assert cursor is not None, "nothing is due for a record that nothing has decided"
        begins = next((each for each in self.record.amounts if cursor < each.counted_at <= at), None)
        is_start = next_start(self.ladder, self.record, cursor) == at
        is_review = next_review(self.ladder, self.record, cursor) == at
        self.record = replace(self.record, decided_at=at)
        before = self.record.tier_code
        if begins is not None:
            self.arrive(at, begins.event_id)
        if is_start:
            self._lift(self._of_period(at), at, ChangeKind.PERIOD_START, None)
        if is_review and before == self.record.tier_code:
            self._review(at)
        given = self.record.given
        if given is not None and not given.is_held(at):
            self.record = replace(self.record, given=None)
            self._tell(given.code, self._held().code, at, ChangeKind.ENDED, None)

    def _review(self, at: datetime) -> None:
        grace = timedelta(days=self.ladder.tiers.grace_days)
        is_end = self.record.grace_until is not None
        found = self._in_grace(at) if is_end else self._of_period(at)
        level = self._held()
        if found >= level.keeps_at:
            self.record = replace(self.record, grace_from=None, grace_until=None)
        elif (is_end or not grace) and (until := self._spared_until(at)) > at:
            self.record = replace(self.record, grace_from=self.record.grace_from or at, grace_until=until)
        elif is_end or not grace:
            target = rung_below(self.ladder.tiers, self._rung(), found)
            self.record = replace(self.record, grace_from=None, grace_until=None, let_down_at=at)
            self._move(target, at, ChangeKind.GRACE_ENDED if is_end else ChangeKind.REVIEW, None)
        else:
            until = start_of(self.ladder.day(at) + grace, self.ladder.zone)
            self.record = replace(self.record, grace_from=at, grace_until=until)
            if self.record.given is None:
                self.graces.append(GraceBegun(level.code, level.keeps_at - found, at, until))

    def _spared_until(self, at: datetime) -> datetime:
        if self.is_played:
            return was_spared(self.record, at)
        until, self.record = spared(self.ladder, self.record, at)
        return until

    def _of_period(self, at: datetime) -> int:
        """What counted in the period that ends at ``at``; looking back, what counts then."""
        ladder, day = self.ladder, self.ladder.day(at)
        if has_terms(ladder.tiers):
            last = day - ONE_DAY
            first = period_start(ladder.tiers, anchor=anchor_of(ladder, self.record, last), day=last)
            return counted(ladder, self.record, first=first, last=last, at=at)
        return counted(ladder, self.record, first=climbing_from(ladder, self.record, day), last=day, at=at)

    def _in_grace(self, at: datetime) -> int:
        """What counts for a tier that a review has found too little for."""
        ladder, day = self.ladder, self.ladder.day(at)
        begun = self.record.grace_from
        assert begun is not None, "grace has begun"
        if not has_terms(ladder.tiers):
            return counted(ladder, self.record, first=look_back(day, span_of(ladder.tiers)), last=day, at=at)
        reviewed = ladder.day(begun) - ONE_DAY
        first = period_start(ladder.tiers, anchor=anchor_of(ladder, self.record, reviewed), day=reviewed)
        return counted(ladder, self.record, first=first, last=day, at=at)

    def _lift(self, amount: int, at: datetime, kind: ChangeKind, event_id: UUID | None) -> None:
        rung = rung_reached(self.ladder.tiers, amount)
        if rung > self._rung():
            self.record = replace(self.record, grace_from=None, grace_until=None)
            self._move(rung, at, kind, event_id)
            self.record = replace(self.record, reached_with=self._spendable())

    def _move(self, rung: int, at: datetime, kind: ChangeKind, event_id: UUID | None) -> None:
        before, after = self._held().code, self.ladder.tiers.levels[rung].code
        if before != after:
            self.record = replace(self.record, tier_code=after, since=at, reached_with=None)
            self._tell(before, after, at, kind, event_id)

    def _tell(self, before: str, after: str, at: datetime, kind: ChangeKind, event_id: UUID | None) -> None:
        # Under a tier that was given, the earned one moves unseen.
        if self.record.given is None and before != after:
            move = move_between(self.ladder.tiers, before, after)
            self.changes.append(TierChange(move, before, after, kind, at, event_id))

    def _spendable(self) -> int | None:
        return self.record.balance if self.ladder.tiers.metric is TierMetric.BALANCE else None

    def _rung(self) -> int:
        rung = rung_of(self.ladder.tiers, self.record.tier_code)
        return rung_reached(self.ladder.tiers, 0) if rung is None else rung

    def _held(self) -> TierLevel:
        return self.ladder.tiers.levels[self._rung()]


def move_between(tiers: TierSet, before: str, after: str) -> TierMove:
    """The direction of a change between two levels; from one that the ladder no longer has, it goes up."""
    came, went = rung_of(tiers, before), rung_of(tiers, after)
    return TierMove.DOWNGRADE if came is not None and went is not None and went < came else TierMove.UPGRADE


def next_loss(ladder: Ladder, record: TierRecord) -> datetime | None:
    """When the next review takes the tier that is seen, or the end of its grace does, if nothing more counts."""
    at = next_review(ladder, record, record.decided_at) if record.decided_at else None
    if at is None:
        return None
    grace = timedelta(0) if record.grace_until else timedelta(days=ladder.tiers.grace_days)
    end = start_of(ladder.day(at) + grace, ladder.zone) if grace else at
    course = Course(ladder, record, is_played=True)
    course.run(end)
    losses = {ChangeKind.REVIEW, ChangeKind.GRACE_ENDED}
    return end if any(change.at == end and change.kind in losses for change in course.changes) else None


def scheduled(ladder: Ladder, record: TierRecord) -> TierRecord:
    """The record with when something is due, and when its member is to be told of a loss."""
    next_at, notice_at = next_due(ladder, record), _next_notice(ladder, record)
    if (record.next_at, record.notice_at) == (next_at, notice_at):
        return record
    return replace(record, next_at=next_at, notice_at=notice_at)


def _next_notice(ladder: Ladder, record: TierRecord) -> datetime | None:
    lost_at = next_loss(ladder, record) if ladder.telling else None
    if ladder.telling is None or lost_at is None or is_told(ladder, record, lost_at):
        return None
    review = next_review(ladder, record, record.decided_at) if record.decided_at else None
    return (review or lost_at) - timedelta(days=ladder.telling.days_before)


def play(ladder: Ladder, record: TierRecord, *, until: datetime, about: datetime | None = None) -> TierRecord:
    """The course of a member from the first amount on, by the present rules.

    Of a long one, what is older than two periods before the instant that it is ``about`` is left out.
    """
    # An amount of which nothing is left has never been there.
    amounts = sorted((each for each in record.amounts if not each.is_empty), key=lambda each: each.counted_at)
    if ladder.is_lifetime and ladder.tiers.upgrade is Upgrade.AT_ONCE and ladder.tiers.metric is not TierMetric.BALANCE:
        return _climb(ladder, record, until=until)
    if len(amounts) > PLAYED_MAX and about is not None and not ladder.is_lifetime:
        first = shifted(ladder.day(about), span_of(ladder.tiers), -2)
        amounts = [each for each in amounts if each.day >= first]
    began = min((each.counted_at for each in amounts), default=until) - _BEFORE
    blank = _blank(ladder, replace(record, amounts=tuple(amounts)), min(began, until))
    course = Course(ladder, blank, is_played=True)
    course.run(until)
    return course.record


def _climb(ladder: Ladder, record: TierRecord, *, until: datetime) -> TierRecord:
    """The same where everything counts for ever: the sum only has to be gone through once."""
    arrivals = sorted((counted_at, amount) for _, counted_at, amount in entries(ladder, record) if counted_at <= until)
    others = [each.counted_at for each in record.amounts if each.counted_at <= until and not each.is_empty]
    total = climbed(ladder, record, until) - sum(amount for _, amount in arrivals)
    rung, since = rung_reached(ladder.tiers, total), min(others, default=None)
    for position, (counted_at, amount) in enumerate(arrivals):
        total += amount
        is_whole = position + 1 == len(arrivals) or arrivals[position + 1][0] != counted_at
        if is_whole and rung_reached(ladder.tiers, total) > rung:
            rung, since = rung_reached(ladder.tiers, total), counted_at
    # Sums from before amounts were kept hold a tier too, though nobody knows since when.
    code = ladder.tiers.levels[rung].code if since or rung > rung_reached(ladder.tiers, 0) else None
    return replace(_blank(ladder, record, until), tier_code=code, since=since)


def _blank(ladder: Ladder, record: TierRecord, decided_at: datetime) -> TierRecord:
    return replace(
        record,
        tier_code=None,
        since=None,
        decided_at=decided_at,
        grace_from=None,
        grace_until=None,
        let_down_at=None,
        given=None,
        ladder=ladder.mark,
    )
