"""The inverse of an activity: what it had earned is taken back, and its caps have their room again.

Of what cannot be taken back the room stays taken: who keeps points has had what the cap lets them have.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from services.loyalty.activities import queries, repository
from services.loyalty.activities.domain import Activity
from services.loyalty.activities.service import ranking
from services.loyalty.activities.service.judging import REFERENCE
from services.loyalty.activities.service.scene import scene_read
from services.loyalty.earning.domain import CapKey, CapSubject, parse_frozen
from services.loyalty.earning.service import change_caps_statements
from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Reference, allocate_clawback, clawback_entry, draw_from, spending_order
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.programs.domain import CapMeasure, OwingPolicy
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.tiers.domain import ladder_of
from services.platform.db.session import Statement, UnitOfWork


def withdraw(uow: UnitOfWork, *, source: str, external_id: str, member_id: UUID) -> dict[str, int]:
    """Take back what an activity of a member earned; what was not there to take, by unit.

    Taken are its pending points, its lots, then others that expire soonest, then what the program lets members owe.
    What holds keep of its lots was not there, and is taken when they release it. Where there is no such activity, or
    it was withdrawn before, nothing happens.
    """
    read = scene_read(uow, member_ids=(member_id,), instants=(), is_whole=True)
    *rows, mark_rows = uow.fetch_pipeline([*read.statements, ledger.marks_statement(holder_ids=(member_id,))])
    scene = read.scene(rows, now=uow.now)
    activity = queries.activity_by_external_id(uow, source=source, external_id=external_id)
    if activity is None or activity.withdrawn_at is not None or member_id not in scene.actors:
        return {}
    actor, present = scene.actors[member_id], scene.version(uow.now)
    book = ledger.open_book(uow, stored=actor.stored, store_id=activity.store_id)
    book.withdraw_activity(Reference(REFERENCE, activity.id), ledger.marks_of(mark_rows).get(member_id, ()))
    # What had ended without it can't be drawn.
    ledger.settle_again(uow, book)
    lapsed_before = ledger_queries.lapsed_statement(kind=REFERENCE, reference_id=activity.id)
    lapsed = {row["unit"]: row["points"] for row in uow.fetch_all(lapsed_before.query, lapsed_before.values)}
    missing = _claw_back(uow, book, activity, present, lapsed)
    statements: list[Statement] = [
        Statement(repository.WITHDRAW, {"id": activity.id, "now": uow.now}),
        *ledger.writing_statements((book,)),
    ]
    if activity.frozen is not None:
        changes = _room_given_back(activity, missing)
        statements += change_caps_statements(member_id=member_id, changes=changes)
    if present is not None:
        balance = book.balance(ladder_of(present).unit).available
        counting = ranking.uncounted(present, actor.record, activity, balance=balance, now=uow.now)
        statements += ranking.counting_statements(uow, [counting], merchant_name=scene.merchant_name)
    uow.fetch_pipeline(statements)
    return missing


def kept_of(uow: UnitOfWork, *, activities: Collection[Activity]) -> dict[str, int]:
    """What is kept of what withdrawn activities gave, by unit.

    That is what they gave less what was taken back, be it later of what a hold released, and less what has ended.
    """
    kept: dict[str, int] = {}
    for accrual in (accrual for activity in activities for accrual in activity.accruals):
        kept[accrual.unit] = kept.get(accrual.unit, 0) + accrual.points
    if not kept:
        return {}
    gone = ledger_queries.gone_statement(kind=REFERENCE, reference_ids=[activity.id for activity in activities])
    for row in uow.fetch_all(gone.query, gone.values):
        kept[row["unit"]] = kept.get(row["unit"], 0) - row["points"]
    return {unit: points for unit, points in kept.items() if points > 0}


def take_of_new(
    uow: UnitOfWork,
    *,
    activity_id: UUID | None,
    member_id: UUID,
    wanted: Mapping[str, int],
    older_ids: Collection[UUID],
) -> dict[str, int]:
    """Take ``wanted`` points by unit, as far as they go, of what an activity has just given, if one has.

    What was not there is answered, and that much is still wanted of what holds keep of points that the ``older_ids``
    gave.
    """
    reading = ledger.reading_statements(uow, holder_ids=(member_id,), every_lot=True)
    book = ledger.open_only_book(uow, holder_id=member_id, rows=uow.fetch_pipeline(reading))
    missing = dict(wanted)
    if book is None:
        return missing
    for unit, points in wanted.items():
        new = [lot for lot in book.lots_of(unit) if (lot.origin.kind, lot.origin.id) == (REFERENCE, activity_id)]
        movements = draw_from(spending_order(new), points)
        if movements and activity_id is not None:
            header = ledger.entry_header(
                uow, holder_id=member_id, occurred_at=uow.now, reference=Reference(REFERENCE, activity_id)
            )
            book.post(clawback_entry(header, unit=unit, movements=movements))
            missing[unit] += sum(movement.delta for movement in movements)
        older = [lot.id for lot in book.lots.values() if lot.unit == unit and lot.origin.id in older_ids]
        book.want(older, missing[unit])
    statements = ledger.writing_statements((book,))
    if statements:
        uow.fetch_pipeline(statements)
    return {unit: points for unit, points in missing.items() if points}


def _claw_back(
    uow: UnitOfWork,
    book: HolderBook,
    activity: Activity,
    present: ProgramVersion | None,
    lapsed: Mapping[str, int],
) -> dict[str, int]:
    """Post what is taken; what is missing by unit."""
    missing: dict[str, int] = {}
    units: dict[str, list[Any]] = {}
    for accrual in activity.accruals:
        if accrual.points:
            units.setdefault(accrual.unit, []).append(accrual)
    for unit, accruals in units.items():
        own_ids = {accrual.lot_id for accrual in accruals}
        lots = book.lots_of(unit)
        own = [lot for lot in lots if lot.id in own_ids]
        others = [lot for lot in lots if lot.id not in own_ids]
        points = sum(accrual.points for accrual in accruals)
        policies = present.document.policies if present else None
        owed_max = policies.owed_points_max if policies and policies.owing is OwingPolicy.ALLOW else 0
        allocation = allocate_clawback(
            own,
            others,
            points,
            own_lapsed=lapsed.get(unit, 0) + book.lapsed({lot_id for lot_id in own_ids if lot_id is not None}),
            owing_room=book.owing_room(unit, owed_max),
        )
        if allocation.taken or allocation.owed:
            header = ledger.entry_header(
                uow,
                holder_id=book.holder_id,
                occurred_at=uow.now,
                store_id=activity.store_id,
                program_version_id=activity.program_version_id,
                reference=Reference(REFERENCE, activity.id),
            )
            book.post(clawback_entry(header, unit=unit, movements=allocation.movements, owed=allocation.owed))
        # What holds keep of its own lots is taken when they release it: who captures it keeps it.
        book.want([lot.id for lot in book.lots.values() if lot.id in own_ids], allocation.shortfall)
        if allocation.shortfall:
            missing[unit] = allocation.shortfall
    return missing


def _room_given_back(activity: Activity, missing: Mapping[str, int]) -> dict[CapKey, int]:
    """What counters get back, below zero: what they were filled with, less what stands for the points ``missing``."""
    left = dict(missing)
    gave: dict[tuple[CapSubject, str], tuple[int, int]] = {}
    for accrual in activity.accruals:
        kept = min(accrual.points, left.get(accrual.unit, 0))
        left[accrual.unit] = left.get(accrual.unit, 0) - kept
        for subject in ((CapSubject.RULE, accrual.rule_id), (CapSubject.UNIT, accrual.unit)):
            before = gave.get(subject, (0, 0))
            gave[subject] = before[0] + accrual.points, before[1] + kept
    changes: dict[CapKey, int] = {}
    for key, filled in parse_frozen(dict(activity.frozen or {})).fillings.items():
        points, kept = gave.get((key.subject, key.code), (0, 0))
        match key.measure:
            case CapMeasure.POINTS:
                stays = min(filled, kept)
            case CapMeasure.TIMES:
                stays = filled if kept else 0
            case _:
                stays = -(-filled * kept // points) if points else 0
        changes[key] = stays - filled
    return changes
