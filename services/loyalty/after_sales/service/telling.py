"""What every command about a case has in common: the key, the locked case, what is written and who is told."""

import dataclasses
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from services.contracts.events.loyalty import CaseMoved
from services.loyalty.after_sales import repository
from services.loyalty.after_sales.domain import Case, CaseEvent, CaseEventKind, CaseStatus, MovedCase
from services.loyalty.after_sales.errors import CaseNotFound
from services.loyalty.stores import queries as stores
from services.platform.actors import ActorKind
from services.platform.db.session import Statement, UnitOfWork
from services.platform.idempotency import service as idempotency
from services.platform.ids import new_id
from services.platform.outbox import service as outbox


@dataclasses.dataclass(frozen=True, slots=True)
class Arrival:
    """A command's key, taken, and its case, locked. ``rows`` are of what else was asked."""

    operation: str
    key: str
    case: Case
    merchant_name: str
    rows: Sequence[list[DictRow]]


def arrive(
    uow: UnitOfWork,
    *,
    operation: str,
    key: str,
    request_hash: bytes,
    case_id: UUID,
    more: Sequence[Statement] = (),
) -> Arrival | MovedCase:
    """Take the key, lock the case and read what depends on it, in one round trip; or the stored answer.

    Raises:
        CaseNotFound, IdempotencyConflict, IdempotencyKeyInvalid
    """
    claim: dict[str, Any] = {"operation": operation, "key": key, "request_hash": request_hash}
    claim_rows, case_rows, merchant_rows, *rows = uow.fetch_pipeline(
        [
            idempotency.claim_statement(uow, **claim),
            Statement(repository.LOCK, {"ids": [case_id]}),
            stores.merchant_statement(uow),
            *more,
        ]
    )
    stored = idempotency.claimed(uow, claim_rows, **claim)
    if stored is not None:
        return MovedCase(UUID(stored["caseId"]), replayed=True)
    if not case_rows:
        raise CaseNotFound(case_id=case_id)
    return Arrival(operation, key, repository.case_of(case_rows[0]), stores.merchant_name_of(merchant_rows), rows)


def happening(
    uow: UnitOfWork,
    case_id: UUID,
    kind: CaseEventKind,
    *,
    text: str | None = None,
    assignee_name: str | None = None,
    is_internal: bool = False,
) -> CaseEvent:
    """Something that the present actor does now."""
    return CaseEvent(
        id=new_id(),
        case_id=case_id,
        kind=kind,
        at=uow.now,
        actor=uow.actor,
        assignee_name=assignee_name,
        text=text,
        is_internal=is_internal,
    )


def moving(uow: UnitOfWork, case: Case, to_status: CaseStatus, *, text: str | None = None) -> CaseEvent:
    """The case goes there now."""
    event = happening(uow, case.id, CaseEventKind.MOVED, text=text)
    return dataclasses.replace(event, from_status=case.status, to_status=to_status)


def moved(uow: UnitOfWork, case: Case, to_status: CaseStatus) -> Case:
    """The case as it is after the move."""
    return dataclasses.replace(case, status=to_status, changed_at=uow.now)


def settle(uow: UnitOfWork, arrival: Arrival, case: Case, events: Sequence[CaseEvent]) -> MovedCase:
    """Write what has become of the case, in one round trip; its member hears of a move that somebody else made."""
    uow.fetch_pipeline(
        [
            repository.update_statement(case),
            *(repository.insert_event_statement(event) for event in events),
            *_letters(uow, arrival, case, events),
            idempotency.settle_statement(operation=arrival.operation, key=arrival.key, result={"caseId": str(case.id)}),
        ]
    )
    return MovedCase(case.id, replayed=False)


def _letters(uow: UnitOfWork, arrival: Arrival, case: Case, events: Sequence[CaseEvent]) -> list[Statement]:
    member_id = case.member_id
    if member_id is None or uow.actor.kind is ActorKind.MEMBER:
        return []
    return [
        outbox.publish_statement(
            uow,
            CaseMoved(
                change_id=event.id,
                case_id=case.id,
                member_id=member_id,
                merchant_name=arrival.merchant_name,
                kind=case.kind.value,
                status=case.status.value,
                occurred_at=uow.now,
            ),
        )
        for event in events
        if event.kind is CaseEventKind.MOVED
    ]
