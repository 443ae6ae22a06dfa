"""Points that staff give or take; above the program's limit a request that waits for a second person."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.loyalty.adjustments import repository
from services.loyalty.adjustments.domain import (
    REQUEST_LIFE,
    AdjustedPoints,
    AdjustmentRequest,
    AdjustPoints,
    AskedAdjustment,
    RequestStatus,
    check_points,
    needs_approval,
)
from services.loyalty.adjustments.service.posting import adjustment_draft
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.members.service import Arrival, claim_at_till
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.stores import queries as stores
from services.platform.actors import ActorKind
from services.platform.auth.queries import maker_of_key
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import service as idempotency
from services.platform.ids import new_id
from services.platform.text import check_text

OPERATION = "adjustPoints"


def adjust_points(uow: UnitOfWork, *, command: AdjustPoints) -> AdjustedPoints | AskedAdjustment:
    """Give points as a lot of their own, or take points from the lots that expire soonest; or ask a second person.

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
        return replayed_answer(scene)
    book, version = scene
    unit = version.document.unit.code
    if needs_approval(points, limit=version.document.policies.adjustment_approval_points):
        return _ask(uow, command, book, unit=unit, points=points, reason=reason)
    draft = adjustment_draft(
        uow, book, unit=unit, points=points, reason=reason, store_id=command.store_id, version=version
    )
    entry_id = book.post(draft).header.id
    answer = AdjustedPoints(entry_id, book.holder_id, points, book.balance(unit).available, replayed=False)
    uow.fetch_pipeline([*ledger.writing_statements((book,)), _settle_statement(command, answer)])
    return answer


def _ask(
    uow: UnitOfWork, command: AdjustPoints, book: HolderBook, *, unit: str, points: int, reason: str
) -> AskedAdjustment:
    """Note the request; nothing moves."""
    actor = uow.actor
    is_key = actor.kind is ActorKind.KEY and actor.id is not None
    request = AdjustmentRequest(
        id=new_id(),
        member_id=book.holder_id,
        store_id=command.store_id,
        unit=unit,
        points=points,
        reason=reason,
        requested_by=actor,
        maker_id=maker_of_key(uow, key_id=actor.id) if is_key and actor.id else None,
        requested_at=uow.now,
        expires_at=uow.now + REQUEST_LIFE,
        status=RequestStatus.PENDING,
        decided_by=None,
        decided_at=None,
        decision_reason=None,
        entry_id=None,
    )
    answer = AskedAdjustment(request.id, book.holder_id, points, book.balance(unit).available, replayed=False)
    # What was due when the book was opened is settled in it, and is written like any other time.
    uow.fetch_pipeline(
        [
            *ledger.writing_statements((book,)),
            repository.insert_statement(request),
            _settle_statement(command, answer),
        ]
    )
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


def _settle_statement(command: AdjustPoints, answer: AdjustedPoints | AskedAdjustment) -> Statement:
    return idempotency.settle_statement(operation=OPERATION, key=command.idempotency_key, result=answer_json(answer))


def answer_json(answer: AdjustedPoints | AskedAdjustment) -> dict[str, Any]:
    """An answer as a key keeps it."""
    return {
        "entryId": str(answer.entry_id) if isinstance(answer, AdjustedPoints) else None,
        "requestId": str(answer.request_id) if answer.request_id else None,
        "memberId": str(answer.member_id),
        "points": answer.points,
        "balance": answer.balance,
    }


def replayed_answer(answer: Mapping[str, Any]) -> AdjustedPoints | AskedAdjustment:
    """The answer that a key kept. Those of releases before know of no request."""
    member_id, points, balance = UUID(answer["memberId"]), answer["points"], answer["balance"]
    request_id = UUID(answer["requestId"]) if answer.get("requestId") else None
    if answer["entryId"] is not None:
        entry_id = UUID(answer["entryId"])
        return AdjustedPoints(entry_id, member_id, points, balance, replayed=True, request_id=request_id)
    assert request_id is not None
    return AskedAdjustment(request_id, member_id, points, balance, replayed=True)
