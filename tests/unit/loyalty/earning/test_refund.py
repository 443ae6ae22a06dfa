from decimal import Decimal

import pytest

from services.loyalty.earning.domain import (
    AmountRefund,
    FullRefund,
    LineRefund,
    PurchaseLine,
    RefundedLine,
    RefundRequest,
    RefundState,
    ReturnedLine,
    apply_refund,
    refundable_minor,
    refunded_minor,
    remaining_lines,
    returnable,
)
from services.loyalty.earning.errors import (
    NothingLeftToRefund,
    RefundBelowZero,
    RefundExceedsPurchase,
    RefundLineUnknown,
    RefundQuantityExceedsLine,
)
from services.platform.errors import InvalidInput


def line(position: int, quantity: str, net_minor: int) -> PurchaseLine:
    return PurchaseLine(position, "sku", (), Decimal(quantity), net_minor)


def some(*returned: tuple[int, str]) -> LineRefund:
    return LineRefund(tuple(ReturnedLine(position, Decimal(quantity)) for position, quantity in returned))


def money(lines: list[PurchaseLine], *requests: RefundRequest) -> list[int]:
    state, paid = RefundState(), []
    for request in requests:
        outcome = apply_refund(lines, state, request)
        assert outcome.refunded_minor == sum(item.refunded_minor for item in outcome.lines)
        state = outcome.state
        paid.append(outcome.refunded_minor)
    return paid


BASKET = [line(1, "3", 1000), line(2, "1", 500), line(3, "0.75", 0)]


def test_a_full_refund_gives_everything_back() -> None:
    outcome = apply_refund(BASKET, RefundState(), FullRefund())

    assert outcome.refunded_minor == 1500
    assert outcome.lines == (
        RefundedLine(1, Decimal(3), 1000),
        RefundedLine(2, Decimal(1), 500),
        RefundedLine(3, Decimal("0.75"), 0),
    )
    assert [(item.quantity, item.net_minor) for item in outcome.remaining] == [(Decimal(0), 0)] * 3


@pytest.mark.parametrize(
    ("requests", "paid"),
    [
        ([some((1, "1")), some((1, "1")), some((1, "1"))], [333, 334, 333]),
        ([some((1, "2")), some((1, "1"))], [667, 333]),
        ([some((1, "3"))], [1000]),
        ([some((1, "0.5")), some((2, "1")), FullRefund()], [167, 500, 833]),
        ([AmountRefund(300), AmountRefund(1200)], [300, 1200]),
        ([AmountRefund(300), FullRefund()], [300, 1200]),
        ([AmountRefund(300), some((1, "3")), some((2, "1"))], [300, 1000, 200]),
        ([some((1, "3")), AmountRefund(300), some((2, "1"))], [1000, 300, 200]),
        ([AmountRefund(1500), some((1, "1")), FullRefund()], [1500, 0, 0]),
    ],
)
def test_money_of_a_split_sums_to_the_whole(requests: list[RefundRequest], paid: list[int]) -> None:
    assert money(BASKET, *requests) == paid


def test_a_free_amount_lowers_what_remains_of_all_lines() -> None:
    outcome = apply_refund(BASKET, RefundState(), AmountRefund(100))

    assert [item.net_minor for item in outcome.remaining] == [933, 467, 0]
    assert [item.quantity for item in outcome.remaining] == [3, 1, Decimal("0.75")]
    assert outcome.lines == (RefundedLine(1, Decimal(0), 67), RefundedLine(2, Decimal(0), 33))


def test_a_further_amount_takes_nothing_back_from_a_line() -> None:
    lines = [line(1, "1", 6), line(2, "1", 6), line(3, "1", 2)]
    first = apply_refund(lines, RefundState(), AmountRefund(10))

    second = apply_refund(lines, first.state, AmountRefund(1))

    # By largest remainder the third line would get 2 of 10 and 1 of 11.
    assert [item.net_minor for item in first.remaining] == [1, 2, 1]
    assert second.lines == (RefundedLine(2, Decimal(0), 1),)


def test_a_free_amount_takes_its_part_of_negative_lines_too() -> None:
    lines = [line(1, "1", 1000), line(2, "1", -200)]

    outcome = apply_refund(lines, RefundState(), AmountRefund(400))

    assert [item.net_minor for item in outcome.remaining] == [500, -100]
    assert money(lines, AmountRefund(800)) == [800]
    assert [item.net_minor for item in remaining_lines(lines, RefundState((), 800))] == [0, 0]


@pytest.mark.parametrize(
    ("requests", "refundable", "requested"),
    [
        ([AmountRefund(1501)], 1500, 1501),
        ([AmountRefund(1500), AmountRefund(1)], 0, 1),
        ([some((1, "3")), AmountRefund(501)], 500, 501),
        ([FullRefund(), AmountRefund(1)], 0, 1),
        ([AmountRefund(1400), some((1, "3")), AmountRefund(1)], 0, 1),
    ],
)
def test_no_more_money_than_is_left(requests: list[RefundRequest], refundable: int, requested: int) -> None:
    *before, last = requests
    state = RefundState()
    for request in before:
        state = apply_refund(BASKET, state, request).state

    with pytest.raises(RefundExceedsPurchase) as refusal:
        apply_refund(BASKET, state, last)

    assert (refusal.value.refundable_minor, refusal.value.requested_minor) == (refundable, requested)


