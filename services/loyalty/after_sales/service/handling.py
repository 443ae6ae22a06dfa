"""What is done about a case besides opening and completing it."""

import dataclasses

from services.loyalty.after_sales import repository
from services.loyalty.after_sales.domain import (
    EVENTS_MAX,
    NOTE_LENGTH_MAX,
    WITHDRAWABLE,
    AssignCase,
    Case,
    CaseEventKind,
    CaseStatus,
    MoveCase,
    MovedCase,
    NoteCase,
)
from services.loyalty.after_sales.errors import CaseFull, CaseMoveRefused, CaseNotFound
from services.loyalty.after_sales.service.telling import arrive, happening, moved, moving, settle
from services.platform.actors import ActorKind
from services.platform.db.session import Statement, UnitOfWork
from services.platform.errors import InvalidInput
from services.platform.text import check_optional_text, check_text

MOVE = "moveCase"
NOTE = "noteCase"


def move_case(uow: UnitOfWork, *, command: MoveCase) -> MovedCase:
    """The case goes on to another status. A member may only close one of their own that is not approved yet.

    Raises:
        InvalidInput, CaseNotFound
        CaseMoveRefused: it does not go there from where it is; nothing is completed by this verb.
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    reason = check_optional_text(command.reason, field="reason", length_max=NOTE_LENGTH_MAX)
    arrival = arrive(
        uow,
        operation=MOVE,
        key=command.idempotency_key,
        request_hash=command.request_hash,
        case_id=command.case_id,
    )
    if isinstance(arrival, MovedCase):
        return arrival
    case = arrival.case
    _check_own(uow, case)
    may_go = case.next_statuses - {CaseStatus.COMPLETED}
    if uow.actor.kind is ActorKind.MEMBER:
        may_go = frozenset({CaseStatus.CLOSED}) if case.status in WITHDRAWABLE else frozenset()
    if command.status not in may_go:
        raise refused(case, command.status)
    event = moving(uow, case, command.status, text=reason)
    return settle(uow, arrival, moved(uow, case, command.status), [event])


def note_case(uow: UnitOfWork, *, command: NoteCase) -> MovedCase:
    """Write about the case. What a member writes takes a case that waited for them back to the staff.

    Raises:
        InvalidInput: no text, or a member's own that is internal.
        CaseNotFound, CaseFull
        CaseMoveRefused: the case is closed.
        IdempotencyConflict, IdempotencyKeyInvalid
    """
    text = check_text(command.text, field="text", length_max=NOTE_LENGTH_MAX)
    is_member = uow.actor.kind is ActorKind.MEMBER
    if is_member and command.is_internal:
        raise InvalidInput(field="isInternal", reason="NOT_ALLOWED", limit="member")
    arrival = arrive(
        uow,
        operation=NOTE,
        key=command.idempotency_key,
        request_hash=command.request_hash,
        case_id=command.case_id,
        more=[Statement(repository.COUNT_EVENTS, {"id": command.case_id})],
    )
    if isinstance(arrival, MovedCase):
        return arrival
    case = arrival.case
    _check_own(uow, case)
    if case.status is CaseStatus.CLOSED:
        raise refused(case, case.status)
    if repository.is_full(arrival.rows[0]):
        raise CaseFull(case_id=case.id, maximum=EVENTS_MAX)
    events = [happening(uow, case.id, CaseEventKind.NOTED, text=text, is_internal=command.is_internal)]
    if is_member and case.status is CaseStatus.WAITING_FOR_MEMBER:
        to_status = CaseStatus.IN_PROGRESS
        events.append(moving(uow, case, to_status))
        case = moved(uow, case, to_status)
    return settle(uow, arrival, dataclasses.replace(case, changed_at=uow.now), events)


def assign_case(uow: UnitOfWork, *, command: AssignCase) -> MovedCase:
    """Somebody takes the case, or it goes back to all. Who has it already is not told twice.

    Raises:
        CaseNotFound
    """
    rows = uow.fetch_all(repository.LOCK, {"ids": [command.case_id]})
    if not rows:
        raise CaseNotFound(case_id=command.case_id)
    case = repository.case_of(rows[0])
    if case.assignee_id == command.assignee_id:
        return MovedCase(case.id, replayed=True)
    taken = dataclasses.replace(
        case, assignee_id=command.assignee_id, assignee_name=command.assignee_name, changed_at=uow.now
    )
    event = happening(uow, case.id, CaseEventKind.ASSIGNED, assignee_name=command.assignee_name, is_internal=True)
    uow.fetch_pipeline([repository.update_statement(taken), repository.insert_event_statement(event)])
    return MovedCase(case.id, replayed=False)


def refused(case: Case, to_status: CaseStatus) -> CaseMoveRefused:
    """The case does not go there."""
    return CaseMoveRefused(case_id=case.id, status=case.status.value, to_status=to_status.value)


def _check_own(uow: UnitOfWork, case: Case) -> None:
    """Another member's case looks to a member like one that is not there.

    Raises:
        CaseNotFound
    """
    if uow.actor.kind is ActorKind.MEMBER and case.member_id != uow.actor.id:
        raise CaseNotFound(case_id=case.id)
