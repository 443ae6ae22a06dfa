"""Adjustments above the program's limit: four eyes, one effect, whatever races."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.adjustments import queries
from services.loyalty.adjustments import service as adjustments
from services.loyalty.adjustments.domain import (
    REQUEST_LIFE,
    AdjustedPoints,
    AdjustmentRequest,
    AdjustPoints,
    ApproveAdjustment,
    AskedAdjustment,
    RejectAdjustment,
    RequestStatus,
)
from services.loyalty.adjustments.errors import (
    AdjustmentRequestClosed,
    AdjustmentRequestNotFound,
    SecondPersonNeeded,
)
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain import EntryKind
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.ledger.errors import InsufficientPoints
from services.platform.actors import SYSTEM, Actor, ActorKind
from services.platform.clock import wall_now
from services.platform.db.homes import PLATFORM
from services.platform.db.session import unit_of_work
from services.platform.errors import DomainError, InvalidInput
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.idempotency.service import request_hash
from services.platform.ids import new_id
from tests.integration.loyalty.conftest import Dump
from tests.integration.loyalty.test_concurrency import race
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.points import accrue, policies, program

ANN, BOB, CLEO = (Actor(ActorKind.STAFF, new_id()) for _ in range(3))
LIMIT = 100


@pytest.fixture
def member_id(merchant: Merchant) -> UUID:
    """A member of a program that lets one person adjust a hundred points."""
    program(merchant, policies(adjustment_approval_points=LIMIT))
    merchant.actor = ANN
    return merchant.member()


def _command(merchant: Merchant, member_id: UUID, points: int, **changes: Any) -> AdjustPoints:
    number = next(merchant.numbers)
    values: dict[str, Any] = {
        "member": member_id,
        "points": points,
        "reason": "lost card",
        "idempotency_key": f"adjust-{number}",
        "request_hash": request_hash({"number": number}),
    }
    return AdjustPoints(**(values | changes))


def _ask(merchant: Merchant, member_id: UUID, points: int, **changes: Any) -> AskedAdjustment:
    command = _command(merchant, member_id, points, **changes)
    asked = merchant.do(lambda uow: adjustments.adjust_points(uow, command=command))
    assert isinstance(asked, AskedAdjustment)
    return asked


def _approve(merchant: Merchant, request_id: UUID, by: Actor = BOB, key: str | None = None) -> AdjustedPoints:
    command = ApproveAdjustment(request_id, key or f"approve-{next(merchant.numbers)}", request_hash({"r": request_id}))
    return _as(merchant, by).do(lambda uow: adjustments.approve_adjustment(uow, command=command))


def _reject(merchant: Merchant, request_id: UUID, by: Actor = BOB) -> AdjustmentRequest:
    command = RejectAdjustment(request_id, "no receipt")
    return _as(merchant, by).do(lambda uow: adjustments.reject_adjustment(uow, command=command))


def _as(merchant: Merchant, actor: Actor) -> Merchant:
    return dataclasses.replace(merchant, actor=actor)


def _request(merchant: Merchant, request_id: UUID) -> AdjustmentRequest:
    return merchant.read(lambda session: queries.requests_by_ids(session, request_ids=(request_id,)))[request_id]


@pytest.mark.parametrize("points", [LIMIT, -LIMIT])
def test_up_to_the_limit_one_person_is_enough(merchant: Merchant, member_id: UUID, points: int) -> None:
    accrue(merchant, member_id, 200)

    assert merchant.adjust(member_id, points).balance == 200 + points


@pytest.mark.parametrize("points", [LIMIT + 1, -LIMIT - 1])
def test_above_it_nothing_moves_before_a_second_person_says_so(
    merchant: Merchant, member_id: UUID, points: int
) -> None:
    accrue(merchant, member_id, 200)

    asked = _ask(merchant, member_id, points)

    assert (asked.points, asked.balance, asked.replayed) == (points, 200, False)
    assert merchant.balance(member_id) == Balance(member_id, "points", available=200, earned=200)
    request = _request(merchant, asked.request_id)
    assert request == AdjustmentRequest(
        id=asked.request_id,
        member_id=member_id,
        store_id=None,
        unit="points",
        points=points,
        reason="lost card",
        requested_by=ANN,
        maker_id=None,
        requested_at=NOW,
        expires_at=NOW + REQUEST_LIFE,
        status=RequestStatus.PENDING,
        decided_by=None,
        decided_at=None,
        decision_reason=None,
        entry_id=None,
    )

    merchant.now = NOW + timedelta(days=1)
    done = _approve(merchant, asked.request_id)

    assert (done.points, done.balance, done.request_id) == (points, 200 + points, asked.request_id)
    assert merchant.balance(member_id) == Balance(
        member_id, "points", available=200 + points, earned=200, adjusted=points
    )
    entry = merchant.read(lambda session: ledger.entries_by_ids(session, entry_ids=(done.entry_id,)))[done.entry_id]
    assert (entry.kind, entry.header.actor, entry.header.reason) == (EntryKind.ADJUSTMENT, BOB, "lost card")
    assert entry.header.reference is not None
    assert (entry.header.reference.kind, entry.header.reference.id) == ("adjustment_request", asked.request_id)
    closed = _request(merchant, asked.request_id)
    assert (closed.status, closed.decided_by, closed.decided_at, closed.entry_id) == (
        RequestStatus.APPROVED,
        BOB,
        NOW + timedelta(days=1),
        done.entry_id,
    )
    assert merchant.verdict().faults == ()


def test_keys_give_the_same_answer_again(merchant: Merchant, member_id: UUID) -> None:
    again = {"idempotency_key": "adjust", "request_hash": b"adjust"}

    asked = _ask(merchant, member_id, 500, **again)
    assert _ask(merchant, member_id, 500, **again) == dataclasses.replace(asked, replayed=True)
    done = _approve(merchant, asked.request_id, key="approve")
    assert _approve(merchant, asked.request_id, key="approve") == dataclasses.replace(done, replayed=True)
    assert _ask(merchant, member_id, 500, **again) == dataclasses.replace(asked, replayed=True)

    assert merchant.balance(member_id).available == 500
    other = _ask(merchant, member_id, 700)
    with pytest.raises(IdempotencyConflict):
        _approve(merchant, other.request_id, key="approve")


def test_whoever_asked_is_no_second_person(merchant: Merchant, member_id: UUID, dump: Dump) -> None:
    key_id = new_id()
    with unit_of_work(merchant.database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id="tests") as uow:
        uow.execute(
            "INSERT INTO platform.users (id, email, password_hash, name, locale, created_at)"
            " VALUES (%(id)s, 'cleo@regulars.test', '', 'Cleo', 'en', %(now)s)",
            {"id": CLEO.id, "now": uow.now},
        )
        uow.execute(
            "INSERT INTO platform.api_keys (id, tenant_id, name, prefix, secret_hash, scopes, created_by, created_at)"
            " VALUES (%(id)s, %(tenant)s, 'till', 'prefix', '', '{}', %(maker)s, %(now)s)",
            {"id": key_id, "tenant": merchant.home.tenant_id, "maker": CLEO.id, "now": uow.now},
        )
    key = Actor(ActorKind.KEY, key_id)
    by_ann = _ask(merchant, member_id, 500)
    by_key = _ask(_as(merchant, key), member_id, 600)
    before = dump()

    for request, actor in ((by_ann, ANN), (by_ann, key), (by_ann, SYSTEM), (by_key, key), (by_key, CLEO)):
        with pytest.raises(SecondPersonNeeded):
            _approve(merchant, request.request_id, by=actor)
    assert dump() == before

    assert _approve(merchant, by_key.request_id, by=ANN).balance == 600
    assert _approve(merchant, by_ann.request_id, by=CLEO).balance == 1_100


def test_a_request_is_decided_once(merchant: Merchant, member_id: UUID, dump: Dump) -> None:
    rejected, approved, late = (_ask(merchant, member_id, points) for points in (500, 600, 700))
    turned_down = _reject(merchant, rejected.request_id)
    _approve(merchant, approved.request_id)
    merchant.now = NOW + REQUEST_LIFE
    before = dump()

    assert (turned_down.status, turned_down.decision_reason, turned_down.decided_by) == (
        RequestStatus.REJECTED,
        "no receipt",
        BOB,
    )
    for request, status in (
        (rejected, RequestStatus.REJECTED),
        (approved, RequestStatus.APPROVED),
        (late, RequestStatus.EXPIRED),
    ):
        for decide in (_approve, _reject):
            with pytest.raises(AdjustmentRequestClosed) as refused:
                decide(merchant, request.request_id)
            assert (refused.value.adjustment_request_id, refused.value.status) == (request.request_id, status)
    for decide in (_approve, _reject):
        with pytest.raises(AdjustmentRequestNotFound):
            decide(merchant, new_id())
    assert dump() == before
    assert merchant.balance(member_id).available == 600


def test_whoever_asked_may_take_it_back(merchant: Merchant, member_id: UUID) -> None:
    asked = _ask(merchant, member_id, 500)

    assert _reject(merchant, asked.request_id, by=ANN).status is RequestStatus.REJECTED
    with pytest.raises(InvalidInput):
        _as(merchant, ANN).do(
            lambda uow: adjustments.reject_adjustment(uow, command=RejectAdjustment(asked.request_id, " "))
        )


def test_what_is_not_there_any_more_is_not_taken(merchant: Merchant, member_id: UUID, dump: Dump) -> None:
    accrue(merchant, member_id, 200)
    asked = _ask(merchant, member_id, -150)
    merchant.adjust(member_id, -100)
    before = dump()

    with pytest.raises(InsufficientPoints):
        _approve(merchant, asked.request_id)

    assert dump() == before
    assert _request(merchant, asked.request_id).status is RequestStatus.PENDING


@pytest.mark.parametrize("count", [2, 3])
def test_two_approvals_and_a_rejection_race(merchant: Merchant, member_id: UUID, count: int) -> None:
    for _round in range(3):
        request_id = _ask(merchant, member_id, 500).request_id
        calls: list[Callable[[], AdjustedPoints | AdjustmentRequest]] = [
            partial(_approve, merchant, request_id, BOB),
            partial(_approve, merchant, request_id, CLEO),
            partial(_reject, merchant, request_id, ANN),
        ]

        outcomes = race(calls[:count])

        refused = [outcome for outcome in outcomes if isinstance(outcome, DomainError)]
        assert [type(error) for error in refused] == [AdjustmentRequestClosed] * (count - 1)
    approved = merchant.read(lambda session: queries.requests_page(session, limit=9, status=RequestStatus.APPROVED))
    assert count == 3 or len(approved) == 3
    assert merchant.balance(member_id).available == 500 * len(approved)
    assert merchant.verdict().faults == ()


def test_pages_tell_what_time_has_made_of_requests(merchant: Merchant, member_id: UUID) -> None:
    old = _ask(merchant, member_id, 500)
    merchant.now = NOW + REQUEST_LIFE
    new, rejected = _ask(merchant, member_id, 600), _ask(merchant, member_id, 700)
    _reject(merchant, rejected.request_id)

    def page(status: RequestStatus | None, **place: Any) -> list[UUID]:
        found = merchant.read(lambda session: queries.requests_page(session, limit=9, status=status, **place))
        return [request.id for request in found]

    assert page(None) == [rejected.request_id, new.request_id, old.request_id]
    assert page(None, after_id=new.request_id) == [old.request_id]
    assert page(RequestStatus.PENDING) == [new.request_id]
    assert page(RequestStatus.EXPIRED) == [old.request_id]
    assert page(RequestStatus.REJECTED) == [rejected.request_id]
    assert page(RequestStatus.APPROVED) == []
