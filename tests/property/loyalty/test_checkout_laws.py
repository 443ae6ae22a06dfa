"""Laws of the checkout: nothing below zero, parts that sum to the whole, one price however it is asked for."""

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from services.loyalty.checkout.domain import (
    AskedCart,
    PointsAsked,
    Priced,
    QuotedCart,
    Terms,
    cart_json,
    lower,
    parse_cart,
    price,
    usable,
    worth,
)
from services.loyalty.checkout.domain.delivering import delivered
from services.loyalty.coupons.domain import Benefit, BenefitKind, CouponContent, Exclusivity, Offer, Strategy
from services.loyalty.earning.domain import (
    AmountRefund,
    LineRefund,
    PurchaseLine,
    RefundRequest,
    RefundState,
    ReturnedLine,
    apply_refund,
    refundable_minor,
    remaining_lines,
    returnable,
)
from services.loyalty.earning.errors import RefundBelowZero, RefundExceedsPurchase
from services.loyalty.programs.domain import AboveLimit, BasePolicy, PayWithPoints
from services.loyalty.purchases.domain import BoughtLine, TenderKind, Told
from services.loyalty.purchases.domain.settlement import PaidPoints, SettledBack, Settlement, UsedCoupon, settled_back

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
POLICIES = st.builds(
    PayWithPoints,
    is_allowed=st.just(value=True),
    points=st.integers(1, 500),
    money=st.integers(1, 500),
    points_min=st.integers(1, 300),
    step_points=st.integers(1, 200),
    percent_max=st.integers(1, 100),
    above_limit=st.just(AboveLimit.CLIP),
    cash_rounding=st.sampled_from([1, 5, 10, 100]),
)
ASKED = st.one_of(
    st.just(PointsAsked()),
    st.integers(0, 50_000).map(lambda points: PointsAsked(points=points)),
    st.integers(0, 50_000).map(lambda minor: PointsAsked(money_minor=minor)),
)
BENEFITS = st.one_of(
    st.integers(1, 100).map(lambda percent: Benefit(BenefitKind.PERCENT, percent=Decimal(percent))),
    st.integers(1, 9_000).map(lambda minor: Benefit(BenefitKind.AMOUNT, amount_minor=minor)),
    st.just(Benefit(BenefitKind.SHIPPING, percent=Decimal(100))),
)


@st.composite
def lines(draw: st.DrawFn) -> tuple[BoughtLine, ...]:
    """One to five lines, some of them negative, some with a discount of their own."""
    made = []
    for number in range(draw(st.integers(1, 5))):
        amount = draw(st.integers(-500, 20_000))
        discount = draw(st.integers(0, max(0, amount))) if draw(st.booleans()) else 0
        made.append(BoughtLine(f"sku-{number}", Decimal(draw(st.integers(1, 6))), amount, discount))
    return tuple(made)


@st.composite
def priced_carts(draw: st.DrawFn) -> tuple[AskedCart, Terms, Priced]:
    """A cart with its price, by any coupons and any policy."""
    bought = draw(lines())
    total = sum(line.amount_minor - line.discount_minor for line in bought)
    asked = AskedCart(
        member=None,
        store_id=UUID(int=1),
        currency="CNY",
        lines=bought,
        discount_minor=draw(st.integers(0, max(0, total))) if draw(st.booleans()) else 0,
        told=Told(shipping_minor=draw(st.integers(0, 2_000))),
        points=draw(st.none() | ASKED),
    )
    offers = [
        Offer(
            UUID(int=number + 10),
            UUID(int=number + 20),
            UUID(int=number + 30),
            CouponContent("Coupon", "券", benefit, currency="CNY", exclusivity=draw(st.sampled_from(Exclusivity))),
        )
        for number, benefit in enumerate(draw(st.lists(BENEFITS, max_size=3)))
    ]
    terms = Terms(
        offers=offers,
        strategy=draw(st.sampled_from(Strategy)),
        paying=draw(POLICIES),
        available=draw(st.integers(0, 60_000)),
    )
    unpayable = draw(st.sets(st.integers(1, len(bought))))
    return asked, terms, price(asked, lower(asked, terms), terms, unpayable=unpayable)


@given(priced_carts())
def test_no_line_and_no_order_falls_below_zero_and_all_parts_sum_up(cart: tuple[AskedCart, Terms, Priced]) -> None:
    _, terms, priced = cart
    before, receipt, payment = priced.lowered.before, priced.receipt, priced.payment

    for was, line in zip(before.lines, receipt.lines, strict=True):
        off = priced.lowered.discounting.of_line(line.position)
        assert line.net_minor == was.net_minor - off
        assert off == 0 or line.net_minor >= 0
        assert 0 <= payment.by_line.get(line.position, 0) <= max(0, line.net_minor)
    assert receipt.total_minor >= min(0, before.total_minor)
    assert receipt.told.shipping_minor >= 0
    assert sum(payment.by_line.values()) == payment.value_minor <= max(0, receipt.total_minor)
    assert sum(each.amount_minor for each in receipt.told.tenders if each.kind is TenderKind.POINTS) == (
        payment.value_minor
    )
    assert priced.due_minor == receipt.total_minor + receipt.told.shipping_minor - payment.value_minor
    for one in priced.lowered.applied:
        assert one.amount_minor == sum(one.by_line.values()) + one.shipping_minor
    policy = terms.paying
    if payment.points:
        assert payment.points % policy.step_points == 0
        assert policy.points_min <= payment.points <= min(terms.available, priced.usable.points)
        assert payment.value_minor == worth(policy, payment.points)
        assert payment.value_minor * 100 <= max(0, receipt.total_minor) * policy.percent_max
        # The cost follows the discount: fewer points are worth less, or are fewer than one may pay.
        less = payment.points - policy.step_points
        assert less < policy.points_min or worth(policy, less) < payment.value_minor


