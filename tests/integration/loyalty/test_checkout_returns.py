"""What points and coupons paid comes back with the purchase: in any steps, to the cent and the point."""

import random
from decimal import Decimal

import pytest

from services.loyalty.checkout.domain import PointsAsked
from services.loyalty.checkout.domain.commands import CommittedCart
from services.loyalty.coupons.domain import Exclusivity, Reason, Scope
from services.loyalty.earning.domain import AmountRefund, LineRefund, ReturnedLine
from services.loyalty.ledger import queries as ledger
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import BoughtLine, PurchaseRef
from services.loyalty.purchases.domain.changes import AmendPurchase, ExchangePurchase, VoidPurchase
from services.loyalty.stores.domain import Store
from services.platform.idempotency.service import request_hash
from tests.support.builders.merchant import Merchant, lines
from tests.support.builders.points import accrue, ending
from tests.support.builders.spending import spending
from tests.support.builders.till import ALL, Till, off, paying, percent_off, selling_program
from tests.support.state_hash import state


@pytest.fixture
def till(merchant: Merchant, store: Store) -> Till:
    return Till(merchant, store)


class Sold:
    """100.00 less 10.00 of a coupon, paid with 20.00 of points; 60.00 and 40.00 a line."""

    def __init__(self, merchant: Merchant, till: Till) -> None:
        selling_program(merchant)
        self.merchant, self.till = merchant, till
        self.member_id = merchant.member()
        merchant.adjust(self.member_id, 3_000)
        self.budget = till.budget(money_max=10_000, units_max=5)
        self.coupon = till.give(self.member_id, till.coupon_kind(off(1_000), budget_id=self.budget.id))
        self.before = merchant.read(state).hash
        cart = till.quote(self.member_id, 6_000, 4_000, coupon_ids=(self.coupon,), points=PointsAsked(2_000)).cart
        self.done: CommittedCart = till.commit(cart)

    @property
    def purchase_id(self) -> object:
        return self.done.recorded.purchase_id

    def standing(self) -> tuple[int, tuple[int, int], tuple[int, int, int, int]]:
        """What the member can spend, the uses of the coupon, and its budget."""
        return (
            self.merchant.balance(self.member_id).available,
            self.till.uses_of(self.coupon),
            self.till.spent_of(self.budget),
        )


@pytest.fixture
def sold(merchant: Merchant, till: Till) -> Sold:
    return Sold(merchant, till)


def test_a_line_comes_back_with_its_part_of_everything(merchant: Merchant, sold: Sold) -> None:
    assert sold.standing() == (1_070, (0, 1), (0, 1, 0, 1_000))

    back = merchant.refund(sold.done.recorded.purchase_id, LineRefund((ReturnedLine(2, Decimal(1)),)))

    # The line was 36.00 after the coupon, 8.00 of it paid with points: 800 points, 28.00 of money, 28 points earned.
    assert (back.refunded_minor, back.points_returned, back.returned_minor, back.points) == (3_600, 800, 800, 28)
    assert sold.standing() == (1_070 + 800 - 28, (0, 1), (0, 1, 0, 600))


def test_all_that_comes_back_was_never_there(merchant: Merchant, sold: Sold) -> None:
    first = merchant.refund(sold.done.recorded.purchase_id, LineRefund((ReturnedLine(2, Decimal(1)),)))
    rest = merchant.refund(sold.done.recorded.purchase_id)

    assert (first.points_returned + rest.points_returned, first.returned_minor + rest.returned_minor) == (2_000, 2_000)
    assert merchant.read(state).hash == sold.before
    assert sold.standing() == (3_000, (0, 0), (0, 0, 0, 0))
    assert merchant.verdict().faults == ()


@pytest.mark.parametrize("amounts", [(1, 2_999, 6_000), (3_333, 3_333, 2_334)])
def test_free_amounts_bring_points_back_in_proportion(merchant: Merchant, sold: Sold, amounts: tuple[int, ...]) -> None:
    backs = [merchant.refund(sold.done.recorded.purchase_id, AmountRefund(amount)) for amount in amounts]

    assert sum(back.returned_minor for back in backs) == sum(back.points_returned for back in backs) == 2_000
    assert merchant.read(state).hash == sold.before
    assert sold.standing() == (3_000, (0, 0), (0, 0, 0, 0))


