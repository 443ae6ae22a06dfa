"""Points of a purchase that comes back while a hold reserves them: never there, whatever becomes of the hold."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.earning.domain import AmountRefund, LineRefund, RefundRequest, ReturnedLine
from services.loyalty.programs.domain import OwingPolicy, Policies, document_json
from services.loyalty.programs.domain.validity import Expiry, Rolling, Span, TimeUnit
from services.loyalty.purchases.domain.effects import UseKind
from services.loyalty.stores.domain import Store
from tests.support.builders.changes import amend, line
from tests.support.builders.merchant import Merchant
from tests.support.builders.programs import program, spend
from tests.support.builders.reserving import capture, hold, release, stands, time_out


def open_program(merchant: Merchant, owed_max: int = 0, **rule: Any) -> None:
    owing = OwingPolicy.ALLOW if owed_max else OwingPolicy.FORBID
    policies = Policies(owing=owing, owed_points_max=owed_max)
    merchant.program(document_json(program(spend(**rule), policies=policies)))


@pytest.mark.parametrize("owed_max", [0, 20, 100])
@pytest.mark.parametrize("fate", ["released", "timed out", "read"])
def test_what_a_hold_releases_goes_back(merchant: Merchant, store: Store, owed_max: int, fate: str) -> None:
    open_program(merchant, owed_max)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 10_000)
    hold_id = hold(merchant, member_id, 60)

    refunded = merchant.refund(bought.purchase_id)

    owed = min(60, owed_max)
    assert (refunded.points, refunded.owed, refunded.shortfall) == (40 + owed, owed, 60 - owed)
    assert [(use.kind, use.id, use.points) for use in refunded.needs_decision] == [(UseKind.HOLD, hold_id, 60)]
    assert stands(merchant, member_id) == (0, 60, owed)
    if fate == "released":
        release(merchant, hold_id)
    elif fate == "timed out":
        time_out(merchant, member_id)
    else:
        merchant.now += timedelta(hours=1)
    assert stands(merchant, member_id) == (0, 0, 0)
    assert merchant.verdict().faults == ()


@pytest.mark.parametrize("owed_max", [0, 20, 100])
@pytest.mark.parametrize("captured", [60, 45, 10])
def test_what_a_hold_captures_is_spent(merchant: Merchant, store: Store, owed_max: int, captured: int) -> None:
    open_program(merchant, owed_max)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 10_000)
    hold_id = hold(merchant, member_id, 60)
    merchant.refund(bought.purchase_id)

    capture(merchant, hold_id, captured)

    # The rest is released: it pays back what is owed, and goes back.
    assert stands(merchant, member_id) == (0, 0, max(0, min(60, owed_max) - (60 - captured)))
    merchant.adjust(member_id, 100)
    assert stands(merchant, member_id)[0] == 100 - max(0, min(60, owed_max) - (60 - captured))
    assert merchant.verdict().faults == ()


def test_other_points_are_taken_first_and_no_more_than_was_wanted(merchant: Merchant, store: Store) -> None:
    open_program(merchant)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 10_000)
    hold_id = hold(merchant, member_id, 60)
    merchant.adjust(member_id, 50)

    merchant.refund(bought.purchase_id)
    release(merchant, hold_id)

    assert stands(merchant, member_id) == (50, 0, 0)
    assert merchant.verdict().faults == ()


@pytest.mark.parametrize(("first", "released"), [(7_000, 30), (9_999, 1)])
def test_a_part_and_then_the_rest(merchant: Merchant, store: Store, first: int, released: int) -> None:
    open_program(merchant)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 10_000)
    hold_id = hold(merchant, member_id, 60)
    rest: RefundRequest | None = None

    for request in (AmountRefund(first), rest):
        merchant.refund(bought.purchase_id, request)
        if request is not None:
            release(merchant, hold_id)
            assert stands(merchant, member_id) == (released - (first % 100 > 0), 0, 0)

    assert stands(merchant, member_id) == (0, 0, 0)
    merchant.adjust(member_id, 100)
    assert stands(merchant, member_id) == (100, 0, 0)
    assert merchant.verdict().faults == ()


def test_what_is_released_after_an_amendment_goes_back_too(merchant: Merchant, store: Store) -> None:
    open_program(merchant)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 10_000)
    hold_id = hold(merchant, member_id, 60)

    amended = amend(merchant, bought.purchase_id, line(3_000))
    assert (amended.shortfall, stands(merchant, member_id)) == (30, (0, 60, 0))
    release(merchant, hold_id)

    assert stands(merchant, member_id) == (30, 0, 0)
    merchant.refund(bought.purchase_id)
    assert stands(merchant, member_id) == (0, 0, 0)
    assert merchant.verdict().faults == ()


def test_an_amendment_back_leaves_what_is_held_alone(merchant: Merchant, store: Store) -> None:
    open_program(merchant)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 10_000)
    hold_id = hold(merchant, member_id, 60)

    amend(merchant, bought.purchase_id, line(3_000))
    amend(merchant, bought.purchase_id, line(10_000))
    release(merchant, hold_id)

    assert stands(merchant, member_id) == (100, 0, 0)
    assert merchant.verdict().faults == ()


def end(merchant: Merchant, hold_id: UUID, member_id: UUID, fate: str) -> None:
    """A hold is released, times out, or is over while no job has been by."""
    if fate == "released":
        release(merchant, hold_id)
    elif fate == "timed out":
        time_out(merchant, member_id)
    else:
        merchant.now += timedelta(hours=1)


def back(merchant: Merchant, purchase_id: UUID, position: int) -> int:
    """A line comes back; how many points are taken for it, below zero: given."""
    returned = ReturnedLine(position, Decimal(1))
    return merchant.refund(purchase_id, LineRefund((returned,))).points


@pytest.mark.parametrize("fate", ["released", "timed out", "over"])
def test_what_a_release_took_is_given_back_with_a_negative_line(merchant: Merchant, store: Store, fate: str) -> None:
    open_program(merchant)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 10_000, 5_000, -5_000)
    hold_id = hold(merchant, member_id, 100)
    assert back(merchant, bought.purchase_id, 2) == 0

    end(merchant, hold_id, member_id, fate)
    assert stands(merchant, member_id) == (50, 0, 0)
    given = back(merchant, bought.purchase_id, 3)

    # Nothing but ten thousand stands.
    assert (given, stands(merchant, member_id)) == (-50, (100, 0, 0))
    merchant.refund(bought.purchase_id)
    assert stands(merchant, member_id) == (0, 0, 0)
    assert merchant.verdict().faults == ()


@pytest.mark.parametrize("fate", ["released", "timed out", "over"])
def test_what_was_wanted_is_taken_and_does_not_lapse_though_its_end_has_come(
    merchant: Merchant, store: Store, fate: str
) -> None:
    open_program(merchant, expiry=Expiry(rolling=Rolling(Span(1, TimeUnit.DAY))))
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 10_000, 5_000, -5_000)
    merchant.now += timedelta(hours=23, minutes=30)
    hold_id = hold(merchant, member_id, 100)
    back(merchant, bought.purchase_id, 2)

    if fate == "released":
        merchant.now += timedelta(minutes=45)
    end(merchant, hold_id, member_id, fate)
    # Fifty are taken, and fifty have lapsed.
    assert stands(merchant, member_id) == (0, 0, 0)
    given = back(merchant, bought.purchase_id, 3)

    assert (given, stands(merchant, member_id)) == (-50, (50, 0, 0))
    merchant.refund(bought.purchase_id)
    assert stands(merchant, member_id) == (0, 0, 0)
    assert merchant.verdict().faults == ()


def test_what_a_release_took_is_given_back_after_another_refund_too(merchant: Merchant, store: Store) -> None:
    open_program(merchant)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 8_000, 5_000, 2_000, -5_000)
    hold_id = hold(merchant, member_id, 100)
    back(merchant, bought.purchase_id, 2)
    release(merchant, hold_id)

    assert back(merchant, bought.purchase_id, 3) == 20
    assert stands(merchant, member_id) == (30, 0, 0)
    assert back(merchant, bought.purchase_id, 4) == -50

    assert stands(merchant, member_id) == (80, 0, 0)
    merchant.refund(bought.purchase_id)
    assert stands(merchant, member_id) == (0, 0, 0)
    assert merchant.verdict().faults == ()


def test_what_had_ended_or_was_captured_is_not_given_back(merchant: Merchant, store: Store) -> None:
    open_program(merchant)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 10_000, 5_000, -5_000)
    hold_id = hold(merchant, member_id, 100)
    back(merchant, bought.purchase_id, 2)
    capture(merchant, hold_id, 80)

    # Twenty were released and taken, of fifty that were wanted: eighty are spent of a hundred that stand.
    assert stands(merchant, member_id) == (0, 0, 0)
    assert back(merchant, bought.purchase_id, 3) == -20
    assert stands(merchant, member_id) == (20, 0, 0)
    assert merchant.verdict().faults == ()
