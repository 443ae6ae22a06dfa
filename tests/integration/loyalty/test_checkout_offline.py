"""Sales that a till has made on its own and tells late: what was good then counts, and nothing is given twice."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.checkout import service as checkout
from services.loyalty.checkout.domain.commands import OfflineCoupon, SettledOffline, SettleOfflinePurchase
from services.loyalty.checkout.errors import QuoteChanged
from services.loyalty.coupons import service as coupons
from services.loyalty.coupons.domain import CouponDefinition, Reason, UpdateCouponDefinition, VoidCoupon
from services.loyalty.earning.domain import AmountRefund
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.errors import PurchaseConflict
from services.loyalty.stores.domain import Store
from services.platform.db.session import UnitOfWork
from tests.support.builders.changes import wait_for_a_lock
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.till import Till, off, selling_program

HOUR = timedelta(hours=1)
SOLD_AT = NOW - 5 * HOUR


@pytest.fixture
def till(merchant: Merchant, store: Store) -> Till:
    """Everything is set up the day before; it is told at `NOW` what was sold at `SOLD_AT`."""
    merchant.now = NOW - 24 * HOUR
    selling_program(merchant)
    return Till(merchant, store)


def sold(till: Till, member_id: UUID | None, *coupons: OfflineCoupon, **changes: Any) -> SettleOfflinePurchase:
    return till.offline_command(member_id, 800, coupons=coupons, **({"occurred_at": SOLD_AT} | changes))


def void(merchant: Merchant, coupon_id: UUID) -> None:
    command = VoidCoupon(coupon_id, "void", b"void")
    merchant.do(lambda uow: coupons.void_coupon(uow, command=command))


# --- coupons ---


def test_what_a_cart_holds_of_a_coupon_goes_to_the_sale(merchant: Merchant, till: Till) -> None:
    """Else it could be reserved, used at tills without a connection, and be free again, for ever."""
    member_id = merchant.member()
    mine = till.give(member_id, till.coupon_kind(off(100), uses_max=1, uses_per_member=1))
    cart = till.quote(member_id, 1_000, coupon_ids=(mine,)).cart
    till.reserve(cart, minutes=60 * 72)
    merchant.now = NOW

    settled = till.offline(sold(till, member_id, OfflineCoupon(100, coupon_id=mine)))

    assert (settled.refused, till.uses_of(mine)) == ((), (0, 1))
    with pytest.raises(QuoteChanged):
        till.commit(cart)
    till.cancel(cart)
    assert till.uses_of(mine) == (0, 1)
    assert merchant.rows("SELECT uses_held, uses_spent FROM coupon_definitions") == [{"uses_held": 0, "uses_spent": 1}]
    assert merchant.rows("SELECT status FROM coupon_uses ORDER BY status") == [
        {"status": "released"},
        {"status": "spent"},
    ]


def test_of_a_shared_code_only_what_the_buyers_cart_holds_goes_to_the_sale(merchant: Merchant, till: Till) -> None:
    member_id, other_id = merchant.member(), merchant.member()
    till.coupon_kind(off(100), shared_code="ONCE", uses_max=2, uses_per_member=1)
    mine, others = (till.quote(each, 1_000, codes=("once",)).cart for each in (member_id, other_id))
    till.reserve(mine, minutes=60 * 72)
    till.reserve(others, minutes=60 * 72)
    merchant.now = NOW

    settled = till.offline(sold(till, member_id, OfflineCoupon(100, code="once")))
    late = till.offline(sold(till, merchant.member(), OfflineCoupon(100, code="once")))

    assert (settled.refused, [refused.reason for refused, _ in late.refused]) == ((), [Reason.USED_UP])
    assert merchant.rows("SELECT uses_held, uses_spent FROM coupon_definitions") == [{"uses_held": 1, "uses_spent": 1}]
    with pytest.raises(QuoteChanged):
        till.commit(mine)
    assert till.commit(others).total_minor == 900


@pytest.mark.parametrize(
    ("voided_at", "refused", "used"),
    [(SOLD_AT - HOUR, [Reason.VOIDED], 0), (SOLD_AT, [Reason.VOIDED], 0), (SOLD_AT + HOUR, [], 1)],
)
def test_a_coupon_that_was_voided_after_the_sale_counts(
    merchant: Merchant, till: Till, voided_at: Any, refused: list[Reason], used: int
) -> None:
    member_id = merchant.member()
    mine = till.give(member_id, till.coupon_kind(off(100)))
    merchant.now = voided_at
    void(merchant, mine)
    merchant.now = NOW

    settled = till.offline(sold(till, member_id, OfflineCoupon(100, coupon_id=mine)))

    assert [each.reason for each, _ in settled.refused] == refused
    assert till.uses_of(mine) == (0, used)


@pytest.mark.parametrize(("edited_at", "refused"), [(SOLD_AT - HOUR, [Reason.EXPIRED]), (SOLD_AT + HOUR, [])])
def test_a_shared_code_counts_as_it_was_when_it_was_sold(
    merchant: Merchant, till: Till, edited_at: Any, refused: list[Reason]
) -> None:
    kind = till.coupon_kind(off(100), shared_code="SUMMER", ends_at=NOW + HOUR)
    merchant.now = edited_at
    _end_at(merchant, kind, SOLD_AT - HOUR / 2)
    merchant.now = NOW

    settled = till.offline(sold(till, None, OfflineCoupon(100, code="summer")))

    assert [each.reason for each, _ in settled.refused] == refused


def test_a_coupon_that_took_nothing_off_is_not_used_up(merchant: Merchant, till: Till) -> None:
    budget, member_id = till.budget(units_max=9), merchant.member()
    mine = till.give(member_id, till.coupon_kind(off(100), budget_id=budget.id))
    merchant.now = NOW

    settled = till.offline(sold(till, member_id, OfflineCoupon(0, coupon_id=mine)))

    assert [(refused.offer_id, refused.reason, amount) for refused, amount in settled.refused] == [
        (mine, Reason.NOTHING_LEFT, 0)
    ]
    assert (till.uses_of(mine), till.spent_of(budget)) == ((0, 0), (0, 0, 0, 0))


# --- budgets ---


def test_a_budget_gets_back_of_what_it_bore_alone(merchant: Merchant, till: Till) -> None:
    budget, member_id = till.budget(money_max=100), merchant.member()
    kind = till.coupon_kind(off(100), budget_id=budget.id)
    mine = [OfflineCoupon(100, coupon_id=till.give(member_id, kind)) for _ in range(2)]
    merchant.now = NOW
    settled = till.offline(sold(till, member_id, *mine))
    assert (settled.refused, till.spent_of(budget)) == ((), (0, 1, 0, 100))

    merchant.refund(settled.recorded.purchase_id, AmountRefund(400))
    assert till.spent_of(budget) == (0, 1, 0, 50)

    merchant.refund(settled.recorded.purchase_id, AmountRefund(400))
    assert till.spent_of(budget) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("begins_at", "ends_at", "spent"),
    [
        (None, SOLD_AT, (0, 0, 0, 0)),
        (None, SOLD_AT + HOUR, (0, 1, 0, 100)),
        (SOLD_AT, None, (0, 1, 0, 100)),
        (SOLD_AT + HOUR, None, (0, 0, 0, 0)),
    ],
)
def test_a_budget_bears_what_was_sold_in_its_time(
    merchant: Merchant, till: Till, begins_at: Any, ends_at: Any, spent: tuple[int, int, int, int]
) -> None:
    budget, member_id = till.budget(units_max=9, begins_at=begins_at, ends_at=ends_at), merchant.member()
    mine = till.give(member_id, till.coupon_kind(off(100), budget_id=budget.id))
    merchant.now = NOW

    till.offline(sold(till, member_id, OfflineCoupon(100, coupon_id=mine)))

    assert till.spent_of(budget) == spent


# --- numbers ---


@pytest.mark.parametrize("changes", [{"source": " till "}, {"external_id": "s-1 "}, {"channel": " store"}])
def test_a_number_with_blanks_around_it_is_the_same_one(
    merchant: Merchant, till: Till, changes: dict[str, Any]
) -> None:
    merchant.now = NOW
    told = sold(till, merchant.member(), source="till", external_id="s-1", channel="store")
    record = dataclasses.replace(told.record, idempotency_key="again", **changes)

    first, again = till.offline(told), till.offline(dataclasses.replace(told, record=record))

    assert again.recorded.replayed
    assert (again.cart_id, again.recorded.purchase_id) == (first.cart_id, first.recorded.purchase_id)


def test_a_guests_number_that_a_receipt_takes_meanwhile_is_a_conflict(merchant: Merchant, till: Till) -> None:
    till.coupon_kind(off(100), shared_code="LAST", uses_max=1)
    merchant.now = NOW
    receipt = merchant.purchase_command(till.store, None, 900, source="till", external_id="s-1")
    told = sold(till, None, OfflineCoupon(100, code="last"), source="till", external_id="s-1")

    raced = _told_while(merchant, lambda uow: purchases.record_purchase(uow, command=receipt), till, told)

    assert isinstance(raced, PurchaseConflict)
    assert merchant.rows("SELECT id, total_minor FROM purchases") == [{"id": raced.purchase_id, "total_minor": 900}]
    assert merchant.rows("SELECT uses_spent FROM coupon_definitions") == [{"uses_spent": 0}]
    assert merchant.rows("SELECT id FROM carts") == []


@pytest.mark.parametrize("buyers", [(0, 1), (0, None)])
def test_a_number_that_is_told_for_two_at_once_is_a_conflict(
    merchant: Merchant, till: Till, buyers: tuple[int | None, ...]
) -> None:
    members = [merchant.member(), merchant.member()]
    merchant.now = NOW
    first, second = (
        sold(till, None if place is None else members[place], source="till", external_id="s-1") for place in buyers
    )

    raced = _told_while(merchant, lambda uow: checkout.settle_offline_purchase(uow, command=first), till, second)

    assert isinstance(raced, PurchaseConflict)
    assert merchant.rows("SELECT member_id FROM purchases") == [{"member_id": members[0]}]


def _told_while(
    merchant: Merchant, selling: Callable[[UnitOfWork], object], till: Till, told: SettleOfflinePurchase
) -> BaseException | None:
    """What comes of telling, where another sale of the same number is written but not committed when it looks."""
    with ThreadPoolExecutor(1) as pool:

        def sell(uow: UnitOfWork) -> Future[SettledOffline]:
            selling(uow)
            under_way = pool.submit(till.offline, told)
            wait_for_a_lock(merchant, under_way)
            return under_way

        return merchant.do(sell).exception()


def _end_at(merchant: Merchant, kind: CouponDefinition, ends_at: Any) -> None:
    content = dataclasses.replace(kind.content, ends_at=ends_at)
    command = UpdateCouponDefinition(kind.id, kind.version, content)
    merchant.do(lambda uow: coupons.update_coupon_definition(uow, command=command))