def test_a_voided_sale_gives_everything_back(merchant: Merchant, sold: Sold) -> None:
    external = merchant.rows("SELECT external_id FROM purchases")[0]["external_id"]
    command = VoidPurchase(PurchaseRef("till", external), "void", request_hash({"void": 1}))

    merchant.do(lambda uow: purchases.void_purchase(uow, command=command))

    assert merchant.read(state).hash == sold.before
    assert sold.standing() == (3_000, (0, 0), (0, 0, 0, 0))


def test_points_that_come_back_are_taken_before_others(merchant: Merchant, sold: Sold) -> None:
    """The member has spent what the purchase gave: its points are taken of those that come back with it."""
    sold.merchant.adjust(sold.member_id, -1_070)
    ending_soon = accrue(merchant, sold.member_id, 100, validity=ending(merchant, days=9))

    back = merchant.refund(sold.done.recorded.purchase_id)

    assert (back.points_returned, back.points, back.shortfall) == (2_000, 70, 0)
    assert merchant.balance(sold.member_id).available == 2_030
    lots = merchant.read(lambda session: ledger.lots_by_ids(session, lot_ids=(ending_soon,)))
    assert lots[ending_soon].remaining == 100


def test_a_guest_gets_a_coupon_back(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    budget = till.budget(money_max=10_000, units_max=1)
    till.coupon_kind(off(1_000), shared_code="WELCOME", uses_max=1, budget_id=budget.id)
    done = till.commit(till.quote(None, 6_000, codes=("welcome",)).cart)
    assert (done.total_minor, till.spent_of(budget)) == (5_000, (0, 1, 0, 1_000))

    merchant.refund(done.recorded.purchase_id)

    assert till.spent_of(budget) == (0, 0, 0, 0)
    assert till.commit(till.quote(None, 6_000, codes=("welcome",)).cart).total_minor == 5_000


def test_a_sale_that_is_rung_up_anew_keeps_its_coupon_and_pays_less(merchant: Merchant, sold: Sold) -> None:
    """Instead of 90.00 only 15.00: of the 20.00 that points paid 5.00 come back, and nothing earns any more."""
    purchase_id = sold.done.recorded.purchase_id
    command = AmendPurchase(purchase_id, lines(1_000, 500), "amend", request_hash({"amend": 1}))

    amended = merchant.do(lambda uow: purchases.amend_purchase(uow, command=command))

    assert (amended.points, amended.change) == (0, -70)
    assert sold.standing() == (1_000 + 500, (0, 1), (0, 1, 0, 1_000))
    back = merchant.refund(purchase_id, LineRefund((ReturnedLine(2, Decimal(1)),)))
    assert (back.refunded_minor, back.points_returned) == (500, 500)
    merchant.refund(purchase_id)
    assert merchant.read(state).hash == sold.before
    assert sold.standing() == (3_000, (0, 0), (0, 0, 0, 0))
    assert merchant.verdict().faults == ()


def test_goods_that_are_exchanged_give_their_points_back(merchant: Merchant, sold: Sold) -> None:
    sale = merchant.purchase_command(sold.till.store, None, 5_000)
    command = ExchangePurchase(
        sold.done.recorded.purchase_id,
        LineRefund((ReturnedLine(2, Decimal(1)),)),
        "till",
        "exchange-1",
        sale,
        "exchange",
        request_hash({"exchange": 1}),
    )

    done = merchant.do(lambda uow: purchases.exchange_purchase(uow, command=command))

    assert (done.refunded.points_returned, done.refunded.points, done.recorded.points) == (800, 28, 50)
    assert sold.standing() == (1_070 + 800 - 28 + 50, (0, 1), (0, 1, 0, 600))


def test_what_is_quoted_is_committed_and_what_comes_back_was_never_there(merchant: Merchant, till: Till) -> None:
    """Carts by chance, paid with points and coupons, reserved or not, returned in steps."""
    chance = random.Random(11)
    budget = till.budget(money_max=10_000_000, units_max=1_000)
    capped = spending(points=3, per=700, caps=[{"limit": 90, "per": "day"}])
    selling_program(merchant, capped, spending("plain"), pay=paying(points=7, money=5, stepPoints=3))
    member_id = merchant.member()
    merchant.adjust(member_id, 40_000)
    kinds = [
        till.coupon_kind(off(700), budget_id=budget.id),
        till.coupon_kind(percent_off("13"), budget_id=budget.id),
        till.coupon_kind(percent_off("30"), exclusivity=Exclusivity.ALL),
    ]
    standing = till.spent_of(budget)

    for _ in range(20):
        amounts = [chance.randrange(1, 9_000) for _ in range(chance.randrange(1, 4))]
        coupons = [till.give(member_id, kind) for kind in chance.sample(kinds, chance.randrange(4))]
        before = merchant.read(state)
        asked = PointsAsked(points=chance.randrange(9_000)) if chance.random() < 0.8 else None
        quote = till.quote(member_id, *amounts, coupon_ids=tuple(coupons), points=asked)
        if chance.random() < 0.5:
            till.reserve(quote.cart)
        done = till.commit(quote.cart)

        priced = quote.weighed.priced
        assert (done.total_minor, done.due_minor, done.points) == (
            priced.total_minor,
            priced.due_minor,
            priced.payment.points,
        )
        assert (done.recorded.points, done.recorded.balance) == (quote.earned.points, quote.balance_after)
        order = chance.sample(range(1, len(amounts) + 1), len(amounts))
        backs = [
            merchant.refund(done.recorded.purchase_id, LineRefund((ReturnedLine(position, Decimal(1)),)))
            for position in order
        ]
        assert sum(back.refunded_minor for back in backs) == done.total_minor
        assert sum(back.points_returned for back in backs) == done.points
        assert merchant.read(state) == before
        assert till.spent_of(budget) == standing
        assert [till.uses_of(coupon) for coupon in coupons] == [(0, 0)] * len(coupons)
    assert merchant.verdict().faults == ()


def test_a_coupon_stays_used_while_the_goods_that_it_gave_are_kept(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    coupon = till.give(member_id, till.coupon_kind(percent_off("100"), scope=Scope(skus=frozenset({"sku-2"}))))
    done = till.commit(till.quote(member_id, 10_000, 3_000, coupon_ids=(coupon,)).cart)

    merchant.refund(done.recorded.purchase_id, LineRefund((ReturnedLine(1, Decimal(1)),)))

    assert till.uses_of(coupon) == (0, 1)
    merchant.refund(done.recorded.purchase_id, LineRefund((ReturnedLine(2, Decimal(1)),)))
    assert till.uses_of(coupon) == (0, 0)


def test_points_that_paid_never_become_money(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 12_000)
    sold = (*lines(10_000, 10_000), BoughtLine("discount", Decimal(1), -8_000))
    done = till.commit(till.quote(member_id, lines=sold, points=ALL).cart)

    back = merchant.refund(done.recorded.purchase_id, LineRefund((ReturnedLine(2, Decimal(1)),)))

    assert (done.due_minor, back.refunded_minor, back.returned_minor, back.points_returned) == (
        0,
        10_000,
        10_000,
        10_000,
    )


@pytest.mark.parametrize("is_reserved", [False, True])
def test_a_budget_without_a_currency_counts_pieces_and_no_money(
    merchant: Merchant, till: Till, *, is_reserved: bool
) -> None:
    selling_program(merchant)
    budget = till.budget(units_max=1, currency=None)
    member_id = merchant.member()
    coupons = [till.give(member_id, till.coupon_kind(off(700), budget_id=budget.id)) for _ in range(2)]
    cart = till.quote(member_id, 5_000, coupon_ids=coupons[:1]).cart
    if is_reserved:
        till.reserve(cart)
        assert till.spent_of(budget) == (1, 0, 0, 0)

    done = till.commit(cart)

    assert (done.total_minor, till.spent_of(budget)) == (4_300, (0, 1, 0, 0))
    promised = till.quote(member_id, 5_000, coupon_ids=coupons[1:])
    assert [one.reason for one in promised.weighed.priced.lowered.discounting.refused] == [Reason.BUDGET_EXHAUSTED]
    merchant.refund(done.recorded.purchase_id)
    assert till.spent_of(budget) == (0, 0, 0, 0)
