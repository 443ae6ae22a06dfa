"""Void, amend, exchange, claim: each ends as if the sale had been rung up right at first."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege, UniqueViolation

from services.loyalty.earning.domain import AmountRefund, LineRefund, ReturnedLine
from services.loyalty.programs.domain import Cap, CapOwner, CapPeriod, document_json
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import BoughtLine, PurchaseRef
from services.loyalty.purchases.domain.effects import UseKind
from services.loyalty.purchases.errors import (
    PurchaseAlreadyRefunded,
    PurchaseVoided,
)
from services.loyalty.stores.domain import Store
from services.platform.errors import DomainError
from services.platform.idempotency.errors import IdempotencyConflict
from tests.support.builders.changes import (
    PROGRAM,
    amend,
    claim,
    exchange,
    line,
    stood,
    void,
)
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.programs import program, spend, under


def test_a_voided_purchase_was_never_there_and_is_closed(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    member_id = merchant.member()
    before = stood(merchant, member_id)
    bought = merchant.buy(store, member_id, 3_500)
    merchant.refund(bought.purchase_id, AmountRefund(700))

    voided = void(merchant, bought.purchase_id, reason="rung up twice", idempotency_key="v")
    again = void(merchant, bought.purchase_id, reason="rung up twice", idempotency_key="v")

    assert (voided.refunded_minor, voided.points, voided.from_tier, voided.to_tier) == (2_800, 28, None, None)
    assert (again.replayed, again.refund_id) == (True, voided.refund_id)
    assert stood(merchant, member_id) == before
    for refused in (
        lambda: void(merchant, bought.purchase_id),
        lambda: merchant.refund(bought.purchase_id),
        lambda: amend(merchant, bought.purchase_id, line(100)),
    ):
        with pytest.raises(PurchaseVoided):
            refused()
    assert merchant.rows("SELECT kind, reason, before -> 'totalMinor' AS total FROM purchase_changes") == [
        {"kind": "void", "reason": "rung up twice", "total": 3_500}
    ]
    assert merchant.verdict().faults == ()


def test_voiding_what_has_come_back_already_only_closes_it(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 1_000)
    merchant.refund(bought.purchase_id)

    voided = void(merchant, bought.purchase_id)

    assert (voided.refunded_minor, voided.points) == (0, 0)
    with pytest.raises(PurchaseVoided):
        merchant.refund(bought.purchase_id)


# --- amend ---


@pytest.mark.parametrize(
    ("first", "anew"),
    [
        ((line(1_000),), (line(1_900, "fresh"),)),
        ((line(1_900, "fresh"),), (line(1_000),)),
        ((line(2_500, "fresh"), line(800)), (line(300, "fresh"), line(3_700))),
        ((line(3_500),), (line(99),)),
        ((line(99),), (line(6_000, "fresh"), line(-500))),
    ],
)
def test_an_amended_purchase_ends_as_if_rung_up_right_at_first(
    merchant: Merchant, store: Store, first: tuple[BoughtLine, ...], anew: tuple[BoughtLine, ...]
) -> None:
    merchant.program(PROGRAM)
    amended_of, right_of = merchant.member(), merchant.member()
    for member_id in (amended_of, right_of):
        merchant.adjust(member_id, 50)
    bought = merchant.buy(store, amended_of, lines=first)
    right = merchant.buy(store, right_of, lines=anew)
    merchant.now += timedelta(days=3)

    amended = amend(merchant, bought.purchase_id, *anew)

    assert (amended.points, amended.change, amended.shortfall) == (right.points, right.points - bought.points, 0)
    assert stood(merchant, amended_of) == stood(merchant, right_of)
    assert merchant.verdict().faults == ()
    merchant.refund(bought.purchase_id)
    merchant.refund(right.purchase_id)
    assert stood(merchant, amended_of) == stood(merchant, right_of)
    assert merchant.verdict().faults == ()


def test_points_that_were_spent_between_stay_spent_on_the_same_lot(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    members = merchant.member(), merchant.member()
    coffee = merchant.reward(cost=8)
    bought = merchant.buy(store, members[0], 1_000)
    merchant.redeem(members[0], coffee)
    merchant.buy(store, members[1], 2_000)
    merchant.redeem(members[1], coffee)

    amended = amend(merchant, bought.purchase_id, line(2_000))

    assert (amended.points, amended.change, amended.balance) == (20, 10, 12)
    assert stood(merchant, members[0]) == stood(merchant, members[1])


def test_what_an_amendment_cannot_find_is_tried_again_by_the_next_refund(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 2_000)
    merchant.redeem(member_id, merchant.reward(cost=18))

    amended = amend(merchant, bought.purchase_id, line(500), idempotency_key="a")
    again = amend(merchant, bought.purchase_id, line(500), idempotency_key="a")
    merchant.adjust(member_id, 100)
    refunded = merchant.refund(bought.purchase_id)

    assert (amended.points, amended.change, amended.shortfall, amended.balance) == (5, -2, 13, 0)
    assert again.replayed
    assert (refunded.points, refunded.shortfall, refunded.balance) == (18, 0, 82)
    assert merchant.verdict().faults == ()


def test_an_amendment_back_pays_first_what_the_last_one_could_not_take(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 2_000)
    merchant.redeem(member_id, merchant.reward(cost=18))
    amend(merchant, bought.purchase_id, line(500))

    back = amend(merchant, bought.purchase_id, line(2_000))

    # As rung up so at first: 20 were earned, 18 spent.
    assert (back.points, back.shortfall, back.balance) == (20, 0, 2)
    assert merchant.verdict().faults == ()


def test_an_amendment_after_a_refund_is_refused_and_a_guests_only_changes_its_lines(
    merchant: Merchant, store: Store
) -> None:
    merchant.program(PROGRAM)
    returned = merchant.buy(store, merchant.member(), 1_000)
    guest = merchant.buy(store, None, 1_000)
    merchant.refund(returned.purchase_id, AmountRefund(1))

    with pytest.raises(PurchaseAlreadyRefunded):
        amend(merchant, returned.purchase_id, line(500))
    amended = amend(merchant, guest.purchase_id, line(400), line(300))

    assert (amended.points, amended.member_id) == (0, None)
    found = merchant.read(lambda s: purchases.purchases_by_ids(s, purchase_ids=[guest.purchase_id]))[guest.purchase_id]
    assert (found.total_minor, found.amended_at) == (700, NOW)
    rows = merchant.read(lambda s: purchases.lines_by_purchases(s, purchase_ids=[guest.purchase_id]))
    assert [each.amount_minor for each in rows[guest.purchase_id]] == [400, 300]


# --- exchange ---


def test_an_exchange_is_a_return_and_a_sale_or_neither(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 1_000, 500)

    exchanged = exchange(merchant, bought.purchase_id, store, 1_700)
    again = exchange(merchant, bought.purchase_id, store, 1_700)

    assert (exchanged.refunded.points, exchanged.recorded.points, exchanged.recorded.balance) == (10, 17, 22)
    assert exchanged.recorded.member_id == member_id
    assert (again.replayed, again.recorded.purchase_id) == (True, exchanged.recorded.purchase_id)
    assert merchant.balance(member_id).available == 22
    changes = merchant.rows("SELECT kind, other_purchase_id FROM purchase_changes")
    assert changes == [{"kind": "exchange", "other_purchase_id": exchanged.recorded.purchase_id}]
    with pytest.raises(IdempotencyConflict):
        exchange(merchant, bought.purchase_id, store, 1_700, request_hash=b"2")
    before = stood(merchant, member_id)
    sale = merchant.purchase_command(store, None, 100, occurred_at=NOW + timedelta(days=9))
    with pytest.raises(DomainError):
        exchange(
            merchant,
            bought.purchase_id,
            store,
            idempotency_key="other",
            refund_external_id="other",
            returned=LineRefund((ReturnedLine(2, Decimal(1)),)),
            sale=sale,
        )
    assert stood(merchant, member_id) == before


# --- what is told ---


def test_what_used_the_points_is_told_and_what_nobody_has_needs_a_decision(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 3_000)
    at_gold = merchant.buy(store, member_id, 400)
    gift = merchant.redeem(member_id, merchant.reward(cost=25))

    refunded = merchant.refund(bought.purchase_id)

    assert (bought.to_tier, at_gold.points, refunded.points, refunded.shortfall) == ("gold", 8, 13, 17)
    assert refunded.to_tier == "base"
    assert [(use.kind, use.id, use.points) for use in refunded.consequences] == [
        (UseKind.REDEMPTION, gift.redemption_id, 25),
        (UseKind.PURCHASE, at_gold.purchase_id, 0),
    ]
    assert [(use.kind, use.id, use.points) for use in refunded.needs_decision] == [
        (UseKind.REDEMPTION, gift.redemption_id, 17)
    ]


# --- what everybody shares is locked in one order ---

EVERYBODYS = (Cap(1_000, CapPeriod.MONTH, owner=CapOwner.EVERYONE),)
SHARED = document_json(
    program(
        spend("bread", lines=under("bread"), caps=EVERYBODYS),
        spend("tea", lines=under("tea"), caps=EVERYBODYS),
    )
)


@pytest.mark.parametrize("is_exchange", [True, False])
def test_two_who_change_goods_the_other_way_round_do_not_wait_for_each_other(
    merchant: Merchant, store: Store, *, is_exchange: bool
) -> None:
    """Each gives back what the other takes: whoever locked what is freed before what is filled would wait for ever."""
    merchant.program(SHARED)
    members = merchant.member(), merchant.member()
    goods = line(1_000, "bread"), line(1_000, "tea")
    bought = [merchant.buy(store, who, lines=(what,)) for who, what in zip(members, goods, strict=True)]
    rounds = 12
    barrier = threading.Barrier(2)

    def change(who: int) -> None:
        has, purchase_id = who, bought[who].purchase_id
        for turn in range(rounds):
            barrier.wait()
            key, has = f"{who}-{turn}", 1 - has
            if is_exchange:
                exchanged = exchange(
                    merchant,
                    purchase_id,
                    store,
                    sale=merchant.purchase_command(store, None, lines=(goods[has],), external_id=f"sale-{key}"),
                    refund_external_id=f"return-{key}",
                    idempotency_key=key,
                )
                purchase_id = exchanged.recorded.purchase_id
            else:
                amend(merchant, purchase_id, goods[has], idempotency_key=key)

    def changing(who: int) -> None:
        try:
            change(who)
        except BaseException:
            # Or the other one would wait for a turn that never comes.
            barrier.abort()
            raise

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(changing, who) for who in range(2)]:
            done.result()

    used = merchant.rows("SELECT code, used FROM cap_fillings ORDER BY code")
    assert used == [{"code": "bread", "used": 10}, {"code": "tea", "used": 10}]
    assert [merchant.balance(who).available for who in members] == [10, 10]
    assert merchant.verdict().faults == ()


def test_what_happened_to_a_purchase_is_kept_and_void_and_claim_happen_once(merchant: Merchant, store: Store) -> None:
    merchant.program(PROGRAM)
    merchant.buy(store, None, 2_000, external_id="receipt")
    claimed = claim(merchant, store, merchant.member())
    again = repository.change_statement(
        purchase_id=claimed.purchase_id, kind="claim", reason=None, before={}, now=merchant.now
    )

    with pytest.raises(UniqueViolation):
        merchant.do(lambda uow: uow.fetch_pipeline([again]))
    with pytest.raises(InsufficientPrivilege):
        merchant.do(lambda uow: uow.execute("UPDATE purchase_changes SET reason = 'other'"))
    with pytest.raises(InsufficientPrivilege):
        merchant.do(lambda uow: uow.execute("DELETE FROM purchase_changes"))
    assert merchant.rows("SELECT kind FROM purchase_changes") == [{"kind": "claim"}]


@pytest.mark.parametrize("state", ["'applied', refund_id = NULL", "'refused', refusal = NULL", "'waiting'"])
def test_a_refund_that_waits_says_what_became_of_it(merchant: Merchant, state: str) -> None:
    merchant.program(SHARED)
    merchant.refund(PurchaseRef("till", "unknown"))
    change = f"UPDATE waiting_refunds SET settled_at = now(), state = {state}"

    with pytest.raises(CheckViolation):
        merchant.do(lambda uow: uow.execute(change.encode()))