@pytest.mark.parametrize(("before", "asked", "left"), [("0", "3.0001", "3"), ("2", "1.5", "1"), ("3", "1", "0")])
def test_no_more_of_a_line_than_is_left(before: str, asked: str, left: str) -> None:
    state = RefundState((ReturnedLine(1, Decimal(before)),))

    with pytest.raises(RefundQuantityExceedsLine) as refusal:
        apply_refund(BASKET, state, some((1, asked)))

    assert refusal.value.facts() == {"position": 1, "returnable": Decimal(left), "requested": Decimal(asked)}


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (some(), "lines", "EMPTY"),
        (some((1, "1"), (1, "1")), "lines", "DUPLICATE_POSITION"),
        (some((1, "0")), "lines.0.quantity", "NOT_POSITIVE"),
        (some((2, "1"), (1, "-1")), "lines.1.quantity", "NOT_POSITIVE"),
        (some((1, "NaN")), "lines.0.quantity", "QUANTITY_TOO_LARGE"),
        (some((1, "0.00001")), "lines.0.quantity", "TOO_MANY_DECIMALS"),
        (AmountRefund(0), "amount", "NOT_POSITIVE"),
        (AmountRefund(-5), "amount", "NOT_POSITIVE"),
    ],
)
def test_requests_that_ask_for_nothing_are_refused(request_: RefundRequest, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        apply_refund(BASKET, RefundState(), request_)

    assert (refusal.value.field, refusal.value.reason) == (field, reason)


def test_an_unknown_line_is_refused() -> None:
    with pytest.raises(RefundLineUnknown) as refusal:
        apply_refund(BASKET, RefundState(), some((9, "1")))

    assert refusal.value.position == 9


def test_a_purchase_comes_back_once() -> None:
    state = apply_refund(BASKET, RefundState(), FullRefund()).state

    with pytest.raises(NothingLeftToRefund):
        apply_refund(BASKET, state, FullRefund())


def test_goods_alone_cannot_pay_more_than_the_basket_did() -> None:
    lines = [line(1, "2", 100), line(2, "1", -50)]

    with pytest.raises(RefundExceedsPurchase) as refusal:
        apply_refund(lines, RefundState(), some((1, "2")))

    assert (refusal.value.refundable_minor, refusal.value.requested_minor) == (50, 100)
    assert money(lines, some((1, "2"), (2, "1"))) == [50]
    assert money(lines, some((1, "1")), some((1, "1"), (2, "1"))) == [50, 0]


def test_a_discount_cannot_come_back_without_its_goods() -> None:
    lines = [line(1, "2", 100), line(2, "1", -50)]

    with pytest.raises(RefundBelowZero) as refusal:
        apply_refund(lines, RefundState(), some((2, "1")))

    assert refusal.value.refunded_minor == -50


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        ([line(1, "1", 0)], 0),
        ([line(1, "0", 0)], 0),
        ([line(1, "1", 100), line(2, "1", -100)], 0),
        ([line(1, "-1", -350)], -350),
        ([line(1, "1", 100), line(2, "-2", -350)], -250),
    ],
)
def test_a_purchase_worth_nothing_or_less_comes_back_whole_but_not_by_amount(
    lines: list[PurchaseLine], whole: int
) -> None:
    with pytest.raises(RefundExceedsPurchase) as refusal:
        apply_refund(lines, RefundState(), AmountRefund(1))
    assert refusal.value.refundable_minor == 0

    outcome = apply_refund(lines, RefundState(), FullRefund())

    assert outcome.refunded_minor == whole
    assert [item.net_minor for item in outcome.remaining] == [0] * len(lines)


@pytest.mark.parametrize(("quantity", "pieces"), [("3", "3"), ("-2", "2"), ("0", "1"), ("0.75", "0.75")])
def test_quantities_come_back_without_their_sign(quantity: str, pieces: str) -> None:
    odd = [line(1, quantity, 500)]

    outcome = apply_refund(odd, RefundState(), some((1, pieces)))

    assert returnable(odd[0]) == Decimal(pieces)
    assert outcome.refunded_minor == 500
    assert outcome.remaining[0].quantity == 0
    with pytest.raises(NothingLeftToRefund):
        apply_refund(odd, outcome.state, FullRefund())


def test_what_is_left_and_what_was_paid_are_known_from_the_state() -> None:
    state = RefundState((ReturnedLine(1, Decimal(1)),), 200)

    assert refunded_minor(BASKET, state) == 533
    assert refundable_minor(BASKET, state) == 967
