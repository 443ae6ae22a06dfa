"""Somebody comes with something after the sale."""

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.loyalty.after_sales import repository
from services.loyalty.after_sales.domain import (
    LINES_MAX,
    NOTE_LENGTH_MAX,
    OWN_OPEN_MAX,
    Case,
    CaseEventKind,
    CaseKind,
    CaseLine,
    CaseStatus,
    MovedCase,
    OpenCase,
)
from services.loyalty.after_sales.errors import TooManyOpenCases
from services.loyalty.after_sales.service.telling import happening
from services.loyalty.earning.domain import check_quantity
from services.loyalty.earning.errors import RefundLineUnknown, RefundQuantityExceedsLine
from services.loyalty.ledger import service as ledger
from services.loyalty.members import queries as members
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases.domain import Line, Purchase
from services.loyalty.purchases.errors import PurchaseNotFound, PurchaseVoided, RefundByAnotherMember
from services.loyalty.stores import queries as stores
from services.platform.actors import ActorKind
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.idempotency import service as idempotency
from services.platform.ids import new_id
from services.platform.text import check_optional_text, check_text

OPERATION = "openCase"


def open_case(uow: UnitOfWork, *, command: OpenCase) -> MovedCase:
    """Open a case about a purchase, or a question of a member. Nothing moves yet.

    Lines are looked at as the purchase stands now; what counts is how it stands when the case is completed.

    Raises:
        InvalidInput: no subject, nobody whom it concerns, lines where there must be none or none where some must be.
        PurchaseNotFound: there is no such purchase, or a member asks for one that is not theirs.
        PurchaseVoided, RefundByAnotherMember, RefundLineUnknown, RefundQuantityExceedsLine
        MemberNotFound, IdentityInvalid, StoreNotFound
        TooManyOpenCases: the member has enough open that they opened themselves.
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    subject = check_text(command.subject, field="subject")
    note = check_optional_text(command.note, field="note", length_max=NOTE_LENGTH_MAX)
    lines = _checked_lines(command)
    claim: dict[str, Any] = {
        "operation": OPERATION,
        "key": command.idempotency_key,
        "request_hash": command.request_hash,
    }
    stored = idempotency.claim(uow, **claim)
    if stored is not None:
        return MovedCase(UUID(stored["caseId"]), replayed=True)
    purchase = _purchase(uow, command, lines)
    member_id = _member_id(uow, command, purchase)
    store_id = command.store_id or (purchase.store_id if purchase else None)
    _check_around(uow, member_id=member_id, store_id=store_id)
    case = Case(
        id=new_id(),
        kind=command.kind,
        status=CaseStatus.OPEN,
        subject=subject,
        member_id=member_id,
        purchase_id=purchase.id if purchase else None,
        store_id=store_id,
        lines=lines,
        opener=uow.actor,
        assignee_id=None,
        assignee_name=None,
        opened_at=uow.now,
        changed_at=uow.now,
    )
    opened = happening(uow, case.id, CaseEventKind.OPENED, text=note)
    event = dataclasses.replace(opened, to_status=CaseStatus.OPEN)
    uow.fetch_pipeline(
        [
            repository.insert_statement(case),
            repository.insert_event_statement(event),
            idempotency.settle_statement(
                operation=OPERATION, key=command.idempotency_key, result={"caseId": str(case.id)}
            ),
        ]
    )
    return MovedCase(case.id, replayed=False)


def _checked_lines(command: OpenCase) -> tuple[CaseLine, ...]:
    """The lines with trimmed reasons.

    Raises:
        InvalidInput
    """
    if command.kind is CaseKind.SUPPORT:
        if command.lines:
            raise InvalidInput(field="lines", reason="NOT_ALLOWED", limit=command.kind.value)
        return ()
    if command.purchase_id is None:
        raise InvalidInput(field="purchase", reason="NOTHING_GIVEN")
    if not 1 <= len(command.lines) <= LINES_MAX:
        raise InvalidInput(field="lines", reason="COUNT_OUT_OF_RANGE", limit=str(LINES_MAX))
    if len({line.position for line in command.lines}) < len(command.lines):
        raise InvalidInput(field="lines", reason="DUPLICATE")
    for index, line in enumerate(command.lines):
        check_quantity(line.quantity, field=f"lines.{index}.quantity")
        if line.quantity <= 0:
            raise InvalidInput(field=f"lines.{index}.quantity", reason="NOT_POSITIVE")
    return tuple(
        CaseLine(line.position, line.quantity, check_optional_text(line.reason, field=f"lines.{index}.reason"))
        for index, line in enumerate(command.lines)
    )


def _purchase(uow: UnitOfWork, command: OpenCase, wanted: Sequence[CaseLine]) -> Purchase | None:
    """The purchase that the case is about, which has the lines."""
    if command.purchase_id is None:
        return None
    purchase = purchases.purchase_by_id(uow, purchase_id=command.purchase_id)
    is_anothers = uow.actor.kind is ActorKind.MEMBER and purchase is not None and purchase.member_id != uow.actor.id
    if purchase is None or is_anothers:
        raise PurchaseNotFound(purchase_id=command.purchase_id)
    if not wanted:
        return purchase
    if purchase.voided_at is not None:
        raise PurchaseVoided(purchase_id=purchase.id)
    lines = purchases.lines_by_purchases(uow, purchase_ids=(purchase.id,)).get(purchase.id, ())
    by_position = {line.position: line for line in lines}
    for each in wanted:
        line = by_position.get(each.position)
        if line is None:
            raise RefundLineUnknown(position=each.position)
        left = _left(line)
        if each.quantity > left:
            raise RefundQuantityExceedsLine(position=each.position, returnable=left, requested=each.quantity)
    return purchase


def _left(line: Line) -> Decimal:
    """How much of a line has not come back; a line of quantity 0 is one piece, as refunds count it."""
    return (abs(line.quantity) or Decimal(1)) - line.returned_quantity


def _member_id(uow: UnitOfWork, command: OpenCase, purchase: Purchase | None) -> UUID | None:
    """Whom the case concerns; None for a guest's purchase."""
    if uow.actor.kind is ActorKind.MEMBER:
        return uow.actor.id
    given = None
    if command.member is not None:
        store_id = command.store_id or (purchase.store_id if purchase else None)
        given = members.resolved(uow, ref=command.member, store_id=store_id)
    if purchase is None:
        if given is None:
            raise InvalidInput(field="member", reason="NOTHING_GIVEN")
        return given
    if given is not None and given != purchase.member_id:
        raise RefundByAnotherMember(purchase_id=purchase.id)
    return purchase.member_id


def _check_around(uow: UnitOfWork, *, member_id: UUID | None, store_id: UUID | None) -> None:
    """That member and store are there, and, for a member by themselves, that not too much is open.

    The count is read after the member's lock: of several at once each sees those before it.

    Raises:
        MemberNotFound, StoreNotFound, TooManyOpenCases
    """
    statements: list[Statement] = []
    if member_id is not None:
        statements += [
            ledger.lock_statement(holder_ids=(member_id,)),
            members.status_statement(member_id=member_id),
            repository.count_own_statement(member_id=member_id),
        ]
    if store_id is not None:
        statements.append(stores.store_statement(store_id=store_id))
    rows = uow.fetch_pipeline(statements) if statements else []
    if member_id is not None:
        _, status_rows, count_rows, *rows = rows
        if not status_rows:
            raise MemberNotFound(member_id=member_id)
        if uow.actor.kind is ActorKind.MEMBER and count_rows[0]["n"] >= OWN_OPEN_MAX:
            raise TooManyOpenCases(member_id=member_id, maximum=OWN_OPEN_MAX)
    if store_id is not None:
        stores.store_of(rows[0], store_id=store_id)
