"""The inverse of an activity: what it had earned is taken back, and its caps have their room again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.loyalty.activities import queries, repository
from services.loyalty.activities.domain import Activity
from services.loyalty.activities.service import ranking
from services.loyalty.activities.service.judging import REFERENCE
from services.loyalty.activities.service.scene import scene_read
from services.loyalty.earning.domain import parse_frozen
from services.loyalty.earning.service import change_caps_statements
from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Reference, allocate_clawback, clawback_entry
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.programs.domain import OwingPolicy
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.tiers.domain import ladder_of
from services.platform.db.session import Statement, UnitOfWork


def withdraw(uow: UnitOfWork, *, source: str, external_id: str, member_id: UUID) -> bool:
    """Take back what an activity of a member earned; False where there is none, or it was withdrawn before.

    Taken are its pending points, its lots, then others that expire soonest, then what the program lets members owe;
    the rest is given up.
    """
    read = scene_read(uow, member_ids=(member_id,), instants=(), is_whole=True)
    *rows, mark_rows = uow.fetch_pipeline([*read.statements, ledger.marks_statement(holder_ids=(member_id,))])
    scene = read.scene(rows, now=uow.now)
    activity = queries.activity_by_external_id(uow, source=source, external_id=external_id)
    if activity is None or activity.withdrawn_at is not None or member_id not in scene.actors:
        return False
    actor, present = scene.actors[member_id], scene.version(uow.now)
    book = ledger.open_book(uow, stored=actor.stored, store_id=activity.store_id)
    book.withdraw_activity(Reference(REFERENCE, activity.id), ledger.marks_of(mark_rows).get(member_id, ()))
    # What had ended without it can't be drawn.
    ledger.settle_again(uow, book)
    lapsed_before = ledger_queries.lapsed_statement(kind=REFERENCE, reference_id=activity.id)
    lapsed = {row["unit"]: row["points"] for row in uow.fetch_all(lapsed_before.query, lapsed_before.values)}
    _claw_back(uow, book, activity, present, lapsed)
    statements: list[Statement] = [
        Statement(repository.WITHDRAW, {"id": activity.id, "now": uow.now}),
        *ledger.writing_statements((book,)),
    ]
    if activity.frozen is not None:
        fillings = parse_frozen(dict(activity.frozen)).fillings
        changes = {key: -filled for key, filled in fillings.items()}
        statements += change_caps_statements(member_id=member_id, changes=changes)
    if present is not None:
        balance = book.balance(ladder_of(present).unit).available
        counting = ranking.uncounted(present, actor.record, activity, balance=balance, now=uow.now)
        statements += ranking.counting_statements(uow, [counting], merchant_name=scene.merchant_name)
    uow.fetch_pipeline(statements)
    return True


def _claw_back(
    uow: UnitOfWork,
    book: HolderBook,
    activity: Activity,
    present: ProgramVersion | None,
    lapsed: Mapping[str, int],
) -> None:
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
