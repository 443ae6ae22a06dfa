"""A quote promises the coupons that their budgets can pay for, and says of the others that they cannot."""

import dataclasses
from datetime import timedelta

import pytest

from services.loyalty.budgets import service as budgets
from services.loyalty.budgets.domain import Budget, UpdateBudget
from services.loyalty.budgets.errors import BudgetExhausted
from services.loyalty.checkout.domain import QuotedCart
from services.loyalty.checkout.domain.commands import CheckoutQuote
from services.loyalty.checkout.errors import QuoteChanged
from services.loyalty.coupons.domain import Exclusivity, Reason
from services.loyalty.stores.domain import Store
from services.platform.money import Money
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.till import Till, off, percent_off, selling_program

HOUR = timedelta(hours=1)


@pytest.fixture
def till(merchant: Merchant, store: Store) -> Till:
    selling_program(merchant)
    return Till(merchant, store)


def outcome(quote: CheckoutQuote) -> tuple[int, list[Reason]]:
    """What is to be paid, and why coupons do not count."""
    priced = quote.weighed.priced
    return priced.total_minor, [one.reason for one in priced.lowered.discounting.refused]


def archive(till: Till, budget: Budget, *, is_archived: bool) -> Budget:
    command = UpdateBudget(budget.id, budget.version, budget.content, is_archived=is_archived)
    return till.merchant.do(lambda uow: budgets.update_budget(uow, command=command))


def test_what_its_budget_cannot_pay_is_not_promised(merchant: Merchant, till: Till) -> None:
    member_id, budget = merchant.member(), till.budget(units_max=1)
    kind = till.coupon_kind(off(700), budget_id=budget.id)
    first, second = till.give(member_id, kind), till.give(member_id, kind)
    till.commit(till.quote(member_id, 5_000, coupon_ids=[first]).cart)

    quote = till.quote(member_id, 5_000, coupon_ids=[second])

    assert outcome(quote) == (5_000, [Reason.BUDGET_EXHAUSTED])
    assert till.commit(quote.cart).total_minor == 5_000
    assert (till.uses_of(second), till.spent_of(budget)) == ((0, 0), (0, 1, 0, 700))


def test_a_promise_stands_when_a_budget_comes_free_after_it(merchant: Merchant, till: Till) -> None:
    member_id, budget = merchant.member(), till.budget(units_max=1)
    till.coupon_kind(off(700), shared_code="WELCOME", budget_id=budget.id)
    before = till.commit(till.quote(member_id, 5_000, codes=["WELCOME"]).cart)
    quote = till.quote(member_id, 2_000, codes=["welcome"])
    assert outcome(quote) == (2_000, [Reason.BUDGET_EXHAUSTED])
    merchant.refund(before.recorded.purchase_id)

    assert till.commit(quote.cart).total_minor == 2_000
    assert outcome(till.quote(member_id, 2_000, codes=["welcome"])) == (1_300, [])


def test_of_all_coupons_of_a_wallet_those_count_that_are_paid_for(merchant: Merchant, till: Till) -> None:
    """The dear one does not fit any more, and so the other one counts that could not be used beside it."""
    member_id, budget = merchant.member(), till.budget(money_max=1_000)
    dear = till.give(member_id, till.coupon_kind(percent_off("30"), budget_id=budget.id, priority=1))
    cheap = till.give(member_id, till.coupon_kind(off(900), budget_id=budget.id, priority=2))

    small = till.quote(member_id, 1_000, every_coupon=True)
    large = till.quote(member_id, 5_000, every_coupon=True)

    # 3.00 for the one leave 7.00 for what is left of the price; 15.00 are more than there is.
    assert outcome(small) == (0, [])
    assert outcome(large) == (4_100, [Reason.BUDGET_EXHAUSTED])
    assert till.commit(large.cart).total_minor == 4_100
    assert (till.uses_of(dear), till.uses_of(cheap), till.spent_of(budget)) == ((0, 0), (0, 1), (0, 1, 0, 900))


@pytest.mark.parametrize(("begins", "ends"), [(HOUR, None), (None, timedelta(0)), (None, -HOUR)])
def test_outside_its_time_a_budget_pays_nothing(
    merchant: Merchant, till: Till, begins: timedelta | None, ends: timedelta | None
) -> None:
    budget = till.budget(
        units_max=9,
        begins_at=None if begins is None else NOW + begins,
        ends_at=None if ends is None else NOW + ends,
    )
    coupon = till.give(member_id := merchant.member(), till.coupon_kind(off(700), budget_id=budget.id))

    quote = till.quote(member_id, 5_000, coupon_ids=[coupon])

    assert outcome(quote) == (5_000, [Reason.BUDGET_CLOSED])
    assert quote.cart.asked.coupon_ids == ()


def test_an_archived_budget_and_one_of_other_money_pay_nothing(merchant: Merchant, till: Till) -> None:
    member_id, budget, abroad = merchant.member(), till.budget(units_max=9), till.budget(units_max=9, currency="USD")
    coupons = [till.give(member_id, till.coupon_kind(off(700), budget_id=one.id)) for one in (budget, abroad)]
    archived = archive(till, budget, is_archived=True)

    quote = till.quote(member_id, 5_000, coupon_ids=coupons)

    assert outcome(quote) == (5_000, [Reason.BUDGET_CLOSED, Reason.BUDGET_CLOSED])
    archive(till, archived, is_archived=False)
    assert outcome(till.quote(member_id, 5_000, coupon_ids=coupons)) == (4_300, [Reason.BUDGET_CLOSED])


