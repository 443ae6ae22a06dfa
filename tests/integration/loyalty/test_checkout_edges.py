"""The checkout where things are late, come at once, or come again: nothing is lost, and nothing is given twice."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from services.loyalty.checkout import service as checkout
from services.loyalty.checkout.domain import QuotedCart
from services.loyalty.checkout.domain.commands import CancelCart, CommittedCart, OfflineCoupon, SettledOffline
from services.loyalty.checkout.errors import CartConflict, QuoteChanged
from services.loyalty.coupons.domain import Reason
from services.loyalty.earning.domain import AmountRefund
from services.loyalty.purchases.errors import PurchaseConflict
from services.loyalty.stores.domain import Store
from services.platform.db.session import UnitOfWork
from tests.integration.loyalty.test_concurrency import race
from tests.support.builders.changes import claim, wait_for_a_lock
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.points import accrue, ending
from tests.support.builders.spending import spending
from tests.support.builders.till import ALL, Till, off, selling_program

DAY = timedelta(days=1)


@pytest.fixture
def till(merchant: Merchant, store: Store) -> Till:
    return Till(merchant, store)


def test_what_is_reserved_for_long_can_be_committed(merchant: Merchant, till: Till) -> None:
    selling_program(merchant, policies={"backdatingDays": 5})
    member_id = merchant.member()
    cart = till.quote(member_id, 1_000).cart
    till.reserve(cart, minutes=60 * 24 * 10)
    merchant.now = NOW + 8 * DAY

    done = till.commit(cart)

    assert (done.total_minor, done.recorded.points) == (1_000, 10)
    assert merchant.rows("SELECT occurred_at FROM purchases") == [{"occurred_at": NOW}]


def test_a_quote_of_a_minute_ago_is_committed_where_nothing_may_be_told_late(merchant: Merchant, till: Till) -> None:
    selling_program(merchant, policies={"backdatingDays": 0})
    cart = till.quote(merchant.member(), 1_000).cart
    merchant.now = NOW + timedelta(minutes=1)

    assert till.commit(cart).recorded.points == 10


def test_points_that_ended_while_they_were_held_are_not_held_again(merchant: Merchant, till: Till) -> None:
    """What a cart holds it may spend; once it is let go of, what has ended is gone, and so the quote is another one."""
    selling_program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 500, validity=ending(merchant, days=1))
    accrue(merchant, member_id, 200, validity=ending(merchant, days=9))
    first = till.quote(member_id, 1_000, points=ALL).cart
    assert till.reserve(first, minutes=60 * 72).points == 700
    merchant.now = NOW + 2 * DAY
    again = till.quote(member_id, 1_000, points=ALL, cart_id=first.id).cart
    anew: list[QuotedCart] = []

    def seal(cart: QuotedCart) -> str:
        anew.append(cart)
        return "anew"

    with pytest.raises(QuoteChanged) as refused:
        till.reserve(again, seal=seal)

    assert (refused.value.new_points_paid, refused.value.token) == (200, "anew")
    assert till.reserve(anew[0]).points == 200
    assert (merchant.balance(member_id).available, merchant.balance(member_id).held) == (0, 200)
    assert till.commit(anew[0]).points == 200
    assert merchant.verdict().faults == ()


def test_what_a_cart_holds_can_be_spent_after_its_end(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 500, validity=ending(merchant, days=1))
    first = till.quote(member_id, 1_000, points=ALL).cart
    till.reserve(first, minutes=60 * 72)
    merchant.now = NOW + 2 * DAY

    assert till.commit(till.quote(member_id, 1_000, points=ALL, cart_id=first.id).cart).points == 500
    assert merchant.verdict().faults == ()


def test_a_guests_cart_is_committed_once_under_whatever_number(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    till.coupon_kind(off(100), shared_code="FIRST", uses_max=1)
    cart = till.quote(None, 1_000, codes=("first",)).cart

    results = race([lambda: till.commit(cart) for _ in range(10)])

    committed = [result for result in results if isinstance(result, CommittedCart)]
    assert len(committed) == 10
    assert len({result.recorded.purchase_id for result in committed}) == 1
    assert [result.recorded.replayed for result in committed].count(False) == 1
    assert merchant.rows("SELECT count(*) AS n FROM purchases") == [{"n": 1}]


def test_a_guests_cart_that_is_committed_meanwhile_is_not_canceled(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    cart = till.quote(None, 1_000).cart
    command = till.commit_command(cart)
    canceling = CancelCart(cart, "cancel", b"1")

    def cancel() -> object:
        return merchant.do(lambda uow: checkout.cancel_cart(uow, command=canceling))

    with ThreadPoolExecutor(1) as pool:

        def commit(uow: UnitOfWork) -> Any:
            checkout.commit_cart(uow, command=command)
            under_way = pool.submit(cancel)
            wait_for_a_lock(merchant, under_way)
            return under_way

        under_way = merchant.do(commit)
        assert isinstance(under_way.exception(), CartConflict)

    assert merchant.rows("SELECT status FROM carts") == [{"status": "committed"}]


def test_a_guests_sale_that_was_made_offline_is_stored_once(merchant: Merchant, till: Till) -> None:
    merchant.now = NOW - DAY
    selling_program(merchant)
    till.coupon_kind(off(100), shared_code="ONCE", uses_max=1)
    merchant.now = NOW
    told = till.offline_command(
        None, 800, coupons=(OfflineCoupon(100, code="once"),), occurred_at=NOW - timedelta(hours=5)
    )
    calls = [_again(told, key=f"offline-{number}") for number in range(8)]

    results = race([lambda call=call: till.offline(call) for call in calls])  # type: ignore[misc]  # bound by default

    settled = [result for result in results if isinstance(result, SettledOffline)]
    assert len(settled) == 8
    assert [result.recorded.replayed for result in settled].count(False) == 1
    assert {result.refused for result in settled} == {()}
    assert merchant.rows("SELECT count(*) AS n FROM purchases") == [{"n": 1}]
    assert merchant.rows("SELECT uses_spent FROM coupon_definitions") == [{"uses_spent": 1}]


@pytest.mark.parametrize("changes", [{"coupons": ()}, {"points": 50, "value_minor": 100}])
def test_an_offline_sale_told_again_with_other_coupons_or_points_is_another_one(
    merchant: Merchant, till: Till, changes: dict[str, Any]
) -> None:
    merchant.now = NOW - DAY
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 500)
    mine = till.give(member_id, till.coupon_kind(off(100)))
    merchant.now = NOW
    told = till.offline_command(
        member_id,
        800,
        points=100,
        value_minor=100,
        coupons=(OfflineCoupon(100, coupon_id=mine),),
        occurred_at=NOW - timedelta(hours=5),
    )
    first = till.offline(told)

    assert till.offline(_again(told, key="same")).recorded.purchase_id == first.recorded.purchase_id
    with pytest.raises(PurchaseConflict) as refused:
        till.offline(dataclasses.replace(_again(told, key="other"), **changes))

    assert refused.value.purchase_id == first.recorded.purchase_id


def test_before_there_was_a_program_no_points_could_pay(merchant: Merchant, till: Till) -> None:
    """The sale is stored, and what it took as points is told: nothing would give them back with the goods."""
    merchant.now = NOW - DAY
    sold_at = merchant.now
    member_id = merchant.member()
    merchant.now = NOW
    selling_program(merchant)
    merchant.adjust(member_id, 500)

    settled = till.offline(till.offline_command(member_id, 800, points=300, value_minor=300, occurred_at=sold_at))

    assert (settled.points, settled.missing_points, settled.missing_minor) == (0, 300, 300)
    assert merchant.balance(member_id).available == 500
    back = merchant.refund(settled.recorded.purchase_id)
    assert (back.points_returned, merchant.balance(member_id).available) == (0, 500)


def test_a_tier_by_balance_counts_what_the_cart_itself_holds(merchant: Merchant, till: Till) -> None:
    levels = [
        {"code": code, "name": {"en": code, "zh": code}, "threshold": threshold, "multiplier": multiplier}
        for code, threshold, multiplier in (("base", 0, "1"), ("gold", 500, "2"))
    ]
    selling_program(merchant, tiers={"metric": "balance", "crossing": "new", "levels": levels})
    member_id = merchant.member()
    merchant.adjust(member_id, 1_000)
    first = till.quote(member_id, 1_000, points=_three_hundred())
    assert first.earned.points == 14
    till.reserve(first.cart)

    again = till.quote(member_id, 1_000, points=_three_hundred(), cart_id=first.cart.id)

    assert again.earned.points == 14
    till.reserve(again.cart)
    assert till.commit(again.cart).recorded.points == 14


def test_a_rule_that_asks_for_the_source_is_quoted_and_reserved_alike(merchant: Merchant, till: Till) -> None:
    by_source = {"field": "order.source", "op": "eq", "value": "checkout"}
    selling_program(merchant, spending(), spending("at-checkout", when=by_source))
    quote = till.quote(merchant.member(), 1_000)

    till.reserve(quote.cart)

    assert till.commit(quote.cart).recorded.points == quote.earned.points == 10


def test_a_new_quote_of_a_commit_is_one_of_the_source_that_told_it(merchant: Merchant, till: Till) -> None:
    by_source = {"field": "order.source", "op": "eq", "value": "till"}
    selling_program(merchant, spending(), spending("of-the-till", when=by_source))
    cart = till.quote(merchant.member(), 1_000).cart
    anew: list[QuotedCart] = []

    def seal(cart: QuotedCart) -> str:
        anew.append(cart)
        return "anew"

    with pytest.raises(QuoteChanged):
        till.commit(cart, seal=seal)

    till.reserve(anew[0])
    assert till.commit(anew[0]).recorded.points == 20


def test_offline_a_coupon_that_somebody_takes_meanwhile_is_refused_alone(merchant: Merchant, till: Till) -> None:
    merchant.now = NOW - DAY
    selling_program(merchant)
    member_id = merchant.member()
    mine = till.give(member_id, till.coupon_kind(off(100)))
    till.coupon_kind(off(50), shared_code="EVERY")
    till.coupon_kind(off(70), shared_code="LAST", uses_max=1)
    last = till.quote(None, 1_000, codes=("last",)).cart
    command = till.commit_command(last)
    told = till.offline_command(
        member_id,
        800,
        coupons=(OfflineCoupon(70, code="LAST"), OfflineCoupon(100, coupon_id=mine), OfflineCoupon(50, code="EVERY")),
        occurred_at=merchant.now - timedelta(hours=5),
    )
    with ThreadPoolExecutor(1) as pool:

        def commit(uow: UnitOfWork) -> Any:
            checkout.commit_cart(uow, command=command)
            under_way = pool.submit(till.offline, told)
            wait_for_a_lock(merchant, under_way)
            return under_way

        settled = merchant.do(commit).result()

    assert [(refused.reason, amount) for refused, amount in settled.refused] == [(Reason.USED_UP, 70)]
    assert till.uses_of(mine) == (0, 1)
    uses = "SELECT status, amount_minor FROM coupon_uses WHERE owner_id = %(id)s ORDER BY amount_minor"
    assert merchant.rows(uses, {"id": settled.cart_id}) == [
        {"status": "spent", "amount_minor": 50},
        {"status": "spent", "amount_minor": 100},
    ]


def test_a_claimed_receipt_gives_its_budget_no_more_back_than_it_took(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    budget = till.budget(money_max=10_000)
    till.coupon_kind(off(100), shared_code="GUEST", budget_id=budget.id)
    done = till.commit(till.quote(None, 1_100, codes=("guest",)).cart, external_id="receipt")
    purchase_id = done.recorded.purchase_id
    merchant.refund(purchase_id, AmountRefund(500))
    assert till.spent_of(budget) == (0, 1, 0, 50)

    claim(merchant, till.store, merchant.member(), total_minor=1_000)
    merchant.refund(purchase_id, AmountRefund(100))

    assert till.spent_of(budget) == (0, 1, 0, 40)


def _again(told: Any, *, key: str) -> Any:
    return dataclasses.replace(told, record=dataclasses.replace(told.record, idempotency_key=key))


def _three_hundred() -> Any:
    return dataclasses.replace(ALL, points=300)
