"""The checkout: a quote is what the commit does, once; coupons, budgets and points are taken with it."""

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from services.loyalty.budgets.errors import BudgetExhausted
from services.loyalty.checkout.domain import PointsAsked
from services.loyalty.checkout.domain.commands import CommittedCart, OfflineCoupon
from services.loyalty.checkout.errors import CartEnded, QuoteChanged, QuoteExpired
from services.loyalty.checkout.tasks import ERRANDS
from services.loyalty.coupons import service as coupons
from services.loyalty.coupons.domain import Scope, UpdateCouponDefinition
from services.loyalty.expiry.tasks import ERRANDS as EXPIRY
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases.domain import BoughtLine, Tender, TenderKind
from services.loyalty.purchases.errors import PurchaseConflict
from services.loyalty.stores.domain import Store
from tests.integration.loyalty.conftest import Dump
from tests.integration.loyalty.test_concurrency import race
from tests.support.builders.merchant import NOW, Merchant, lines
from tests.support.builders.spending import spending
from tests.support.builders.till import ALL, Till, off, percent_off, selling_program
from tests.support.state_hash import state


@pytest.fixture
def till(merchant: Merchant, store: Store) -> Till:
    return Till(merchant, store)


def test_points_and_a_coupon_pay_for_a_cart(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 3_000)
    budget = till.budget(money_max=10_000, units_max=5)
    coupon = till.give(member_id, till.coupon_kind(off(1_000), budget_id=budget.id))

    quote = till.quote(member_id, 6_000, 4_000, coupon_ids=(coupon,), points=PointsAsked(points=2_000))
    done = till.commit(quote.cart)

    # 100.00 less 10.00 of the coupon less 20.00 of points: 70.00 earn 70 points, shared by what was paid in money.
    priced = quote.weighed.priced
    assert [(line.discount_minor, line.net_minor, line.points_minor) for line in priced.receipt.lines] == [
        (600, 5_400, 1_200),
        (400, 3_600, 800),
    ]
    assert (done.points, done.value_minor, done.total_minor, done.due_minor) == (2_000, 2_000, 9_000, 7_000)
    assert (quote.earned.points, done.recorded.points, done.recorded.balance) == (70, 70, 1_070)
    assert till.uses_of(coupon) == (0, 1)
    assert till.spent_of(budget) == (0, 1, 0, 1_000)
    purchase_id = done.recorded.purchase_id
    kept = merchant.read(lambda session: purchases.purchase_by_id(session, purchase_id=purchase_id))
    assert kept is not None
    assert kept.told.tenders == (Tender(TenderKind.POINTS, 2_000),)
    assert merchant.verdict().faults == ()


def test_a_commit_told_again_is_answered_as_the_first_time(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 500)
    cart = till.quote(member_id, 1_000, points=ALL).cart
    command = till.commit_command(cart)

    first = till.commit(cart, **_as(command))
    same_key = till.commit(cart, **_as(command))
    other_key = till.commit(cart)

    assert (first.recorded.replayed, first.points, first.recorded.points) == (False, 500, 5)
    for again in (same_key, other_key):
        assert again.recorded.replayed
        assert again == dataclasses.replace(first, recorded=again.recorded)
        assert again.recorded.purchase_id == first.recorded.purchase_id
    assert merchant.balance(member_id).available == 5


def test_a_quote_is_over_when_its_time_is(merchant: Merchant, till: Till, dump: Dump) -> None:
    selling_program(merchant, policies={"quoteMinutes": 10})
    cart = till.quote(merchant.member(), 1_000).cart
    merchant.now = NOW + timedelta(minutes=10)
    before = dump()

    with pytest.raises(QuoteExpired) as refused:
        till.commit(cart)

    assert refused.value.expired_at == NOW + timedelta(minutes=10)
    assert dump() == before


def test_what_somebody_else_has_taken_is_told_with_a_new_quote(merchant: Merchant, till: Till, dump: Dump) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 800)
    cart = till.quote(member_id, 1_000, points=ALL).cart
    merchant.adjust(member_id, -300)
    before = dump()

    with pytest.raises(QuoteChanged) as refused:
        till.commit(cart)

    assert refused.value.changed == ("payment", "points")
    assert (refused.value.new_points_paid, refused.value.new_due.minor, refused.value.new_points) == (500, 500, 5)
    assert dump() == before


