"""Where a case can go."""

import pytest

from services.loyalty.after_sales.domain import UNSETTLED, CaseKind, CaseStatus, moves_from

S = CaseStatus
GOODS = {
    S.OPEN: {S.IN_PROGRESS, S.WAITING_FOR_MEMBER, S.APPROVED, S.REJECTED, S.CLOSED},
    S.IN_PROGRESS: {S.WAITING_FOR_MEMBER, S.APPROVED, S.REJECTED, S.CLOSED},
    S.WAITING_FOR_MEMBER: {S.IN_PROGRESS, S.APPROVED, S.REJECTED, S.CLOSED},
    S.APPROVED: {S.IN_PROGRESS, S.WAITING_FOR_MEMBER, S.REJECTED, S.COMPLETED, S.CLOSED},
    S.REJECTED: {S.IN_PROGRESS, S.CLOSED},
    S.COMPLETED: {S.CLOSED},
    S.CLOSED: set(),
}


@pytest.mark.parametrize("kind", [CaseKind.RETURN, CaseKind.EXCHANGE, CaseKind.REPAIR])
def test_goods_are_approved_before_they_are_completed(kind: CaseKind) -> None:
    assert {status: set(moves_from(kind, status)) for status in CaseStatus} == GOODS


def test_a_question_is_answered_whenever_it_is() -> None:
    answered = {S.OPEN, S.IN_PROGRESS, S.WAITING_FOR_MEMBER}

    assert {status: set(moves_from(CaseKind.SUPPORT, status)) for status in CaseStatus} == {
        status: moves | ({S.COMPLETED} if status in answered else set()) for status, moves in GOODS.items()
    }


@pytest.mark.parametrize("kind", CaseKind)
def test_every_case_can_end_and_what_has_ended_stays(kind: CaseKind) -> None:
    for status in CaseStatus:
        reached, seen = {status}, set[CaseStatus]()
        while reached - seen:
            at = (reached - seen).pop()
            seen.add(at)
            reached |= moves_from(kind, at)
        assert S.CLOSED in reached
        assert (S.COMPLETED in reached) is (status is not S.CLOSED)
    assert moves_from(kind, S.COMPLETED).isdisjoint(UNSETTLED)
