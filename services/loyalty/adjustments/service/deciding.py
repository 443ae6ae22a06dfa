"""The second person's word: points move, or they don't."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.loyalty.adjustments import repository
from services.loyalty.adjustments.domain import (
    AdjustedPoints,
    AdjustmentRequest,
    ApproveAdjustment,
    RejectAdjustment,
    RequestStatus,
    check_open,
    check_second_person,
)
from services.loyalty.adjustments.errors import AdjustmentRequestNotFound
from services.loyalty.adjustments.service.adjusting import answer_json, replayed_answer
from services.loyalty.adjustments.service.posting import adjustment_draft
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain import Reference
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.errors import ProgramNotPublished
from services.loyalty.programs.queries import in_force, versions_read
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import service as idempotency
from services.platform.text import check_text

OPERATION = "approveAdjustment"
REFERENCE = "adjustment_request"


def approve_adjustment(uow: UnitOfWork, *, command: ApproveAdjustment) -> AdjustedPoints:
    """Post what a request asks for, in the approver's name, as it can be had now.

    Raises:
        AdjustmentRequestNotFound, AdjustmentRequestClosed, SecondPersonNeeded, ProgramNotPublished
        InsufficientPoints, BalanceTooLarge
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    asked = uow.fetch_one(repository.BY_ID, {"id": command.request_id})
    if asked is None:
        raise AdjustmentRequestNotFound(adjustment_request_id=command.request_id)
    scene = _arrive(uow, command, member_id=asked["member_id"])
    if not isinstance(scene, tuple):
        stored = replayed_answer(scene)
        assert isinstance(stored, AdjustedPoints)
        return stored
    request, book, version = scene
    check_open(request, now=uow.now)
    check_second_person(request, uow.actor)
    draft = adjustment_draft(
        uow,
        book,
        unit=request.unit,
        points=request.points,
        reason=request.reason,
        store_id=request.store_id,
        version=version,
        reference=Reference(REFERENCE, request.id),
    )
    entry_id = book.post(draft).header.id
    available = book.balance(request.unit).available
    answer = AdjustedPoints(entry_id, book.holder_id, request.points, available, replayed=False, request_id=request.id)
    uow.fetch_pipeline(
        [
            *ledger.writing_statements((book,)),
            repository.decide_statement(uow, request_id=request.id, status=RequestStatus.APPROVED, entry_id=entry_id),
            idempotency.settle_statement(operation=OPERATION, key=command.idempotency_key, result=answer_json(answer)),
        ]
    )
    return answer


def reject_adjustment(uow: UnitOfWork, *, command: RejectAdjustment) -> AdjustmentRequest:
    """Turn a request down; nothing moves. A repeat finds it closed.

    Raises:
        InvalidInput: no reason.
        AdjustmentRequestNotFound, AdjustmentRequestClosed
    """
    reason = check_text(command.reason, field="reason")
    row = uow.fetch_one(repository.LOCK, {"id": command.request_id})
    if row is None:
        raise AdjustmentRequestNotFound(adjustment_request_id=command.request_id)
    check_open(repository.request_of(row), now=uow.now)
    decide = repository.decide_statement(
        uow, request_id=command.request_id, status=RequestStatus.REJECTED, reason=reason
    )
    _, rows = uow.fetch_pipeline([decide, Statement(repository.BY_ID, {"id": command.request_id})])
    return repository.request_of(rows[0])


def _arrive(
    uow: UnitOfWork, command: ApproveAdjustment, *, member_id: UUID
) -> tuple[AdjustmentRequest, HolderBook, ProgramVersion] | Mapping[str, Any]:
    """Claim the key, lock the member, then the request; or the stored answer."""
    versions = versions_read(uow, instants=(uow.now,))
    claim: dict[str, Any] = {
        "operation": OPERATION,
        "key": command.idempotency_key,
        "request_hash": command.request_hash,
    }
    claim_rows, *found, version_rows, request_rows = uow.fetch_pipeline(
        [
            idempotency.claim_statement(uow, **claim),
            *ledger.reading_statements(uow, holder_ids=(member_id,), every_lot=True),
            versions.statement,
            Statement(repository.LOCK, {"id": command.request_id}),
        ]
    )
    stored = idempotency.claimed(uow, claim_rows, **claim)
    if stored is not None:
        return stored
    request = repository.request_of(request_rows[0])
    book = ledger.open_only_book(uow, holder_id=member_id, rows=found, store_id=request.store_id)
    # Holders are never taken away.
    assert book is not None
    version = in_force(versions.versions(version_rows), at=uow.now)
    if version is None:
        raise ProgramNotPublished
    return request, book, version
