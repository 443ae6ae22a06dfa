"""Writing down what counts, what tiers become of it, and what is told of it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from services.contracts.events.base import Event
from services.contracts.events.loyalty import TierChanged, TierEnding, TierGraceBegun, TierLost
from services.loyalty.ledger import service as ledger
from services.loyalty.members import queries as members
from services.loyalty.members.domain import MemberRef
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.programs.domain import ProgramDocument, TierMetric
from services.loyalty.programs.domain.telling import NoticeOutcome
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.stores import queries as stores
from services.loyalty.tiers import queries, repository
from services.loyalty.tiers.domain import (
    Amount,
    ChangeKind,
    Contribution,
    CountedPoints,
    GraceBegun,
    Ladder,
    ReleaseMemberTier,
    Requalification,
    SetMemberTier,
    TierChange,
    TierMove,
    TierNotice,
    TierRecord,
    count,
    first_level,
    give,
    ladder_of,
    needed_from,
    release,
    review_of,
)
from services.platform.db.session import Statement, UnitOfWork
from services.platform.ids import new_id
from services.platform.outbox import service as outbox
from services.platform.text import check_text

_ByKey: TypeAlias = dict[tuple[Any, ...], Amount]


@dataclass(frozen=True, slots=True)
class Counted:
    """What has become of a member's record, and the changes of tier on the way."""

    member_id: UUID
    before: TierRecord
    after: TierRecord
    changes: tuple[TierChange, ...] = ()


@dataclass(frozen=True, slots=True)
class ByHand:
    """Why staff changed a tier, and until when it was given."""

    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """Points of a purchase or an activity that waited for an action, and can be spent now."""

    event_id: UUID
    unit: str
    points: int


def set_member_tier(uow: UnitOfWork, *, command: SetMemberTier) -> UUID:
    """Give a member a tier; the member's id.

    Raises:
        InvalidInput: no reason, or an end that is not in the future.
        MemberNotFound, IdentityInvalid, ProgramNotPublished, TierNotInProgram
    """
    by_hand = ByHand(check_text(command.reason, field="reason"), command.until)

    def decide(ladder: Ladder, _member_id: UUID, record: TierRecord) -> Requalification:
        return give(ladder, record, code=command.tier_code, until=command.until, now=uow.now)

    return _by_hand(uow, command.member, by_hand, decide)


def release_member_tier(uow: UnitOfWork, *, command: ReleaseMemberTier) -> UUID:
    """End a tier that was given by hand; the member's id.

    Raises:
        InvalidInput: no reason.
        MemberNotFound, IdentityInvalid, ProgramNotPublished, TierNotGiven
    """
    by_hand = ByHand(check_text(command.reason, field="reason"))

    def decide(ladder: Ladder, member_id: UUID, record: TierRecord) -> Requalification:
        return release(ladder, record, member_id=member_id, now=uow.now)

    return _by_hand(uow, command.member, by_hand, decide)


def _by_hand(
    uow: UnitOfWork,
    member: MemberRef,
    by_hand: ByHand,
    decide: Callable[[Ladder, UUID, TierRecord], Requalification],
) -> UUID:
    member_id = members.resolved(uow, ref=member)
    if member_id not in ledger.lock_holders(uow, holder_ids=(member_id,)):
        raise MemberNotFound(member_id=member_id)
    versions = versions_read(uow, instants=(uow.now,))
    read = queries.record_read(uow, member_id=member_id)
    merchant_rows, version_rows, *rows = uow.fetch_pipeline(
        [stores.merchant_statement(uow), versions.statement, *read.statements]
    )
    version = in_force(versions.versions(version_rows), at=uow.now)
    if version is None:
        raise ProgramNotPublished
    ladder = ladder_of(version)
    before = read.completed(read.records(rows), ladder)[member_id]
    result = decide(ladder, member_id, before)
    letters = letters_of(
        result.changes,
        result.graces,
        member_id=member_id,
        document=version.document,
        merchant_name=stores.merchant_name_of(merchant_rows),
    )
    statements = writing_statements(
        uow, ladder, (Counted(member_id, before, result.record, result.changes),), by_hand=by_hand
    )
    statements += [outbox.publish_statement(uow, letter) for letter in letters]
    uow.fetch_pipeline(statements)
    return member_id


