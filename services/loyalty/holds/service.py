"""Reserve, capture, release. A hold that has timed out is settled with whatever else is due of its member."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.loyalty.holds import queries, repository
from services.loyalty.holds.domain import (
    CaptureHold,
    Hold,
    HoldMoved,
    HoldPoints,
    HoldStatus,
    ReleaseHold,
    check_minutes,
    check_points,
)
from services.loyalty.holds.errors import HoldEnded, HoldTooSmall
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import EntryHeader, Reference
from services.loyalty.ledger.domain.book import HOLD_REFERENCE, HolderBook
from services.loyalty.members import queries as members
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.members.service import Arrival, claim_at_till
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import check_open
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.idempotency import service as idempotency
from services.platform.ids import new_id
from services.platform.text import check_optional_text

HOLD = "holdPoints"
CAPTURE = "captureHold"
RELEASE = "releaseHold"
ACTIVITY = "redemption"
"""What capturing is among the activities that hold points alive."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """The locked member, and the hold as it is."""

    book: HolderBook
    hold: Hold


def hold_points(uow: UnitOfWork, *, command: HoldPoints) -> HoldMoved:
    """Reserve points of the lots that expire soonest, so that nothing else can spend them.

    Raises:
        InvalidInput: no points, an unknown unit, or a time that is too long.
        MemberNotFound, MemberInactive, IdentityInvalid, StoreNotFound, StoreClosed, ProgramNotPublished
        InsufficientPoints
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    points = check_points(command.points)
    reference = check_optional_text(command.reference, field="reference")
    scene = _arrive(uow, command)
    if not isinstance(scene, tuple):
        return _replay(scene)
    book, version = scene
    unit = unit_code(version, command.unit)
    minutes = version.document.policies.hold_minutes if command.minutes is None else check_minutes(command.minutes)
    hold_id, expires_at = new_id(), uow.now + timedelta(minutes=minutes)
    header = _header(uow, book, hold_id, store_id=command.store_id, program_version_id=version.id)
    entry = book.hold(header, unit=unit, amount=points, hold_id=hold_id, expires_at=expires_at)
    hold = Hold(
        id=hold_id,
        member_id=book.holder_id,
        unit=unit,
        points=points,
        captured=0,
        released=0,
        reference=reference,
        store_id=command.store_id,
        entry_id=entry.header.id,
        held_at=uow.now,
        expires_at=expires_at,
        ended_at=None,
    )
    answer = _answer(book, hold, entry.header.id, points)
    settle = _settle(HOLD, command.idempotency_key, answer)
    uow.fetch_pipeline([*ledger.writing_statements((book,)), repository.insert_statement(hold=hold), settle])
    return answer


def capture_hold(uow: UnitOfWork, *, command: CaptureHold) -> HoldMoved:
    """Spend what was reserved, or a part of it; the rest is released, or stays until the hold times out.

    Raises:
        InvalidInput, HoldNotFound, HoldEnded, HoldTooSmall, MemberInactive, StoreNotFound, StoreClosed
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    if command.points is not None:
        check_points(command.points)
    scene = _meet(uow, CAPTURE, command, only_active=True)
    if not isinstance(scene, _Scene):
        return _replay(scene)
    book, hold = scene.book, scene.hold
    held = book.held_by(hold.id)
    points = held if command.points is None else command.points
    if points > held:
        raise HoldTooSmall(asked=points, held=held)
    # An activity moves the ends of what is left, before anything is given back to it.
    book.show_activity(ACTIVITY, uow.now, Reference(HOLD_REFERENCE, hold.id))
    entry = book.capture(
        _header(uow, book, hold.id, store_id=command.store_id or hold.store_id), hold_id=hold.id, amount=points
    )
    rest = 0 if command.keeps_rest else held - points
    if rest:
        book.release(_header(uow, book, hold.id, store_id=command.store_id or hold.store_id), hold_id=hold.id)
    answer = _answer(book, hold, entry.header.id, points)
    is_over = book.held_by(hold.id) == 0
    move = repository.move_statement(uow, hold_id=hold.id, captured=points, released=rest, is_over=is_over)
    settle = _settle(CAPTURE, command.idempotency_key, answer)
    uow.fetch_pipeline([*ledger.writing_statements((book,)), move, settle])
    return answer


def release_hold(uow: UnitOfWork, *, command: ReleaseHold) -> HoldMoved:
    """Give back what is still reserved. Points whose lots have ended meanwhile lapse at once.

    Raises:
        HoldNotFound, HoldEnded, StoreNotFound, StoreClosed
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    scene = _meet(uow, RELEASE, command, only_active=False)
    if not isinstance(scene, _Scene):
        return _replay(scene)
    book, hold = scene.book, scene.hold
    points = book.held_by(hold.id)
    entry = book.release(_header(uow, book, hold.id, store_id=command.store_id or hold.store_id), hold_id=hold.id)
    answer = _answer(book, hold, entry.header.id, points)
    move = repository.move_statement(uow, hold_id=hold.id, captured=0, released=points, is_over=True)
    settle = _settle(RELEASE, command.idempotency_key, answer)
    uow.fetch_pipeline([*ledger.writing_statements((book,)), move, settle])
    return answer


