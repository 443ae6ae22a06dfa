"""Carts that take the same coupons, budgets and caps at once lock them in one order: whoever waits holds nothing later.

Each is stopped by a lock that the test holds on what comes first; what comes later must be free then.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.budgets.domain import Budget
from services.loyalty.checkout.domain import QuotedCart
from services.loyalty.checkout.domain.commands import OfflineCoupon
from services.loyalty.checkout.tasks import ERRANDS
from services.loyalty.stores.domain import Store
from services.platform.db.session import UnitOfWork
from tests.support.builders.changes import WAITING
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.spending import spending
from tests.support.builders.till import Till, off, selling_program

LOCK_BUDGET = "SELECT id FROM budgets WHERE id = %(id)s FOR NO KEY UPDATE"
LOCK_KIND = "SELECT id FROM coupon_definitions WHERE id = %(id)s FOR NO KEY UPDATE"
LOCK_COUPON = "SELECT id FROM coupons WHERE id = %(id)s FOR NO KEY UPDATE"
LOCK_CAP = "SELECT 1 FROM cap_fillings WHERE start = %(start)s FOR NO KEY UPDATE"


@pytest.fixture
def till(merchant: Merchant, store: Store) -> Till:
    return Till(merchant, store)


def meanwhile(
    merchant: Merchant,
    calls: Sequence[Callable[[], object]],
    *,
    first: tuple[str, dict[str, Any]],
    later: Sequence[tuple[str, dict[str, Any]]],
) -> list[Any]:
    """Lock what comes ``first``, let the calls run until all of them wait, and then take what comes ``later``."""
    with ThreadPoolExecutor(len(calls)) as pool:

        def lock(uow: UnitOfWork) -> list[Future[object]]:
            assert uow.fetch_all(first[0].encode(), first[1])
            under_way = [pool.submit(call) for call in calls]
            while len(merchant.rows(WAITING)) < len(calls):
                assert not any(each.done() for each in under_way), [each.exception() for each in under_way]
                threading.Event().wait(0.01)
            for query, values in later:
                assert uow.fetch_all(f"{query} NOWAIT".encode(), values)
            return under_way

        return [each.result() for each in merchant.do(lock)]


def budget_lock(budget: Budget) -> tuple[str, dict[str, Any]]:
    return LOCK_BUDGET, {"id": budget.id}


def reserved_with(till: Till, budget: Budget) -> tuple[UUID, QuotedCart]:
    """A member, and their cart that holds a coupon of a budget."""
    member_id = till.merchant.member()
    coupon = till.give(member_id, till.coupon_kind(off(100), budget_id=budget.id))
    cart = till.quote(member_id, 1_000, coupon_ids=(coupon,)).cart
    till.reserve(cart)
    return member_id, cart


def test_carts_that_change_their_budgets_do_not_wait_in_a_circle(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    lower, upper = till.budget(units_max=5), till.budget(units_max=5)
    crossing = []
    for had, wanted in ((upper, lower), (lower, upper)):
        member_id, cart = reserved_with(till, had)
        other = till.give(member_id, till.coupon_kind(off(100), budget_id=wanted.id))
        crossing.append(till.quote(member_id, 1_000, coupon_ids=(other,), cart_id=cart.id).cart)

    meanwhile(
        merchant,
        [lambda cart=cart: till.reserve(cart) for cart in crossing],  # type: ignore[misc]  # bound by default
        first=budget_lock(lower),
        later=[budget_lock(upper)],
    )

    assert (till.spent_of(lower), till.spent_of(upper)) == ((1, 0, 100, 0), (1, 0, 100, 0))


def test_a_commit_that_changes_its_budget_locks_both_in_order(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    lower, upper = till.budget(units_max=5), till.budget(units_max=5)
    member_id, cart = reserved_with(till, upper)
    other = till.give(member_id, till.coupon_kind(off(100), budget_id=lower.id))
    anew = till.quote(member_id, 1_000, coupon_ids=(other,), cart_id=cart.id).cart

    meanwhile(merchant, [lambda: till.commit(anew)], first=budget_lock(lower), later=[budget_lock(upper)])

    assert (till.spent_of(lower), till.spent_of(upper)) == ((0, 1, 0, 100), (0, 0, 0, 0))


def test_sales_that_were_made_offline_take_kinds_and_budgets_in_order(merchant: Merchant, till: Till) -> None:
    merchant.now = NOW - timedelta(days=1)
    selling_program(merchant)
    budgets = [till.budget(units_max=5) for _ in range(2)]
    # The kind that comes first has the budget that comes last.
    kinds = [
        till.coupon_kind(off(100), shared_code=f"KIND{number}", uses_max=9, budget_id=budget.id)
        for number, budget in enumerate(reversed(budgets))
    ]
    merchant.now = NOW

    def sale(*numbers: int) -> Callable[[], object]:
        command = till.offline_command(
            merchant.member(),
            800,
            coupons=tuple(OfflineCoupon(100, code=f"KIND{number}") for number in numbers),
            occurred_at=NOW - timedelta(hours=5),
        )
        return lambda: till.offline(command)

    kind_locks = [(LOCK_KIND, {"id": kind.id}) for kind in kinds]
    meanwhile(merchant, [sale(1, 0), sale(0, 1)], first=kind_locks[0], later=[kind_locks[1], budget_lock(budgets[0])])
    meanwhile(merchant, [sale(1, 0), sale(0, 1)], first=budget_lock(budgets[0]), later=[budget_lock(budgets[1])])

    assert [till.spent_of(budget) for budget in budgets] == [(0, 4, 0, 400)] * 2


def test_a_sale_that_was_made_offline_locks_all_kinds_before_any_coupon(merchant: Merchant, till: Till) -> None:
    """The first kind has no limit and is never locked, but its coupon is."""
    merchant.now = NOW - timedelta(days=1)
    selling_program(merchant)
    member_id = merchant.member()
    mine = till.give(member_id, till.coupon_kind(off(100)))
    limited = till.coupon_kind(off(100), shared_code="LIMITED", uses_max=5)
    merchant.now = NOW
    command = till.offline_command(
        member_id,
        800,
        coupons=(OfflineCoupon(100, coupon_id=mine), OfflineCoupon(100, code="LIMITED")),
        occurred_at=NOW - timedelta(hours=5),
    )

    (settled,) = meanwhile(
        merchant,
        [lambda: till.offline(command)],
        first=(LOCK_KIND, {"id": limited.id}),
        later=[(LOCK_COUPON, {"id": mine})],
    )

    assert (settled.refused, till.uses_of(mine)) == ((), (0, 1))


def test_late_carts_are_let_go_of_one_by_one(merchant: Merchant, till: Till) -> None:
    """While the second waits for its kind, the budget of the first is free."""
    selling_program(merchant)
    budget = till.budget(units_max=5)
    reserved_with(till, budget)
    merchant.now += timedelta(seconds=1)
    kind = till.coupon_kind(off(100), shared_code="LIMITED", uses_max=5)
    till.reserve(till.quote(merchant.member(), 1_000, codes=("limited",)).cart)
    merchant.now = NOW + timedelta(days=1)
    (errand,) = ERRANDS

    (count,) = meanwhile(
        merchant,
        [lambda: errand.run(merchant.database, merchant.home, merchant.now)],
        first=(LOCK_KIND, {"id": kind.id}),
        later=[budget_lock(budget)],
    )

    assert (count, till.spent_of(budget)) == (2, (0, 0, 0, 0))
    assert merchant.rows("SELECT DISTINCT status FROM carts") == [{"status": "timed_out"}]


@pytest.mark.parametrize(("verb", "used"), [("commit", [0, 9]), ("cancel", [0, 0])])
def test_what_is_kept_of_everybodys_cap_is_given_back_before_coupons_are_taken(
    merchant: Merchant, till: Till, verb: str, used: list[int]
) -> None:
    """The cart was reserved yesterday: its cap is another one than today's."""
    merchant.now = NOW - timedelta(days=1)
    selling_program(merchant, spending(caps=[{"limit": 500, "per": "day", "owner": "everyone"}]))
    budget = till.budget(units_max=5)
    kind = till.coupon_kind(off(100), shared_code="LIMITED", uses_max=5, budget_id=budget.id)
    member_id = merchant.member()
    old = till.quote(member_id, 1_000).cart
    till.reserve(old, minutes=60 * 72)
    (yesterday,) = (row["start"] for row in merchant.rows("SELECT start FROM cap_fillings"))
    merchant.now = NOW
    cart = till.quote(member_id, 1_000, codes=("limited",), cart_id=old.id).cart
    calls: dict[str, Callable[[], object]] = {
        "commit": lambda: till.commit(cart),
        "cancel": lambda: till.cancel(cart),
    }

    meanwhile(
        merchant,
        [calls[verb]],
        first=(LOCK_CAP, {"start": yesterday}),
        later=[(LOCK_KIND, {"id": kind.id}), budget_lock(budget)],
    )

    assert [row["used"] for row in merchant.rows("SELECT used FROM cap_fillings ORDER BY start")] == used


def test_carts_by_chance_on_the_same_budgets_never_lock_each_other_out(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    budgets = [till.budget(units_max=1_000) for _ in range(3)]
    for number, budget in enumerate(budgets):
        till.coupon_kind(off(10), shared_code=f"MANY{number}", uses_max=1_000, budget_id=budget.id)

    def customer(number: int) -> None:
        member_id = merchant.member()
        codes = [f"many{(number + step) % 3}" for step in range(3)]
        cart = till.quote(member_id, 1_000, codes=tuple(codes[:2])).cart
        till.reserve(cart)
        anew = till.quote(member_id, 1_000, codes=tuple(codes[1:]), cart_id=cart.id).cart
        till.reserve(anew)
        if number % 2:
            till.commit(anew)
        else:
            till.cancel(anew)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(customer, range(24)))

    assert [till.spent_of(budget)[0] for budget in budgets] == [0, 0, 0]
    assert sum(till.spent_of(budget)[1] for budget in budgets) == 24