def test_a_number_belongs_to_one_purchase(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    merchant.buy(till.store, member_id, 100, source="till", external_id="taken")

    with pytest.raises(PurchaseConflict):
        till.commit(till.quote(member_id, 1_000).cart, external_id="taken")


def test_a_reserved_cart_keeps_what_it_needs(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 800)
    budget = till.budget(units_max=1)
    coupon = till.give(member_id, till.coupon_kind(percent_off("10"), budget_id=budget.id))
    quote = till.quote(member_id, 1_000, points=ALL, coupon_ids=(coupon,))

    held = till.reserve(quote.cart)

    assert (held.points, till.uses_of(coupon), till.spent_of(budget)) == (800, (1, 0), (1, 0, 100, 0))
    assert till.quote(member_id, 500, points=ALL).weighed.priced.payment.points == 0
    done = till.commit(quote.cart)
    assert (done.points, done.due_minor, till.uses_of(coupon), till.spent_of(budget)) == (
        800,
        100,
        (0, 1),
        (0, 1, 0, 100),
    )
    assert (merchant.balance(member_id).available, merchant.balance(member_id).held) == (1, 0)


def test_a_canceled_cart_leaves_nothing(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 800)
    budget = till.budget(units_max=1)
    coupon = till.give(member_id, till.coupon_kind(percent_off("10"), budget_id=budget.id))
    before = merchant.read(state).hash
    cart = till.quote(member_id, 1_000, points=ALL, coupon_ids=(coupon,)).cart
    till.reserve(cart)

    canceled = till.cancel(cart)

    assert canceled.points == 800
    assert merchant.read(state).hash == before
    assert (till.uses_of(coupon), till.spent_of(budget)) == ((0, 0), (0, 0, 0, 0))
    with pytest.raises(CartEnded):
        till.commit(cart)


def _as(command: object) -> dict[str, object]:
    return {name: getattr(command, name) for name in ("source", "external_id", "idempotency_key", "request_hash")}


def test_a_cart_of_which_goods_are_missing(merchant: Merchant, till: Till) -> None:
    """One of three pieces and all of the other line: discounts and points go along in proportion."""
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 3_000)
    coupon = till.give(member_id, till.coupon_kind(off(1_000)))
    cart_lines = (
        BoughtLine("shirt", Decimal(3), 6_000),
        BoughtLine("hat", Decimal(1), 4_000),
    )
    quote = till.quote(member_id, lines=cart_lines, coupon_ids=(coupon,), points=PointsAsked(points=2_000))
    till.reserve(quote.cart)

    done = till.commit(quote.cart, delivered={1: Decimal(1), 2: Decimal(1)})

    # Of 54.00 and 36.00 a third and all: 18.00 and 36.00, of which points pay 4.00 and 8.00.
    assert (done.total_minor, done.points, done.value_minor, done.due_minor) == (5_400, 1_200, 1_200, 4_200)
    assert (done.recorded.points, done.recorded.balance) == (42, 3_000 - 1_200 + 42)
    assert merchant.balance(member_id).held == 0
    kept = merchant.read(
        lambda session: purchases.lines_by_purchases(session, purchase_ids=[done.recorded.purchase_id])
    )[done.recorded.purchase_id]
    assert [(line.quantity, line.amount_minor, line.discount_minor, line.net_minor) for line in kept] == [
        (Decimal(1), 2_000, 200, 1_800),
        (Decimal(1), 4_000, 400, 3_600),
    ]


def test_a_reserved_cart_times_out(merchant: Merchant, till: Till) -> None:
    selling_program(merchant, spending(caps=[{"limit": 8, "per": "day"}]))
    member_id = merchant.member()
    merchant.adjust(member_id, 800)
    budget = till.budget(units_max=1)
    coupon = till.give(member_id, till.coupon_kind(percent_off("10"), budget_id=budget.id))
    before = merchant.read(state).hash
    cart = till.quote(member_id, 1_000, points=PointsAsked(points=100), coupon_ids=(coupon,)).cart
    till.reserve(cart, minutes=20)
    assert till.quote(member_id, 1_000).earned.points == 0

    merchant.now = NOW + timedelta(minutes=20)
    for errand in (*ERRANDS, *EXPIRY):
        errand.run(merchant.database, merchant.home, merchant.now)

    assert merchant.read(state).hash == before
    assert (till.uses_of(coupon), till.spent_of(budget)) == ((0, 0), (0, 0, 0, 0))
    assert till.quote(member_id, 1_000).earned.points == 8
    with pytest.raises(QuoteExpired):
        till.commit(cart)


