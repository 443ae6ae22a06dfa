"""Points that staff give or take."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.loyalty.adjustments.domain import AdjustedPoints, AdjustPoints, check_points
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import (
    EntryDraft,
    LotOrigin,
    adjustment_credit_entry,
    adjustment_debit_entry,
    allocate_lots,
    new_lot,
)
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.members.service import Arrival, claim_at_till
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.stores import queries as stores
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import service as idempotency
from services.platform.ids import new_id
from services.platform.text import check_text

OPERATION = "adjustPoints"
ORIGIN = "adjustment"


def adjust_points(uow: UnitOfWork, *, command: AdjustPoints) -> AdjustedPoints:
    """Give points as a lot of their own, or take points from the lots that expire soonest.

    An inactive member's points can be put right too.

    Raises:
        InvalidInput: no points, too many, or no reason.
        MemberNotFound, IdentityInvalid, StoreNotFound, ProgramNotPublished
        InsufficientPoints, BalanceTooLarge
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    points = check_points(command.points)
    reason = check_text(command.reason, field="reason")
    scene = _arrive(uow, command)
    if not isinstance(scene, tuple):
        return _replay(scene)
    book, version = scene
    draft = _draft(uow, command, book, version=version, points=points, reason=reason)
    entry_id = book.post(draft).header.id
    balance = book.balance(version.document.unit.code).available
    answer = AdjustedPoints(entry_id, book.holder_id, points, balance, replayed=False)
    settle = idempotency.settle_statement(operation=OPERATION, key=command.idempotency_key, result=_answer_json(answer))
    uow.fetch_pipeline([*ledger.writing_statements((book,)), settle])
    return answer


def _arrive(uow: UnitOfWork, command: AdjustPoints) -> tuple[HolderBook, ProgramVersion] | Mapping[str, Any]:
    """Claim the key, lock the member and read what is needed; or the stored answer."""
    versions = versions_read(uow, instants=(uow.now,))

    def reads(member_id: UUID | None) -> list[Statement]:
        assert member_id is not None
        return [
            *ledger.reading_statements(uow, holder_ids=(member_id,), every_lot=True),
            versions.statement,
            *([stores.store_statement(store_id=command.store_id)] if command.store_id else []),
        ]

    arrival = claim_at_till(
        uow,
        operation=OPERATION,
        key=command.idempotency_key,
        request_hash=command.request_hash,
        member=command.member,
        store_id=command.store_id,
        reads=reads,
    )
    if not isinstance(arrival, Arrival):
        return arrival
    member_id = arrival.member_id
    assert member_id is not None
    heads, balances, lots, version_rows, *store_rows = arrival.rows
    book = ledger.open_only_book(uow, holder_id=member_id, rows=(heads, balances, lots), store_id=command.store_id)
    if book is None:
        raise MemberNotFound(member_id=member_id)
    if command.store_id is not None:
        stores.store_of(store_rows[0], store_id=command.store_id)
    version = in_force(versions.versions(version_rows), at=uow.now)
    if version is None:
        raise ProgramNotPublished
    return book, version


def _draft(
    uow: UnitOfWork, command: AdjustPoints, book: HolderBook, *, version: ProgramVersion, points: int, reason: str
) -> EntryDraft:
    unit = version.document.unit.code
    header = ledger.entry_header(
        uow,
        holder_id=book.holder_id,
        occurred_at=uow.now,
        store_id=command.store_id,
        program_version_id=version.id,
        reason=reason,
    )
    if points < 0:
        movements = allocate_lots(book.lots_of(unit), -points, uow.now)
        return adjustment_debit_entry(header, unit=unit, movements=movements)
    lot = new_lot(
        lot_id=new_id(),
        holder_id=book.holder_id,
        unit=unit,
        amount=points,
        origin=LotOrigin(ORIGIN, header.id, funder_store_id=command.store_id),
        now=uow.now,
        activates_at=uow.now,
    )
    return adjustment_credit_entry(header, lot=lot)


def _answer_json(answer: AdjustedPoints) -> dict[str, Any]:
    return {
        "entryId": str(answer.entry_id),
        "memberId": str(answer.member_id),
        "points": answer.points,
        "balance": answer.balance,
    }


def _replay(answer: Mapping[str, Any]) -> AdjustedPoints:
    return AdjustedPoints(
        entry_id=UUID(answer["entryId"]),
        member_id=UUID(answer["memberId"]),
        points=answer["points"],
        balance=answer["balance"],
        replayed=True,
    )