def test_what_the_cart_holds_itself_is_free_for_it_and_for_nobody_else(merchant: Merchant, till: Till) -> None:
    member_id, other_id, budget = merchant.member(), merchant.member(), till.budget(units_max=1)
    kind = till.coupon_kind(off(700), budget_id=budget.id)
    mine, theirs = till.give(member_id, kind), till.give(other_id, kind)
    cart = till.quote(member_id, 5_000, coupon_ids=[mine]).cart
    till.reserve(cart, minutes=30)

    again = till.quote(member_id, 6_000, coupon_ids=[mine], cart_id=cart.id)
    of_other = till.quote(other_id, 6_000, coupon_ids=[theirs])

    assert (outcome(again), outcome(of_other)) == ((5_300, []), (6_000, [Reason.BUDGET_EXHAUSTED]))
    # What has timed out is free for whoever asks, whether or not the errand has been by.
    merchant.now = NOW + timedelta(minutes=30)
    late = till.quote(other_id, 6_000, coupon_ids=[theirs])
    assert outcome(late) == (5_300, [])
    assert till.commit(late.cart).total_minor == 5_300


def test_what_somebody_else_takes_between_quote_and_commit_is_refused(merchant: Merchant, till: Till) -> None:
    member_id, budget = merchant.member(), till.budget(units_max=1)
    kind = till.coupon_kind(off(700), budget_id=budget.id)
    first, second = (till.quote(member_id, 5_000, coupon_ids=[till.give(member_id, kind)]).cart for _ in range(2))
    till.commit(first)

    with pytest.raises(BudgetExhausted) as caught:
        till.commit(second)

    assert dataclasses.astuple(caught.value) == (budget.id, "units", False)
    again = till.quote(member_id, 5_000, coupon_ids=second.asked.coupon_ids, cart_id=second.id)
    assert outcome(again) == (5_000, [Reason.BUDGET_EXHAUSTED])
    assert till.commit(again.cart).total_minor == 5_000


def test_a_promise_outlives_the_time_of_a_budget(merchant: Merchant, till: Till) -> None:
    """What is promised within its time counts; a quote that begins after it does not."""
    budget = till.budget(units_max=9, ends_at=NOW + timedelta(minutes=1))
    kind = till.coupon_kind(off(700), budget_id=budget.id)
    member_id = merchant.member()
    coupons = [till.give(member_id, kind) for _ in range(3)]
    bought, reserved = (till.quote(member_id, 5_000, coupon_ids=[coupon]).cart for coupon in coupons[:2])
    merchant.now = NOW + timedelta(minutes=2)

    assert till.commit(bought).total_minor == 4_300
    till.reserve(reserved)
    assert till.commit(reserved).total_minor == 4_300

    assert till.spent_of(budget) == (0, 2, 0, 1_400)
    assert outcome(till.quote(member_id, 5_000, coupon_ids=coupons[2:])) == (5_000, [Reason.BUDGET_CLOSED])


def test_a_promise_stands_though_a_code_that_was_used_up_is_free_again(merchant: Merchant, till: Till) -> None:
    till.coupon_kind(off(700), shared_code="WELCOME", uses_max=1)
    member_id = merchant.member()
    before = till.commit(till.quote(member_id, 5_000, codes=["WELCOME"]).cart)
    quote = till.quote(member_id, 5_000, codes=["welcome"])
    assert outcome(quote) == (5_000, [Reason.USED_UP])
    merchant.refund(before.recorded.purchase_id)

    assert till.commit(quote.cart).total_minor == 5_000


def test_a_new_quote_promises_no_more_than_a_budget_can_pay(merchant: Merchant, till: Till) -> None:
    """The coupon that stood in the way of the dear one is gone, and nobody pays for the dear one."""
    member_id, budget = merchant.member(), till.budget(money_max=100)
    alone = till.coupon_kind(off(900), shared_code="ALONE", uses_max=1, exclusivity=Exclusivity.ALL)
    assert alone.uses_max == 1
    dear = till.give(member_id, till.coupon_kind(off(700), budget_id=budget.id))
    cart = till.quote(member_id, 5_000, codes=["ALONE"], coupon_ids=[dear]).cart
    till.commit(till.quote(None, 5_000, codes=["ALONE"]).cart)
    tokens: list[QuotedCart] = []

    def seal(anew: QuotedCart) -> str:
        tokens.append(anew)
        return "token"

    with pytest.raises(QuoteChanged) as caught:
        till.commit(cart, seal=seal)

    assert caught.value.new_total == Money(5_000, "CNY")
    assert till.commit(tokens[0]).total_minor == 5_000


def test_what_another_cart_has_held_too_long_is_free_for_a_reserved_one(merchant: Merchant, till: Till) -> None:
    member_id, budget = merchant.member(), till.budget(units_max=1)
    kind = till.coupon_kind(off(700), budget_id=budget.id)
    first, second = till.give(member_id, kind), till.give(member_id, kind)
    till.reserve(till.quote(member_id, 5_000, coupon_ids=[first]).cart, minutes=10)
    cart = till.quote(member_id, 5_000).cart
    till.reserve(cart, minutes=30)
    merchant.now = NOW + timedelta(minutes=10)

    again = till.quote(member_id, 5_000, cart_id=cart.id, coupon_ids=[second])

    assert (outcome(again), till.commit(again.cart).total_minor) == ((4_300, []), 4_300)
    assert till.spent_of(budget) == (0, 1, 0, 700)