def test_quoting_a_cart_again_replaces_what_it_holds(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 800)
    first = till.quote(member_id, 1_000, points=ALL).cart
    till.reserve(first)

    again = till.quote(member_id, 600, points=ALL, cart_id=first.id)
    till.reserve(again.cart)

    assert again.weighed.priced.payment.points == 600
    assert (merchant.balance(member_id).available, merchant.balance(member_id).held) == (200, 600)


def test_lines_and_stores_that_points_cannot_pay(merchant: Merchant, till: Till) -> None:
    tobacco = {"field": "line.category", "op": "under", "value": [["Tobacco"]]}
    other_store = {"field": "store.code", "op": "eq", "value": "kiosk"}
    selling_program(merchant, exclusions={"paying": {"any": [tobacco, other_store]}})
    member_id = merchant.member()
    merchant.adjust(member_id, 9_000)
    cart = (
        BoughtLine("cigar", Decimal(1), 3_000, category=("Tobacco", "Cigars")),
        BoughtLine("hat", Decimal(1), 2_000),
    )

    quote = till.quote(member_id, lines=cart, points=ALL)
    kiosk = Till(merchant, merchant.store("kiosk")).quote(member_id, lines=cart, points=ALL)

    assert (quote.weighed.priced.payment.points, quote.weighed.priced.payment.by_line) == (2_000, {2: 2_000})
    # The cigar is paid with money and earns; the hat is paid with points and does not.
    assert [line.points for line in quote.earned.lines] == [30, 0]
    assert kiosk.weighed.priced.payment.points == 0


def test_an_edited_coupon_keeps_what_it_said_at_the_quote(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    definition = till.coupon_kind(off(100), shared_code="SPRING")
    cart = till.quote(None, 1_000, codes=("spring",)).cart
    content = dataclasses.replace(definition.content, benefit=off(300))
    change = UpdateCouponDefinition(definition.id, definition.version, content, definition.uses_max)
    merchant.do(lambda uow: coupons.update_coupon_definition(uow, command=change))

    done = till.commit(cart)

    assert done.total_minor == 900
    assert till.quote(None, 1_000, codes=("spring",)).weighed.priced.total_minor == 700


def test_ten_commits_at_once_are_one_purchase(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 800)
    coupon = till.give(member_id, till.coupon_kind(off(100)))
    cart = till.quote(member_id, 1_000, points=ALL, coupon_ids=(coupon,)).cart
    guest = till.quote(None, 1_000).cart
    same = till.commit_command(cart)

    results = race([lambda: till.commit(cart, **_as(same)) for _ in range(10)])
    others = race([lambda: till.commit(cart) for _ in range(10)])
    of_guest = race([lambda: till.commit(guest, external_id="guest-1") for _ in range(10)])

    committed = [result for result in (*results, *others) if isinstance(result, CommittedCart)]
    assert len(committed) == 20
    assert len({result.recorded.purchase_id for result in committed}) == 1
    assert [result.recorded.replayed for result in committed].count(False) == 1
    bought = [result for result in of_guest if isinstance(result, CommittedCart)]
    assert (len(bought), len({result.recorded.purchase_id for result in bought})) == (10, 1)
    assert merchant.rows("SELECT count(*) AS n FROM purchases")[0]["n"] == 2
    assert (merchant.balance(member_id).available, till.uses_of(coupon)) == (1, (0, 1))


def test_an_offline_sale_is_settled_as_far_as_it_can_be(merchant: Merchant, till: Till) -> None:
    merchant.now = NOW - timedelta(days=1)
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 500)
    mine, gone = (till.give(member_id, till.coupon_kind(off(100))) for _ in range(2))
    till.commit(till.quote(member_id, 1_000, coupon_ids=(gone,)).cart)
    merchant.now = NOW
    command = till.offline_command(
        member_id,
        800,
        points=700,
        value_minor=700,
        coupons=(OfflineCoupon(100, coupon_id=mine), OfflineCoupon(100, coupon_id=gone), OfflineCoupon(50, code="X1")),
        occurred_at=NOW - timedelta(hours=5),
    )

    settled = till.offline(command)
    again = till.offline(dataclasses.replace(command, record=dataclasses.replace(command.record, idempotency_key="o2")))

    # 8.00 was rung up, 7.00 of it taken as points; 509 were there: the purchase is what it was.
    assert (settled.points, settled.missing_points, settled.missing_minor) == (509, 191, 191)
    assert [(refused.reason.value, amount) for refused, amount in settled.refused] == [
        ("used", 100),
        ("unknown_code", 50),
    ]
    assert (settled.recorded.points, settled.recorded.balance, till.uses_of(mine)) == (1, 1, (0, 1))
    assert again.recorded.replayed
    assert (again.points, again.missing_points, again.refused) == (
        509,
        191,
        tuple((dataclasses.replace(refused, facts={}), amount) for refused, amount in settled.refused),
    )
    back = merchant.refund(settled.recorded.purchase_id)
    assert (back.points_returned, merchant.balance(member_id).available, till.uses_of(mine)) == (509, 509, (0, 0))