def count_begun(uow: UnitOfWork, *, begun: Mapping[UUID, Sequence[Begun]]) -> None:
    """Count points that an action has let begin, by member, from now on; nothing where pending points count anyway.

    The members are locked.

    Raises:
        QualifyingSumTooLarge
    """
    versions = versions_read(uow, instants=(uow.now,))
    read = queries.records_read(uow, member_ids=sorted(begun))
    merchant_rows, version_rows, *rows = uow.fetch_pipeline(
        [stores.merchant_statement(uow), versions.statement, *read.statements]
    )
    version = in_force(versions.versions(version_rows), at=uow.now)
    if version is None or version.document.tiers.counts_pending:
        return
    ladder = ladder_of(version)
    counted: list[Counted] = []
    letters: list[Event] = []
    for member_id, before in read.completed(read.records(rows), ladder).items():
        after = before
        changes: tuple[TierChange, ...] = ()
        for each in begun[member_id]:
            contribution = Contribution(each.event_id, uow.now, points=(CountedPoints(each.unit, each.points),))
            result = count(ladder, after, contribution, now=uow.now)
            after, changes = result.record, (*changes, *result.changes)
        counted.append(Counted(member_id, before, after, changes))
        letters += letters_of(
            changes,
            member_id=member_id,
            document=version.document,
            merchant_name=stores.merchant_name_of(merchant_rows),
        )
    statements = writing_statements(uow, ladder, counted)
    statements += [outbox.publish_statement(uow, letter) for letter in letters]
    uow.fetch_pipeline(statements)


def writing_statements(
    uow: UnitOfWork, ladder: Ladder, counted: Iterable[Counted], *, by_hand: ByHand | None = None
) -> list[Statement]:
    """What writes the new records of members, each named once, with amounts and history; nothing for no change."""
    changed = [one for one in counted if one.after != one.before]
    amounts: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    for one in changed:
        before, after = _differing(one.before.amounts, one.after.amounts)
        amounts += [
            repository.amount_row(one.member_id, amount) for key, amount in after.items() if before.get(key) != amount
        ]
        gone += [repository.amount_row(one.member_id, before[key]) for key in before.keys() - after.keys()]
    return [
        *repository.rows_statement(repository.FORGET_AMOUNTS, gone),
        *repository.rows_statement(repository.WRITE_AMOUNTS, amounts),
        *repository.rows_statement(repository.WRITE, [_record_row(ladder, one) for one in changed]),
        *repository.rows_statement(
            repository.INSERT_CHANGES,
            [_change_row(uow, one.member_id, change, by_hand) for one in changed for change in one.changes],
        ),
        *repository.rows_statement(
            repository.WRITE_NOTICES,
            [
                repository.notice_row(one.member_id, notice)
                for one in changed
                for notice in one.after.notices
                if notice not in one.before.notices
            ],
        ),
    ]


def settle_notice(uow: UnitOfWork, *, notice_id: UUID, outcome: str) -> None:
    """Note what became of a notice, as of now; what was noted first stands."""
    uow.execute(repository.SETTLE_NOTICE, {"id": notice_id, "outcome": NoticeOutcome(outcome).value, "now": uow.now})


def settle_notices(uow: UnitOfWork) -> int:
    """Note that every notice was taken of which nothing is known; how many."""
    return uow.execute(repository.SETTLE_NOTICES, {"now": uow.now})


def ending_letter(
    notice: TierNotice,
    record: TierRecord,
    *,
    member_id: UUID,
    document: ProgramDocument,
    ladder: Ladder,
    merchant_name: str,
    now: datetime,
) -> TierEnding:
    """What tells a member, for the first time or anew, that a review will take the tier."""
    assert notice.id is not None, "it is given"
    assert notice.told_of is not None, "it is given"
    review = review_of(document, ladder, record, now=now)
    way = review.way if review else None
    unit = next((unit for unit in document.units if unit.code == ladder.unit), document.unit)
    is_of_points = ladder.tiers.metric in {TierMetric.POINTS_EARNED, TierMetric.BALANCE}
    name = document.tiers.level(notice.tier_code).name
    return TierEnding(
        notice_id=notice.id,
        member_id=member_id,
        tier=notice.tier_code,
        merchant_name=merchant_name,
        tier_name_en=name.en,
        tier_name_zh=name.zh,
        ends_at=notice.told_of,
        timezone=document.timezone,
        points=way.amount if way and is_of_points else None,
        unit_name_en=unit.name.en,
        unit_name_zh=unit.name.zh,
        unit_scale=unit.scale,
        visits=way.visits if way else None,
        spend_minor=way.spend_minor if way else None,
        currency=document.currency,
    )


