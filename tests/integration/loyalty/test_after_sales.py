"""Returns, exchanges, repairs and questions: what they do to points, who may do what, and at what cost."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg
import pytest

from services.loyalty.after_sales import queries, service
from services.loyalty.after_sales.domain import (
    OWN_OPEN_MAX,
    AssignCase,
    CaseEventKind,
    CaseFilter,
    CaseKind,
    CaseStatus,
    Effect,
    Replacement,
)
from services.loyalty.after_sales.errors import CaseMoveRefused, CaseNotFound, TooManyOpenCases
from services.loyalty.earning.errors import RefundLineUnknown, RefundQuantityExceedsLine
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import BoughtLine
from services.loyalty.purchases.domain.changes import ClaimPurchase
from services.loyalty.purchases.domain.effects import UseKind
from services.loyalty.purchases.errors import PurchaseConflict, PurchaseNotFound, RefundByAnotherMember
from services.loyalty.stores.domain import Store
from services.platform.actors import Actor, ActorKind
from services.platform.db.engine import Database, open_database
from services.platform.errors import DomainError, InvalidInput
from services.platform.idempotency.errors import IdempotencyConflict
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant
from tests.integration.loyalty.wire import traced
from tests.support.builders.aftercare import complete, move, note, open_case, stored, wanted
from tests.support.builders.merchant import Merchant, lines
from tests.support.tenants import DatabaseUrls

S = CaseStatus
STAFF = Actor(ActorKind.STAFF, new_id())


@pytest.fixture
def single(database_urls: DatabaseUrls) -> Iterator[Database]:
    """A pool of one connection, so that everything is said on the traced one."""
    opened = open_database(database_urls.app, pool_size=1)
    yield opened
    opened.close()


def as_member(merchant: Merchant, member_id: UUID) -> Merchant:
    return dataclasses.replace(merchant, actor=Actor(ActorKind.MEMBER, member_id))


def statuses(merchant: Merchant, case_id: UUID) -> list[CaseStatus | None]:
    events = merchant.read(lambda session: queries.events_by_cases(session, case_ids=[case_id]))[case_id]
    return [event.to_status for event in events]


def letters(merchant: Merchant) -> list[str]:
    rows = merchant.rows("SELECT payload FROM outbox WHERE type = 'CaseMoved' ORDER BY id")
    return [row["payload"]["status"] for row in rows]


def test_a_return_takes_its_lines_and_their_points_back(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 2_000, 3_000)
    merchant.redeem(member_id, merchant.reward(cost=45))
    merchant.actor = STAFF
    case_id = open_case(merchant, CaseKind.RETURN, bought.purchase_id, lines=wanted((1, "1")))
    move(merchant, case_id, S.IN_PROGRESS)
    move(merchant, case_id, S.APPROVED, reason="as promised")

    done = complete(merchant, case_id)
    case = stored(merchant, case_id)

    assert not done.replayed
    assert (case.member_id, case.purchase_id, case.store_id) == (member_id, bought.purchase_id, store.id)
    assert case.status is S.COMPLETED
    assert case.effect is not None
    numbers = Effect(points_taken_back=5, points_returned=0, points_earned=0, owed=0, shortfall=15, balance=0)
    assert dataclasses.replace(case.effect, needs_decision=(), consequences=()) == numbers
    # The reward is with the member, for points that nobody has any more.
    assert [(use.kind, use.points) for use in case.effect.needs_decision] == [(UseKind.REDEMPTION, 15)]
    assert [(use.kind, use.points) for use in case.effect.consequences] == [(UseKind.REDEMPTION, 45)]
    assert merchant.rows("SELECT id, source, external_id, refunded_minor, points_taken_back FROM refunds") == [
        {
            "id": case.refund_id,
            "source": "after_sales",
            "external_id": str(case_id),
            "refunded_minor": 2_000,
            "points_taken_back": 5,
        }
    ]
    assert statuses(merchant, case_id) == [S.OPEN, S.IN_PROGRESS, S.APPROVED, S.COMPLETED]
    assert letters(merchant) == ["in_progress", "approved", "completed"]
    assert merchant.verdict().faults == ()


def test_an_exchange_is_both_halves_or_nothing(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 2_000, 3_000, external_id="taken")
    case_id = open_case(merchant, CaseKind.EXCHANGE, bought.purchase_id, lines=wanted((2, "1")))
    move(merchant, case_id, S.APPROVED)
    sale = Replacement("till", "new-1", store.id, lines(3_500))

    with pytest.raises(PurchaseConflict):
        complete(merchant, case_id, replacement=dataclasses.replace(sale, external_id="taken"))
    with pytest.raises(InvalidInput):
        complete(merchant, case_id)
    assert (stored(merchant, case_id).status, merchant.balance(member_id).available) == (S.APPROVED, 50)
    complete(merchant, case_id, replacement=sale)
    case = stored(merchant, case_id)

    assert case.effect == Effect(
        points_taken_back=30, points_returned=0, points_earned=35, owed=0, shortfall=0, balance=55
    )
    assert merchant.balance(member_id).available == 55
    assert merchant.rows("SELECT id, member_id FROM purchases WHERE external_id = 'new-1'") == [
        {"id": case.exchange_purchase_id, "member_id": member_id}
    ]
    assert merchant.rows("SELECT id FROM refunds") == [{"id": case.refund_id}]
    assert merchant.verdict().faults == ()


def test_goods_must_be_approved_and_what_is_over_stays(merchant: Merchant, store: Store) -> None:
    merchant.program()
    bought = merchant.buy(store, merchant.member(), 2_000)
    case_id = open_case(merchant, CaseKind.RETURN, bought.purchase_id)

    with pytest.raises(CaseMoveRefused) as early:
        complete(merchant, case_id)
    with pytest.raises(CaseMoveRefused):
        move(merchant, case_id, S.COMPLETED)
    move(merchant, case_id, S.REJECTED)
    move(merchant, case_id, S.IN_PROGRESS)
    move(merchant, case_id, S.CLOSED)
    with pytest.raises(CaseMoveRefused):
        move(merchant, case_id, S.OPEN)
    with pytest.raises(CaseMoveRefused):
        note(merchant, case_id, "too late")

    assert (early.value.status, early.value.to_status) == ("open", "completed")
    assert merchant.rows("SELECT count(*) AS n FROM refunds") == [{"n": 0}]
    assert statuses(merchant, case_id) == [S.OPEN, S.REJECTED, S.IN_PROGRESS, S.CLOSED]


def test_two_of_the_staff_complete_a_return_at_once(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, lines=(BoughtLine("cup", Decimal(5), 5_000),))
    case_id = open_case(merchant, CaseKind.RETURN, bought.purchase_id)
    move(merchant, case_id, S.APPROVED)
    crowd, barrier = 8, Barrier(8)

    def attempt(_: int) -> type[Exception] | None:
        barrier.wait()
        try:
            complete(merchant, case_id)
        except DomainError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(crowd) as pool:
        outcomes = Counter(pool.map(attempt, range(crowd)))

    assert outcomes == {None: 1, CaseMoveRefused: crowd - 1}
    assert merchant.rows("SELECT refunded_minor, points_taken_back FROM refunds") == [
        {"refunded_minor": 1_000, "points_taken_back": 10}
    ]
    assert merchant.balance(member_id).available == 40
    assert statuses(merchant, case_id) == [S.OPEN, S.APPROVED, S.COMPLETED]
    assert merchant.verdict().faults == ()


def test_the_same_key_is_the_same_deed(merchant: Merchant, store: Store) -> None:
    merchant.program()
    bought = merchant.buy(store, merchant.member(), 2_000)
    key: dict[str, Any] = {"idempotency_key": "once", "request_hash": b"same"}
    first = open_case(merchant, CaseKind.RETURN, bought.purchase_id, **key)
    again = open_case(merchant, CaseKind.RETURN, bought.purchase_id, **key)
    move(merchant, first, S.APPROVED, **key)
    assert move(merchant, first, S.APPROVED, **key).replayed
    assert not complete(merchant, first, **key).replayed
    assert complete(merchant, first, **key).replayed
    with pytest.raises(IdempotencyConflict):
        complete(merchant, first, idempotency_key="once", request_hash=b"other")

    assert first == again
    assert merchant.rows("SELECT count(*) AS n FROM refunds") == [{"n": 1}]
    assert merchant.rows("SELECT count(*) AS n FROM cases") == [{"n": 1}]


def test_what_cannot_be_opened(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id, other_id = merchant.member(), merchant.member()
    bought = merchant.buy(store, member_id, 2_000)
    returned = merchant.buy(store, member_id, 2_000)
    merchant.refund(returned.purchase_id)
    refused: list[tuple[type[DomainError], Callable[[], object]]] = [
        (PurchaseNotFound, lambda: open_case(merchant, CaseKind.RETURN, new_id())),
        (RefundByAnotherMember, lambda: open_case(merchant, CaseKind.RETURN, bought.purchase_id, member=other_id)),
        (RefundLineUnknown, lambda: open_case(merchant, CaseKind.REPAIR, bought.purchase_id, lines=wanted((2, "1")))),
        (RefundQuantityExceedsLine, lambda: open_case(merchant, CaseKind.RETURN, returned.purchase_id)),
        (InvalidInput, lambda: open_case(merchant, CaseKind.RETURN, bought.purchase_id, lines=())),
        (InvalidInput, lambda: open_case(merchant, CaseKind.REPAIR)),
        (InvalidInput, lambda: open_case(merchant, CaseKind.SUPPORT)),
        (InvalidInput, lambda: open_case(merchant, CaseKind.SUPPORT, member=member_id, lines=wanted((1, "1")))),
        (PurchaseNotFound, lambda: open_case(as_member(merchant, other_id), CaseKind.RETURN, bought.purchase_id)),
    ]

    for error, call in refused:
        with pytest.raises(error):
            call()

    assert merchant.rows("SELECT count(*) AS n FROM cases") == [{"n": 0}]


def test_a_member_opens_writes_and_withdraws(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id, other_id = merchant.member(), merchant.member()
    bought = merchant.buy(store, member_id, 2_000)
    own, other = as_member(merchant, member_id), as_member(merchant, other_id)
    case_id = open_case(own, CaseKind.RETURN, bought.purchase_id)
    move(merchant, case_id, S.WAITING_FOR_MEMBER)

    note(own, case_id, "here is the receipt")
    after_note = stored(merchant, case_id).status
    with pytest.raises(CaseNotFound):
        note(other, case_id, "mine")
    with pytest.raises(CaseNotFound):
        move(other, case_id, S.CLOSED)
    with pytest.raises(InvalidInput):
        note(own, case_id, "psst", is_internal=True)
    with pytest.raises(CaseMoveRefused):
        move(own, case_id, S.APPROVED)
    move(own, case_id, S.CLOSED)

    assert after_note is S.IN_PROGRESS
    assert stored(merchant, case_id).status is S.CLOSED
    # What members do themselves they need no letter about.
    assert letters(merchant) == ["waiting_for_member"]


def test_a_member_has_a_few_open_at_most_however_they_come(merchant: Merchant) -> None:
    merchant.program()
    member_id = merchant.member()
    own, crowd = as_member(merchant, member_id), OWN_OPEN_MAX + 3
    barrier = Barrier(crowd)

    def attempt(_: int) -> UUID | type[Exception]:
        barrier.wait()
        try:
            return open_case(own, CaseKind.SUPPORT)
        except DomainError as error:
            return type(error)

    with ThreadPoolExecutor(crowd) as pool:
        outcomes = list(pool.map(attempt, range(crowd)))
    opened = [outcome for outcome in outcomes if isinstance(outcome, UUID)]
    complete(merchant, opened[0])
    open_case(own, CaseKind.SUPPORT)

    assert (len(opened), outcomes.count(TooManyOpenCases)) == (OWN_OPEN_MAX, 3)
    with pytest.raises(TooManyOpenCases):
        open_case(own, CaseKind.SUPPORT)
    open_case(merchant, CaseKind.SUPPORT, member=member_id)


def test_the_queue(merchant: Merchant, store: Store) -> None:
    merchant.program()
    elsewhere = merchant.store("elsewhere")
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 2_000)
    first = open_case(merchant, CaseKind.RETURN, bought.purchase_id)
    second = open_case(merchant, CaseKind.SUPPORT, member=member_id, store_id=elsewhere.id)
    third = open_case(merchant, CaseKind.REPAIR, bought.purchase_id, store_id=elsewhere.id)
    over = open_case(merchant, CaseKind.SUPPORT, bought.purchase_id)
    complete(merchant, over, reason="yes")
    merchant.do(lambda uow: service.assign_case(uow, command=AssignCase(third, STAFF.id, "Grace")))

    def page(*, limit: int = 9, after_id: UUID | None = None, **wanted_by: Any) -> list[UUID]:
        wanted = CaseFilter(**wanted_by)
        found = merchant.read(
            lambda session: queries.cases_page(session, wanted=wanted, limit=limit, after_id=after_id)
        )
        return [case.id for case in found]

    assert page() == [first, second, third]
    assert page(limit=1, after_id=first) == [second]
    assert page(status=S.COMPLETED) == [over]
    assert page(store_id=elsewhere.id) == [second, third]
    assert page(kind=CaseKind.REPAIR) == [third]
    assert page(assignee_id=STAFF.id) == [third]
    about = merchant.read(lambda session: queries.cases_by_purchases(session, purchase_ids=[bought.purchase_id]))
    assert [case.id for case in about[bought.purchase_id]] == [first, third, over]
    mine = merchant.read(lambda session: queries.cases_of_member(session, member_id=member_id, limit=2))
    assert [case.id for case in mine] == [over, third]
    events = merchant.read(lambda session: queries.events_by_cases(session, case_ids=[third]))[third]
    assert [(event.kind, event.assignee_name, event.is_internal) for event in events] == [
        (CaseEventKind.OPENED, None, False),
        (CaseEventKind.ASSIGNED, "Grace", True),
    ]


def test_a_guest_who_claims_the_receipt_is_the_cases_member(merchant: Merchant, store: Store) -> None:
    merchant.program()
    bought = merchant.buy(store, None, 2_000, external_id="found")
    case_id = open_case(merchant, CaseKind.RETURN, bought.purchase_id)
    move(merchant, case_id, S.APPROVED)
    before = stored(merchant, case_id).member_id
    member_id = merchant.member()
    claim = ClaimPurchase("till", "found", store.id, 2_000, "CNY", member_id, "claim", b"claim")
    merchant.do(lambda uow: purchases.claim_purchase(uow, command=claim))

    complete(merchant, case_id)

    case = stored(merchant, case_id)
    assert (before, case.member_id) == (None, member_id)
    assert case.effect == Effect(
        points_taken_back=20, points_returned=0, points_earned=0, owed=0, shortfall=0, balance=0
    )
    assert letters(merchant) == ["completed"]


def test_the_history_cannot_be_changed(merchant: Merchant) -> None:
    open_case(merchant, CaseKind.SUPPORT, member=merchant.member())

    for statement in (b"UPDATE case_events SET text = 'other'", b"DELETE FROM case_events"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), merchant.uow() as uow:
            uow.execute(statement)


def test_cases_keep_to_their_round_trips(single: Database, tenant: Tenant) -> None:
    merchant = Merchant(single, tenant.home)
    merchant.program()
    store, member_id = merchant.store(), merchant.member()
    bought = merchant.buy(store, member_id, 2_000, 3_000)
    cases: list[UUID] = []
    verbs: dict[str, Callable[[], Any]] = {
        "open": lambda: cases.append(open_case(merchant, CaseKind.RETURN, bought.purchase_id)),
        "note": lambda: note(merchant, cases[0], "words"),
        "move": lambda: move(merchant, cases[0], S.APPROVED),
        "complete": lambda: complete(merchant, cases[0]),
        "a page": lambda: merchant.read(lambda session: queries.cases_page(session, wanted=CaseFilter(), limit=20)),
    }
    counted: dict[str, tuple[int, int]] = {}

    for name, verb in verbs.items():
        with traced(single) as traffic:
            verb()
        counted[name] = (traffic.statements, traffic.round_trips)

    # Completing is a refund with the case around it: three trips are the refund's own.
    assert counted == {
        "open": (13, 6),
        "note": (10, 3),
        "move": (10, 3),
        "complete": (46, 6),
        "a page": (4, 2),
    }