def test_a_commit_takes_what_was_not_reserved_from_its_budget(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    budget = till.budget(units_max=1)
    kind = till.coupon_kind(off(100), budget_id=budget.id)
    first, second = till.give(member_id, kind), till.give(member_id, kind)
    reserved = till.quote(member_id, 1_000).cart
    till.reserve(reserved)
    anew = till.quote(member_id, 1_000, cart_id=reserved.id, coupon_ids=(first,)).cart
    other = till.quote(member_id, 1_000, coupon_ids=(second,)).cart

    till.commit(anew)

    assert till.spent_of(budget) == (0, 1, 0, 100)
    with pytest.raises(BudgetExhausted):
        till.commit(other)


def test_another_quote_of_a_committed_cart_is_no_repetition(merchant: Merchant, till: Till, dump: Dump) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    cart = till.quote(member_id, 1_000).cart
    till.commit(cart)
    merchant.now += timedelta(seconds=1)
    other = till.quote(member_id, 5_000, cart_id=cart.id).cart
    before = dump()

    with pytest.raises(CartEnded):
        till.commit(other)

    assert dump() == before


def test_what_is_reserved_keeps_no_other_quote_alive(merchant: Merchant, till: Till) -> None:
    selling_program(merchant, policies={"quoteMinutes": 10})
    member_id = merchant.member()
    old = till.quote(member_id, 1_000).cart
    merchant.now = NOW + timedelta(minutes=5)
    cart = till.quote(member_id, 2_000, cart_id=old.id).cart
    till.reserve(cart, minutes=60)
    merchant.now = NOW + timedelta(minutes=20)

    with pytest.raises(QuoteExpired):
        till.commit(old)

    assert till.commit(cart).total_minor == 2_000


def test_goods_beside_a_line_below_zero_are_delivered_for_no_more_points_than_they_cost(
    merchant: Merchant, till: Till
) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    merchant.adjust(member_id, 20_000)
    sold = (*lines(10_000, 10_000), BoughtLine("discount", Decimal(1), -8_000))
    cart = till.quote(member_id, lines=sold, points=ALL).cart

    done = till.commit(cart, delivered={1: Decimal(1), 3: Decimal(1)})

    assert (done.total_minor, done.value_minor, done.points, done.due_minor) == (2_000, 2_000, 2_000, 0)


def test_a_coupon_on_goods_that_are_missing_is_not_used_up(merchant: Merchant, till: Till) -> None:
    selling_program(merchant)
    member_id = merchant.member()
    budget = till.budget(units_max=5)
    coupon = till.give(
        member_id, till.coupon_kind(off(500), budget_id=budget.id, scope=Scope(skus=frozenset({"sku-2"})))
    )
    cart = till.quote(member_id, 1_000, 2_000, coupon_ids=(coupon,)).cart

    done = till.commit(cart, delivered={1: Decimal(1)})

    assert done.total_minor == 1_000
    assert (till.uses_of(coupon), till.spent_of(budget)) == ((0, 0), (0, 0, 0, 0))
