"""What an activity has to do with tiers: the one by which it earns, and what it counts for the next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.contracts.events.base import Event
from services.loyalty.activities.domain import Activity, Happening
from services.loyalty.ledger.domain import Lot, LotState
from services.loyalty.programs.domain import Trigger
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.tiers import service as tiers
from services.loyalty.tiers.domain import (
    Contribution,
    CountedPoints,
    Ladder,
    Requalification,
    Standing,
    TierRecord,
    count,
    crossing_level,
    ladder_of,
    uncount,
)
from services.loyalty.tiers.service import Counted
from services.platform.db.session import Statement, UnitOfWork
from services.platform.outbox import service as outbox


@dataclass(frozen=True, slots=True)
class Counting:
    """What became of a member's record by an activity, on the ladder of the version in force now."""

    member_id: UUID
    before: TierRecord
    requalification: Requalification
    present: ProgramVersion

    @property
    def ladder(self) -> Ladder:
        """The ladder."""
        return ladder_of(self.present)

    @property
    def codes(self) -> tuple[str | None, str | None]:
        """The tiers before and after; None twice without a change."""
        change = self.requalification.change
        return (change.from_code, change.to_code) if change else (None, None)


def tier_of(
    version: ProgramVersion, record: TierRecord, happening: Happening, *, activity_id: UUID, now: datetime
) -> str:
    """The code of the tier by which an activity earns."""
    return crossing_level(ladder_of(version), record, _visit(happening, activity_id), now=now).code


def counted(
    present: ProgramVersion,
    record: TierRecord,
    happening: Happening,
    *,
    activity_id: UUID,
    member_id: UUID,
    lots: Iterable[Lot],
    balance: int,
    now: datetime,
) -> Counting:
    """What an activity does to the tier: its points, and a check-in is a visit.

    Raises:
        QualifyingSumTooLarge
    """
    ladder = ladder_of(present)
    points = tuple(
        CountedPoints(lot.unit, lot.amount, lot.activates_at if lot.state is LotState.PENDING else None)
        for lot in lots
        # What waits for an action counts when that has come, unless the ladder counts pending points.
        if lot.awaits_action is None or ladder.tiers.counts_pending
    )
    visit = _visit(happening, activity_id)
    contribution = Contribution(
        event_id=activity_id,
        occurred_at=happening.occurred_at,
        store_id=visit.store_id,
        points=points,
        balance=balance,
    )
    return Counting(member_id, record, count(ladder, record, contribution, now=now), present)


def uncounted(
    present: ProgramVersion, record: TierRecord, activity: Activity, *, balance: int, now: datetime
) -> Counting:
    """What it does to the tier that nothing is left of an activity. The record must be whole."""
    nothing = Standing(points={}, spend_minor=0, is_visit=False)
    changed = uncount(ladder_of(present), record, event_id=activity.id, standing=nothing, now=now, balance=balance)
    return Counting(activity.member_id, record, changed, present)


def counting_statements(uow: UnitOfWork, countings: Iterable[Counting], *, merchant_name: str) -> list[Statement]:
    """What writes records, each member's once, and what tells of tiers that changed."""
    found = list(countings)
    if not found:
        return []
    changed = [
        Counted(one.member_id, one.before, one.requalification.record, one.requalification.changes) for one in found
    ]
    told: list[tuple[UnitOfWork, Event]] = [
        (uow, letter)
        for one in found
        for letter in tiers.letters_of(
            one.requalification.changes,
            one.requalification.graces,
            member_id=one.member_id,
            document=one.present.document,
            merchant_name=merchant_name,
        )
    ]
    # All of one transaction are counted at one instant, so that one version is in force for them.
    statements = tiers.writing_statements(uow, found[0].ladder, changed)
    return [*statements, outbox.publish_all_statement(told)] if told else statements


def _visit(happening: Happening, activity_id: UUID) -> Contribution:
    is_visit = happening.trigger is Trigger.CHECK_IN
    return Contribution(activity_id, happening.occurred_at, store_id=happening.store_id if is_visit else None)