def letters_of(
    changes: Collection[TierChange],
    graces: Collection[GraceBegun] = (),
    *,
    member_id: UUID,
    document: ProgramDocument,
    merchant_name: str,
) -> list[Event]:
    """What tells of changes of tier, and of times of grace that have begun, in their order."""
    names = {level.code: level.name for level in document.tiers.levels}
    letters: list[Event] = []
    for change in changes:
        letters.append(
            TierChanged(
                member_id=member_id,
                from_tier=change.from_code,
                to_tier=change.to_code,
                reason=change.kind.value,
                occurred_at=change.at,
            )
        )
        came, went = names.get(change.from_code), names.get(change.to_code)
        if change.move is TierMove.DOWNGRADE and came and went and change.at and came != went:
            letters.append(
                TierLost(
                    member_id=member_id,
                    merchant_name=merchant_name,
                    from_name_en=came.en,
                    from_name_zh=came.zh,
                    tier_name_en=went.en,
                    tier_name_zh=went.zh,
                    reason=change.kind.value,
                    occurred_at=change.at,
                    timezone=document.timezone,
                )
            )
    for grace in graces:
        name = names[grace.code]
        letters.append(
            TierGraceBegun(
                member_id=member_id,
                tier=grace.code,
                merchant_name=merchant_name,
                tier_name_en=name.en,
                tier_name_zh=name.zh,
                began_at=grace.at,
                ends_at=grace.until,
                timezone=document.timezone,
            )
        )
    return letters


def _differing(before: tuple[Amount, ...], after: tuple[Amount, ...]) -> tuple[_ByKey, _ByKey]:
    """Amounts by their keys, without those that have been there and have stayed."""
    if after[: len(before)] == before:
        # Nearly always: something was counted, and a member may have hundreds of amounts.
        before, after = (), after[len(before) :]
    return {_key(amount): amount for amount in before}, {_key(amount): amount for amount in after}


def _key(amount: Amount) -> tuple[Any, ...]:
    return amount.event_id, amount.unit, amount.counted_at


def _record_row(ladder: Ladder, one: Counted) -> dict[str, Any]:
    before, after = one.before, one.after
    next_at = after.next_at
    if before.next_at is not None and next_at is not None and after.decided_at is not None:
        # Too early is harmless, and an index entry that stays is cheaper than one that moves with every purchase.
        next_at = before.next_at if after.decided_at < before.next_at <= next_at else next_at
    return {
        "member_id": one.member_id,
        "tier_code": after.tier_code or first_level(ladder.tiers).code,
        "points_earned": after.points_earned - before.points_earned,
        "spend_minor": after.spend_minor - before.spend_minor,
        "visits": after.visits - before.visits,
        "since": after.since or after.decided_at,
        "decided_at": after.decided_at,
        "grace_from": after.grace_from,
        "grace_until": after.grace_until,
        "let_down_at": after.let_down_at,
        "next_at": next_at,
        "amounts_from": needed_from(ladder, after),
        "ladder": after.ladder,
        "given_code": after.given.code if after.given else None,
        "given_since": after.given.since if after.given else None,
        "given_until": after.given.until if after.given else None,
        "notice_at": after.notice_at,
        "reached_with": after.reached_with,
    }


def _change_row(uow: UnitOfWork, member_id: UUID, change: TierChange, by_hand: ByHand | None) -> dict[str, Any]:
    if change.kind not in {ChangeKind.GIVEN, ChangeKind.RELEASED}:
        by_hand = None
    return {
        "id": new_id(),
        "member_id": member_id,
        "from_code": change.from_code,
        "to_code": change.to_code,
        "kind": change.kind.value,
        "event_id": change.event_id,
        "reason": by_hand.reason if by_hand else None,
        "until": by_hand.until if by_hand else None,
        "actor_kind": uow.actor.kind.value,
        "actor_id": uow.actor.id,
        "at": change.at or uow.now,
        "recorded_at": uow.now,
    }
