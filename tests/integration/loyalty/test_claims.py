"""A guest's receipt is claimed once, and is then as if the member had been known."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from services.loyalty.earning.domain import AmountRefund
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases import service
from services.loyalty.purchases.domain import BoughtLine, RefundedPurchase
from services.loyalty.purchases.domain.changes import (
    AmendPurchase,
    ClaimedPurchase,
)
from services.loyalty.purchases.errors import (
    OccurredTooLongAgo,
    PurchaseAlreadyClaimed,
    PurchaseNotFound,
    PurchaseVoided,
)
from services.loyalty.stores.domain import Store
from services.platform.errors import DomainError
from tests.integration.loyalty.test_tiers import program as tier_program
from tests.integration.loyalty.test_tiers import standing
from tests.support.builders.changes import (
    PROGRAM,
    claim,
    claim_command,
    line,
    stood,
    void,
    wait_for_a_lock,
)
from tests.support.builders.merchant import Merchant


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


def test_who_has_returned_all_claims_as_who_has_never_bought(merchant: Merchant, store: Store) -> None:
    """A receipt of a period of theirs that is over: what came back whole has left no period to count in."""
    merchant.program(tier_program(period="anniversary", span={"count": 1, "unit": "month"}, resets=False))
    returner, newcomer = merchant.member(), merchant.member()
    merchant.refund(merchant.buy(store, returner, 2_000).purchase_id)
    merchant.now += timedelta(days=10)
    for receipt in ("theirs", "other"):
        merchant.buy(store, None, 30_000, external_id=receipt)
    merchant.now += timedelta(days=25)

    for member_id, receipt in ((returner, "theirs"), (newcomer, "other")):
        claim(merchant, store, member_id, external_id=receipt, total_minor=30_000)

    stands = [standing(merchant, member_id) for member_id in (returner, newcomer)]
    assert [(each.level.code, each.since) for each in stands] == [("gold", merchant.now)] * 2
    for days, code in ((29, "gold"), (2, "silver")):
        merchant.now += timedelta(days=days)
        assert [standing(merchant, member_id).level.code for member_id in (returner, newcomer)] == [code] * 2


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


@pytest.mark.parametrize(
    ("anew", "points"), [((line(2_000, "fresh"),), 32), ((line(1_900),), None), ((line(700), line(1_300, "fresh")), 28)]
)
def test_a_receipt_that_is_amended_while_it_is_claimed_earns_what_it_has_become(
    merchant: Merchant, store: Store, anew: tuple[BoughtLine, ...], points: int | None
) -> None:
    merchant.program(PROGRAM)
    claimer = merchant.member()
    guest = merchant.buy(store, None, 2_000, external_id="receipt")
    command = claim_command(merchant, store, claimer)
    amending = AmendPurchase(guest.purchase_id, anew, "amend", b"1")

    def claiming() -> ClaimedPurchase | PurchaseNotFound:
        try:
            return merchant.do(lambda uow: service.claim_purchase(uow, command=command))
        except PurchaseNotFound as refused:
            return refused

    with ThreadPoolExecutor(1) as pool:
        with merchant.uow() as uow:
            service.amend_purchase(uow, command=amending)
            claim_under_way = pool.submit(claiming)
            wait_for_a_lock(merchant, claim_under_way)
        claimed = claim_under_way.result()

    if points is None:
        assert isinstance(claimed, PurchaseNotFound)
        assert merchant.balance(claimer).available == 0
    else:
        assert isinstance(claimed, ClaimedPurchase)
        assert (claimed.points, claimed.balance, merchant.balance(claimer).available) == (points, points, points)
        merchant.refund(guest.purchase_id)
        assert merchant.balance(claimer).available == 0
    assert merchant.verdict().faults == ()
