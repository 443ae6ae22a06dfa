"""Void, amend, exchange, claim: each ends as if the sale had been rung up right at first."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.earning.domain import AmountRefund, LineRefund, ReturnedLine
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases import service
from services.loyalty.purchases.domain import BoughtLine, RefundedPurchase
from services.loyalty.purchases.domain.changes import (
    AmendedPurchase,
    AmendPurchase,
    ClaimedPurchase,
    ClaimPurchase,
    ExchangedPurchase,
    ExchangePurchase,
    VoidPurchase,
)
from services.loyalty.purchases.domain.effects import UseKind
from services.loyalty.purchases.errors import (
    OccurredTooLongAgo,
    PurchaseAlreadyClaimed,
    PurchaseAlreadyRefunded,
    PurchaseNotFound,
    PurchaseVoided,
)
from services.loyalty.stores.domain import Store
from services.platform.errors import DomainError
from services.platform.idempotency.errors import IdempotencyConflict
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import NOW, Merchant
from tests.support.state_hash import State, state

PROGRAM = document(
    rules=[rule(cap=40), rule("fresh", points=2, per=300, conditions={"categories": [["fresh"]]})],
    levels=[("base", 0, "1"), ("gold", 30, "2")],
)


def void(merchant: Merchant, purchase_id: UUID, **changes: Any) -> RefundedPurchase:
    values = {"idempotency_key": f"void-{next(merchant.numbers)}", "request_hash": b"1"} | changes
    command = VoidPurchase(purchase_id, **values)
    return merchant.do(lambda uow: service.void_purchase(uow, command=command))


def amend(merchant: Merchant, purchase_id: UUID, *bought: BoughtLine, **changes: Any) -> AmendedPurchase:
    values = {"idempotency_key": f"amend-{next(merchant.numbers)}", "request_hash": b"1"} | changes
    command = AmendPurchase(purchase_id, bought, **values)
    return merchant.do(lambda uow: service.amend_purchase(uow, command=command))


def claim_command(merchant: Merchant, store: Store, member_id: UUID, **changes: Any) -> ClaimPurchase:
    number = next(merchant.numbers)
    values: dict[str, Any] = {
        "source": "till",
        "external_id": "receipt",
        "store_id": store.id,
        "total_minor": 2_000,
        "currency": "CNY",
        "member": member_id,
        "idempotency_key": f"claim-{number}",
        "request_hash": b"1",
    }
    return ClaimPurchase(**(values | changes))


def claim(merchant: Merchant, store: Store, member_id: UUID, **changes: Any) -> ClaimedPurchase:
    command = claim_command(merchant, store, member_id, **changes)
    return merchant.do(lambda uow: service.claim_purchase(uow, command=command))


def stood(merchant: Merchant, member_id: UUID) -> tuple[Any, ...]:
    """What a member has, told so that two members can be compared."""
    there: State = merchant.read(lambda session: state(session, member_ids=(member_id,)))
    return (
        sorted(value for value in there.balances.values()),
        sorted((key[1:], value) for key, value in there.lots.items()),
        list(there.tiers.values()),
        sorted((key[1:], value) for key, value in there.caps.items()),
    )


def line(amount: int, *category: str, quantity: int = 1) -> BoughtLine:
    return BoughtLine("sku", Decimal(quantity), amount, category=category)


# --- void ---


def test_a_voided_purchase_was_never_there_and_is_closed(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    member_id = merchant.member()
    before = stood(merchant, member_id)
    bought = merchant.buy(store, member_id, 3_500)
    merchant.refund(bought.purchase_id, AmountRefund(700))

    voided = void(merchant, bought.purchase_id, reason="rung up twice", idempotency_key="v")
    again = void(merchant, bought.purchase_id, reason="rung up twice", idempotency_key="v")

    assert (voided.refunded_minor, voided.points, voided.from_tier, voided.to_tier) == (2_800, 28, None, None)
    assert (again.replayed, again.refund_id) == (True, voided.refund_id)
    assert stood(merchant, member_id) == before
    for refused in (
        lambda: void(merchant, bought.purchase_id),
        lambda: merchant.refund(bought.purchase_id),
        lambda: amend(merchant, bought.purchase_id, line(100)),
    ):
        with pytest.raises(PurchaseVoided):
            refused()
    assert merchant.rows("SELECT kind, reason, before -> 'totalMinor' AS total FROM purchase_changes") == [
        {"kind": "void", "reason": "rung up twice", "total": 3_500}
    ]
    assert merchant.verdict().faults == ()


def test_voiding_what_has_come_back_already_only_closes_it(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 1_000)
    merchant.refund(bought.purchase_id)

    voided = void(merchant, bought.purchase_id)

    assert (voided.refunded_minor, voided.points) == (0, 0)
    with pytest.raises(PurchaseVoided):
        merchant.refund(bought.purchase_id)


# --- amend ---


@pytest.mark.parametrize(
    ("first", "anew"),
    [
        ((line(1_000),), (line(1_900, "fresh"),)),
        ((line(1_900, "fresh"),), (line(1_000),)),
        ((line(2_500, "fresh"), line(800)), (line(300, "fresh"), line(3_700))),
        ((line(3_500),), (line(99),)),
        ((line(99),), (line(6_000, "fresh"), line(-500))),
    ],
)
def test_an_amended_purchase_ends_as_if_rung_up_right_at_first(
    merchant: Merchant, store: Store, first: tuple[BoughtLine, ...], anew: tuple[BoughtLine, ...]
) -> None:
    merchant.program(PROGRAM)
    amended_of, right_of = merchant.member(), merchant.member()
    for member_id in (amended_of, right_of):
        merchant.adjust(member_id, 50)
    bought = merchant.buy(store, amended_of, lines=first)
    right = merchant.buy(store, right_of, lines=anew)
    merchant.now += timedelta(days=3)

    amended = amend(merchant, bought.purchase_id, *anew)

    assert (amended.points, amended.change, amended.shortfall) == (right.points, right.points - bought.points, 0)
    assert stood(merchant, amended_of) == stood(merchant, right_of)
    assert merchant.verdict().faults == ()
    merchant.refund(bought.purchase_id)
    merchant.refund(right.purchase_id)
    assert stood(merchant, amended_of) == stood(merchant, right_of)
    assert merchant.verdict().faults == ()


def test_points_that_were_spent_between_stay_spent_on_the_same_lot(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    members = merchant.member(), merchant.member()
    coffee = merchant.reward(cost=8)
    bought = merchant.buy(store, members[0], 1_000)
    merchant.redeem(members[0], coffee)
    merchant.buy(store, members[1], 2_000)
    merchant.redeem(members[1], coffee)

    amended = amend(merchant, bought.purchase_id, line(2_000))

    assert (amended.points, amended.change, amended.balance) == (20, 10, 12)
    assert stood(merchant, members[0]) == stood(merchant, members[1])


def test_what_an_amendment_cannot_find_is_tried_again_by_the_next_refund(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 2_000)
    merchant.redeem(member_id, merchant.reward(cost=18))

    amended = amend(merchant, bought.purchase_id, line(500), idempotency_key="a")
    again = amend(merchant, bought.purchase_id, line(500), idempotency_key="a")
    merchant.adjust(member_id, 100)
    refunded = merchant.refund(bought.purchase_id)

    assert (amended.points, amended.change, amended.shortfall, amended.balance) == (5, -2, 13, 0)
    assert again.replayed
    assert (refunded.points, refunded.shortfall, refunded.balance) == (18, 0, 82)
    assert merchant.verdict().faults == ()


def test_an_amendment_back_pays_first_what_the_last_one_could_not_take(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 2_000)
    merchant.redeem(member_id, merchant.reward(cost=18))
    amend(merchant, bought.purchase_id, line(500))

    back = amend(merchant, bought.purchase_id, line(2_000))

    # As rung up so at first: 20 were earned, 18 spent.
    assert (back.points, back.shortfall, back.balance) == (20, 0, 2)
    assert merchant.verdict().faults == ()


def test_an_amendment_after_a_refund_is_refused_and_a_guests_only_changes_its_lines(
    merchant: Merchant, store: Store
) -> None:
    merchant.program(PROGRAM)
    returned = merchant.buy(store, merchant.member(), 1_000)
    guest = merchant.buy(store, None, 1_000)
    merchant.refund(returned.purchase_id, AmountRefund(1))

    with pytest.raises(PurchaseAlreadyRefunded):
        amend(merchant, returned.purchase_id, line(500))
    amended = amend(merchant, guest.purchase_id, line(400), line(300))

    assert (amended.points, amended.member_id) == (0, None)
    found = merchant.read(lambda s: purchases.purchases_by_ids(s, purchase_ids=[guest.purchase_id]))[guest.purchase_id]
    assert (found.total_minor, found.amended_at) == (700, NOW)
    rows = merchant.read(lambda s: purchases.lines_by_purchases(s, purchase_ids=[guest.purchase_id]))
    assert [each.amount_minor for each in rows[guest.purchase_id]] == [400, 300]


# --- exchange ---


def exchange(merchant: Merchant, purchase_id: UUID, store: Store, *amounts: int, **changes: Any) -> ExchangedPurchase:
    sale = merchant.purchase_command(store, None, *amounts)
    values: dict[str, Any] = {
        "returned": LineRefund((ReturnedLine(1, Decimal(1)),)),
        "refund_source": "till",
        "refund_external_id": "return",
        "sale": sale,
        "idempotency_key": "exchange",
        "request_hash": b"1",
    }
    command = ExchangePurchase(purchase_id, **(values | changes))
    return merchant.do(lambda uow: service.exchange_purchase(uow, command=command))


def test_an_exchange_is_a_return_and_a_sale_or_neither(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 1_000, 500)

    exchanged = exchange(merchant, bought.purchase_id, store, 1_700)
    again = exchange(merchant, bought.purchase_id, store, 1_700)

    assert (exchanged.refunded.points, exchanged.recorded.points, exchanged.recorded.balance) == (10, 17, 22)
    assert exchanged.recorded.member_id == member_id
    assert (again.replayed, again.recorded.purchase_id) == (True, exchanged.recorded.purchase_id)
    assert merchant.balance(member_id).available == 22
    changes = merchant.rows("SELECT kind, other_purchase_id FROM purchase_changes")
    assert changes == [{"kind": "exchange", "other_purchase_id": exchanged.recorded.purchase_id}]
    with pytest.raises(IdempotencyConflict):
        exchange(merchant, bought.purchase_id, store, 1_700, request_hash=b"2")
    before = stood(merchant, member_id)
    sale = merchant.purchase_command(store, None, 100, occurred_at=NOW + timedelta(days=9))
    with pytest.raises(DomainError):
        exchange(
            merchant,
            bought.purchase_id,
            store,
            idempotency_key="other",
            refund_external_id="other",
            returned=LineRefund((ReturnedLine(2, Decimal(1)),)),
            sale=sale,
        )
    assert stood(merchant, member_id) == before


# --- claim ---


def test_a_claimed_receipt_is_as_if_the_member_had_been_known(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    claimer, known = merchant.member(), merchant.member()
    merchant.buy(store, None, 2_000, external_id="receipt")
    right = merchant.buy(store, known, 2_000)
    merchant.now += timedelta(days=5)

    claimed = claim(merchant, store, claimer, idempotency_key="c")
    again = claim(merchant, store, claimer, idempotency_key="c")

    assert (claimed.points, claimed.balance) == (right.points, right.balance) == (20, 20)
    assert again.replayed
    assert stood(merchant, claimer) == stood(merchant, known)
    found = merchant.read(lambda s: purchases.purchase_by_external_id(s, source="till", external_id="receipt"))
    assert found is not None
    assert (found.member_id, found.points, found.claimed_at) == (claimer, 20, merchant.now)
    with pytest.raises(PurchaseAlreadyClaimed):
        claim(merchant, store, known)
    merchant.refund(claimed.purchase_id)
    merchant.refund(right.purchase_id)
    assert stood(merchant, claimer) == stood(merchant, known)
    assert merchant.verdict().faults == ()


def test_what_came_back_before_the_claim_earns_nothing(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    claimer, known = merchant.member(), merchant.member()
    guest = merchant.buy(store, None, 2_000, external_id="receipt")
    right = merchant.buy(store, known, 2_000)
    for purchase_id in (guest.purchase_id, right.purchase_id):
        merchant.refund(purchase_id, AmountRefund(450))

    claimed = claim(merchant, store, claimer)

    assert (claimed.points, claimed.balance) == (15, 15)
    assert stood(merchant, claimer) == stood(merchant, known)
    for purchase_id in (guest.purchase_id, right.purchase_id):
        assert merchant.refund(purchase_id).points == 15
    assert stood(merchant, claimer) == stood(merchant, known)
    assert merchant.verdict().faults == ()


def test_a_receipt_that_is_not_the_right_one_is_not_there(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    other = merchant.store("other")
    member_id = merchant.member()
    merchant.buy(store, None, 2_000, external_id="receipt")
    voided = merchant.buy(store, None, 2_000, external_id="voided")
    void(merchant, voided.purchase_id)

    for changes in ({"total_minor": 1_999}, {"store_id": other.id}, {"external_id": "x"}, {"currency": "USD"}):
        with pytest.raises(PurchaseNotFound):
            claim(merchant, store, member_id, **changes)
    with pytest.raises(PurchaseVoided):
        claim(merchant, store, member_id, external_id="voided")
    merchant.now += timedelta(days=31)
    with pytest.raises(OccurredTooLongAgo):
        claim(merchant, store, member_id)
    assert merchant.balance(member_id).available == 0


def test_of_racing_claims_one_wins(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    members = [merchant.member() for _ in range(8)]
    guest = merchant.buy(store, None, 2_000, external_id="receipt")
    start = threading.Barrier(len(members) + 1)

    def claiming(member_id: UUID) -> Callable[[], object]:
        command = claim_command(merchant, store, member_id)
        return lambda: merchant.do(lambda uow: service.claim_purchase(uow, command=command))

    def run(call: Callable[[], object]) -> object:
        start.wait()
        try:
            return call()
        except DomainError as error:
            return error

    refund = merchant.refund_command(guest.purchase_id, AmountRefund(500))
    calls = [*map(claiming, members), lambda: merchant.do(lambda uow: service.refund_purchase(uow, command=refund))]
    with ThreadPoolExecutor(len(calls)) as pool:
        results = list(pool.map(run, calls))

    winners = [each for each in results if isinstance(each, ClaimedPurchase)]
    refused = [each for each in results if isinstance(each, DomainError)]
    assert len(winners) == 1
    assert {type(each) for each in refused} == {PurchaseAlreadyClaimed}
    assert isinstance(results[-1], RefundedPurchase)
    assert [merchant.balance(member_id).available for member_id in members].count(15) == 1
    assert sum(merchant.balance(member_id).available for member_id in members) == 15
    assert merchant.verdict().faults == ()


# --- what is told ---


def test_what_used_the_points_is_told_and_what_nobody_has_needs_a_decision(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 3_000)
    at_gold = merchant.buy(store, member_id, 400)
    gift = merchant.redeem(member_id, merchant.reward(cost=25))

    refunded = merchant.refund(bought.purchase_id)

    assert (bought.to_tier, at_gold.points, refunded.points, refunded.shortfall) == ("gold", 8, 13, 17)
    assert refunded.to_tier == "base"
    assert [(use.kind, use.id, use.points) for use in refunded.consequences] == [
        (UseKind.REDEMPTION, gift.redemption_id, 25),
        (UseKind.PURCHASE, at_gold.purchase_id, 0),
    ]
    assert [(use.kind, use.id, use.points) for use in refunded.needs_decision] == [
        (UseKind.REDEMPTION, gift.redemption_id, 17)
    ]