@given(priced_carts())
def test_the_receipt_that_is_recorded_is_the_one_that_was_priced(cart: tuple[AskedCart, Terms, Priced]) -> None:
    from services.loyalty.purchases.domain.receipt import check_receipt  # noqa: PLC0415  only this law needs it

    _, _, priced = cart

    again = check_receipt(
        currency="CNY", lines=priced.lines, discount_minor=priced.receipt.discount_minor, told=priced.receipt.told
    )

    assert again == priced.receipt


@given(POLICIES, st.integers(0, 90_000), st.integers(0, 90_000), st.integers(0, 90_000))
def test_more_is_never_usable_of_less(policy: PayWithPoints, total: int, payable: int, available: int) -> None:
    payable = min(total, payable)
    most = usable(policy, total_minor=total, payable_minor=payable, available=available)
    richer = usable(policy, total_minor=total, payable_minor=payable, available=available + 1)

    assert most.points <= available
    assert most.value_minor <= payable
    assert richer.value_minor >= most.value_minor


@given(priced_carts(), st.data())
def test_what_is_delivered_and_what_is_not_sum_to_the_quote(
    cart: tuple[AskedCart, Terms, Priced], data: st.DataObject
) -> None:
    _, _, priced = cart
    whole = {line.position: line.quantity for line in priced.receipt.lines}
    some = {position: Decimal(data.draw(st.integers(0, int(quantity)))) for position, quantity in whole.items()}
    assume(any(some.values()))

    part = delivered(priced, some)

    assert delivered(priced, whole) == dataclasses.replace(
        priced,
        lowered=dataclasses.replace(
            priced.lowered,
            discounting=dataclasses.replace(
                priced.lowered.discounting,
                applied=tuple(dataclasses.replace(one, units={}) for one in priced.lowered.applied),
            ),
        ),
    )
    kept = [line for line in priced.receipt.lines if some[line.position]]
    for line, was in zip(part.receipt.lines, kept, strict=True):
        assert abs(line.net_minor) <= abs(was.net_minor)
        assert line.net_minor * was.net_minor >= 0
        assert (line.points_minor or 0) <= max(0, line.net_minor)
    assert 0 <= part.payment.points <= priced.payment.points
    assert part.payment.value_minor == sum(part.payment.by_line.values()) <= priced.payment.value_minor


@given(priced_carts(), st.data())
def test_returns_in_any_steps_give_the_same_back(cart: tuple[AskedCart, Terms, Priced], data: st.DataObject) -> None:
    _, _, priced = cart
    bought = priced.receipt.earning(priced.receipt.base(_BASE))
    settlement = Settlement(
        UUID(int=1),
        PaidPoints("points", priced.payment.points, priced.payment.value_minor, priced.payment.by_line),
        tuple(
            UsedCoupon(one.offer_id, UUID(int=2), UUID(int=3), one.amount_minor, one.by_line, one.shipping_minor)
            for one in priced.lowered.applied
        ),
    )
    state, points, value, back = RefundState(), 0, 0, SettledBack()

    for _ in range(data.draw(st.integers(0, 4))):
        request = _step(bought, state, data)
        if request is None:
            break
        try:
            state = apply_refund(bought, state, request).state
        except (RefundBelowZero, RefundExceedsPurchase):
            continue
        remaining = remaining_lines(bought, state)
        left_minor = sum(line.net_minor for line in remaining)
        back = settled_back(settlement, bought=bought, remaining=remaining, left_minor=left_minor, before=back)
        assert priced.payment.value_minor - back.value_minor <= max(0, left_minor)
        assert points <= back.points <= priced.payment.points
        assert value <= back.value_minor <= priced.payment.value_minor
        points, value = back.points, back.value_minor
    end = settled_back(
        settlement,
        bought=bought,
        remaining=remaining_lines(bought, state),
        left_minor=0,
        before=dataclasses.replace(back, is_whole=True),
    )

    assert (end.points, end.value_minor) == (priced.payment.points, priced.payment.value_minor)
    assert {one.coupon_id: end.of(one.coupon_id) for one in settlement.coupons} == {
        one.offer_id: one.amount_minor for one in priced.lowered.applied
    }


@given(priced_carts())
def test_a_token_says_what_was_quoted(cart: tuple[AskedCart, Terms, Priced]) -> None:
    asked, _, _ = cart
    quoted = QuotedCart(
        UUID(int=9),
        dataclasses.replace(asked, cart_id=UUID(int=9), member=UUID(int=4)),
        NOW,
        NOW,
        {UUID(int=5): UUID(int=6)},
        {"price": "a"},
    )

    assert parse_cart(cart_json(quoted)) == quoted


def _step(bought: tuple[PurchaseLine, ...], state: RefundState, data: st.DataObject) -> RefundRequest | None:
    left = refundable_minor(bought, state)
    if left > 0 and data.draw(st.booleans()):
        return AmountRefund(data.draw(st.integers(1, left)))
    returned = {line.position: line.quantity for line in state.returned}
    open_lines = [line for line in bought if returned.get(line.position, Decimal(0)) < returnable(line)]
    if not open_lines:
        return None
    line = data.draw(st.sampled_from(open_lines))
    rest = int(returnable(line) - returned.get(line.position, Decimal(0)))
    return LineRefund((ReturnedLine(line.position, Decimal(data.draw(st.integers(1, rest)))),))


_BASE = BasePolicy()