def unit_code(version: ProgramVersion, code: str | None) -> str:
    """The code of a unit of the program; its own when none is named.

    Raises:
        InvalidInput: UNKNOWN
    """
    units = [unit.code for unit in version.document.units]
    if code is not None and code not in units:
        raise InvalidInput(field="unit", reason="UNKNOWN")
    return code or units[0]


def _arrive(uow: UnitOfWork, command: HoldPoints) -> tuple[HolderBook, ProgramVersion] | Mapping[str, Any]:
    """Claim the key, lock the member and read what is needed; or the stored answer."""
    versions = versions_read(uow, instants=(uow.now,))

    def reads(member_id: UUID | None) -> list[Statement]:
        assert member_id is not None
        return [
            *ledger.reading_statements(uow, holder_ids=(member_id,), every_lot=True),
            members.status_statement(member_id=member_id),
            versions.statement,
            *([stores.store_statement(store_id=command.store_id)] if command.store_id else []),
        ]

    arrival = claim_at_till(
        uow,
        operation=HOLD,
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
    heads, balances, lots, status_rows, version_rows, *store_rows = arrival.rows
    members.check_active(status_rows, member_id=member_id)
    book = ledger.open_only_book(uow, holder_id=member_id, rows=(heads, balances, lots), store_id=command.store_id)
    if book is None:
        raise MemberNotFound(member_id=member_id)
    if command.store_id is not None:
        check_open(stores.store_of(store_rows[0], store_id=command.store_id), at=uow.now)
    version = in_force(versions.versions(version_rows), at=uow.now)
    if version is None:
        raise ProgramNotPublished
    return book, version


def _meet(
    uow: UnitOfWork, operation: str, command: CaptureHold | ReleaseHold, *, only_active: bool
) -> _Scene | Mapping[str, Any]:
    """Claim the key, lock the hold's member, and read the hold behind the lock; or the stored answer."""
    stored = idempotency.claim(uow, operation=operation, key=command.idempotency_key, request_hash=command.request_hash)
    if stored is not None:
        return stored
    hold_id = command.hold_id
    member_id = queries.hold_by_id(uow, hold_id=hold_id).member_id
    heads, balances, lots, status_rows, hold_rows, *store_rows = uow.fetch_pipeline(
        [
            *ledger.reading_statements(uow, holder_ids=(member_id,), every_lot=False),
            members.status_statement(member_id=member_id),
            Statement(repository.BY_IDS, {"ids": [hold_id]}),
            *([stores.store_statement(store_id=command.store_id)] if command.store_id else []),
        ]
    )
    book = ledger.open_only_book(uow, holder_id=member_id, rows=(heads, balances, lots))
    assert book is not None
    if command.store_id is not None:
        check_open(stores.store_of(store_rows[0], store_id=command.store_id), at=uow.now)
    if only_active:
        members.check_active(status_rows, member_id=member_id)
    hold = repository.hold_of(hold_rows[0])
    status = hold.status(uow.now)
    if status is not HoldStatus.OPEN:
        raise HoldEnded(hold_id=hold_id, status=status.value)
    return _Scene(book, hold)


def _header(
    uow: UnitOfWork,
    book: HolderBook,
    hold_id: UUID,
    *,
    store_id: UUID | None,
    program_version_id: UUID | None = None,
) -> EntryHeader:
    return ledger.entry_header(
        uow,
        holder_id=book.holder_id,
        occurred_at=uow.now,
        store_id=store_id,
        program_version_id=program_version_id,
        reference=Reference(HOLD_REFERENCE, hold_id),
    )


def _answer(book: HolderBook, hold: Hold, entry_id: UUID, points: int) -> HoldMoved:
    balance = book.balance(hold.unit).available
    return HoldMoved(hold.id, hold.member_id, entry_id, points, balance, replayed=False)


def _settle(operation: str, key: str, answer: HoldMoved) -> Statement:
    content = {
        "holdId": str(answer.hold_id),
        "memberId": str(answer.member_id),
        "entryId": str(answer.entry_id),
        "points": answer.points,
        "balance": answer.balance,
    }
    return idempotency.settle_statement(operation=operation, key=key, result=content)


def _replay(answer: Mapping[str, Any]) -> HoldMoved:
    return HoldMoved(
        hold_id=UUID(answer["holdId"]),
        member_id=UUID(answer["memberId"]),
        entry_id=UUID(answer["entryId"]),
        points=answer["points"],
        balance=answer["balance"],
        replayed=True,
    )
