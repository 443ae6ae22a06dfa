"""Buy and full return: as if the purchase had never been there."""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from uuid import UUID

import pytest

from services.loyalty.earning.domain import AmountRefund, FullRefund, LineRefund, RefundRequest, ReturnedLine
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.members.domain import Identity, IdentityKind
from services.loyalty.programs.domain import (
    Comparison,
    Expiry,
    Operator,
    OwingPolicy,
    Policies,
    Rolling,
    Span,
    TimeUnit,
    document_json,
)
from services.loyalty.purchases import queries as purchases
from services.loyalty.purchases.domain import BoughtLine, Purchase, PurchaseRef, RefundedPart, RefundedPurchase
from services.loyalty.stores.domain import Store
from tests.support.builders.documents import document, rule
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.programs import fixed, program, spend, unit


def line_refund(*quantities: tuple[int, str]) -> LineRefund:
    return LineRefund(tuple(ReturnedLine(position, Decimal(quantity)) for position, quantity in quantities))


def stored(merchant: Merchant, purchase_id: UUID) -> Purchase:
    return merchant.read(lambda session: purchases.purchases_by_ids(session, purchase_ids=[purchase_id]))[purchase_id]


def test_all_of_it(merchant: Merchant, store: Store) -> None:
    merchant.program(document(rules=[rule(cap=100)], levels=[("base", 0, "1"), ("gold", 15, "2")]))
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 1_000, 550)

    refunded = merchant.refund(bought.purchase_id, reason="wrong size")

    assert bought.to_tier == "gold"
    assert refunded == RefundedPurchase(
        refunded.refund_id, bought.purchase_id, member_id, 1_550, 15, 0, 0, "gold", "base", replayed=False
    )
    assert merchant.balance(member_id) == Balance(member_id, "points", earned=15, reversed=15)
    assert merchant.rows("SELECT used FROM cap_uses") == [{"used": 0}]
    assert merchant.rows("SELECT tier_code, points_earned, spend_minor FROM member_tiers") == [
        {"tier_code": "base", "points_earned": 0, "spend_minor": 0}
    ]
    assert merchant.rows("SELECT refunded_minor, points_taken_back, shortfall FROM purchases") == [
        {"refunded_minor": 1_550, "points_taken_back": 15, "shortfall": 0}
    ]
    parts = merchant.read(lambda session: purchases.parts_by_refunds(session, refund_ids=[refunded.refund_id]))
    assert parts[refunded.refund_id] == (
        RefundedPart(refunded.refund_id, 1, Decimal(1), 1_000),
        RefundedPart(refunded.refund_id, 2, Decimal(1), 550),
    )
    assert merchant.verdict().faults == ()


def test_by_line_and_by_amount_in_any_order_end_the_same(merchant: Merchant, store: Store) -> None:
    merchant.program(document(rules=[rule(per=70)]))
    steps: tuple[RefundRequest, ...] = (line_refund((1, "1.5")), AmountRefund(333), line_refund((2, "1")))
    bought_lines = (BoughtLine("a", Decimal(3), 1_000), BoughtLine("b", Decimal(1), 777))
    ends: set[tuple[int, int, int]] = set()

    for order in permutations(steps):
        member_id = merchant.member()
        bought = merchant.buy(store, member_id, lines=bought_lines)
        results = [merchant.refund(bought.purchase_id, step) for step in order]
        purchase = stored(merchant, bought.purchase_id)
        assert sum(result.points for result in results) == purchase.points_taken_back
        ends.add((purchase.refunded_minor, purchase.points_taken_back, merchant.balance(member_id).available))

    assert ends == {(1_610, 23, 2)}
    assert merchant.verdict().faults == ()


def test_spent_points_come_from_other_lots_and_what_is_missing_is_tried_again(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 2_000, 3_000)
    merchant.redeem(member_id, merchant.reward(cost=45))
    merchant.adjust(member_id, 3)

    first = merchant.refund(bought.purchase_id, line_refund((1, "1")))
    merchant.adjust(member_id, 50)
    second = merchant.refund(bought.purchase_id, FullRefund())

    assert (first.points, first.shortfall, first.balance) == (8, 12, 0)
    assert (second.points, second.shortfall, second.balance) == (42, 0, 8)
    assert merchant.balance(member_id) == Balance(
        member_id, "points", available=8, earned=50, spent=45, reversed=50, adjusted=53
    )
    assert merchant.verdict().faults == ()


def test_a_shortfall_that_stays(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 1_000)
    merchant.redeem(member_id, merchant.reward(cost=10))

    refunded = merchant.refund(bought.purchase_id)

    assert (refunded.points, refunded.shortfall, refunded.balance) == (0, 10, 0)
    assert merchant.rows("SELECT shortfall, entry_id FROM refunds") == [{"shortfall": 10, "entry_id": None}]
    letter = merchant.rows("SELECT payload FROM outbox WHERE type = 'PurchaseRefunded'")[0]["payload"]
    assert (letter["points"], letter["shortfall"], letter["refunded_minor"]) == (0, 10, 1_000)


def test_points_that_had_expired_are_not_taken_from_others(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 1_000)
    merchant.adjust(member_id, 7)
    merchant.do(
        lambda uow: uow.execute(
            "UPDATE ledger_lots SET expires_at = %(end)s WHERE origin_kind = 'purchase'",
            {"end": NOW + timedelta(days=1)},
        )
    )
    merchant.now = NOW + timedelta(days=2)

    refunded = merchant.refund(bought.purchase_id)

    assert (refunded.points, refunded.shortfall, refunded.balance) == (0, 0, 7)
    assert merchant.rows("SELECT points_taken_back, points_lapsed, shortfall FROM purchases") == [
        {"points_taken_back": 0, "points_lapsed": 10, "shortfall": 0}
    ]
    entries = merchant.read(lambda session: ledger.entries_page(session, holder_id=member_id, limit=9))
    assert [entry.kind.value for entry in entries] == ["expiry", "adjustment", "accrual"]
    assert entries[0].header.occurred_at == NOW + timedelta(days=1)
    assert merchant.verdict().faults == ()


def test_a_negative_line_that_comes_back_gives_points_again(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 1_000, 1_000, -500)

    first = merchant.refund(bought.purchase_id, line_refund((1, "1")))
    second = merchant.refund(bought.purchase_id, line_refund((3, "1")))
    last = merchant.refund(bought.purchase_id)

    assert bought.points == 15
    assert [(step.points, step.balance, step.refunded_minor) for step in (first, second, last)] == [
        (10, 5, 1_000),
        (-5, 10, -500),
        (10, 0, 1_000),
    ]
    assert merchant.balance(member_id) == Balance(member_id, "points", earned=15, reversed=15)
    assert merchant.verdict().faults == ()


def test_a_cap_has_room_again_on_the_day_of_the_purchase(merchant: Merchant, store: Store) -> None:
    merchant.program(document(rules=[rule(cap=20)]))
    member_id = merchant.member()
    first = merchant.buy(store, member_id, 1_500)
    clipped = merchant.buy(store, member_id, 1_500)
    merchant.now = NOW + timedelta(days=1)

    merchant.refund(first.purchase_id)
    late = merchant.buy(store, member_id, 3_000, occurred_at=NOW + timedelta(hours=1))

    assert (first.points, clipped.points, late.points) == (15, 5, 15)
    assert merchant.rows("SELECT used FROM cap_uses") == [{"used": 20}]


def test_a_guests_purchase_and_one_without_program_give_money_back_only(merchant: Merchant, store: Store) -> None:
    member_id = merchant.member()
    unprogrammed = merchant.buy(store, member_id, 1_000)
    merchant.program()
    guest = merchant.buy(store, None, 1_000, external_id="receipt-guest")

    results = [
        merchant.refund(unprogrammed.purchase_id),
        merchant.refund(PurchaseRef("till", "receipt-guest"), AmountRefund(400)),
    ]

    assert [(result.refunded_minor, result.points, result.member_id) for result in results] == [
        (1_000, 0, member_id),
        (400, 0, None),
    ]
    assert merchant.rows("SELECT refunded_minor, refunded_free_minor FROM purchases ORDER BY id") == [
        {"refunded_minor": 1_000, "refunded_free_minor": 0},
        {"refunded_minor": 400, "refunded_free_minor": 400},
    ]
    assert merchant.rows("SELECT * FROM ledger_entries") == []
    assert guest.member_id is None


def test_a_refund_told_again_is_answered_as_the_first_time(merchant: Merchant, store: Store) -> None:
    merchant.program()
    member_id = merchant.member(Identity(IdentityKind.CARD, "4711"))
    bought = merchant.buy(store, member_id, 1_000)
    command = merchant.refund_command(bought.purchase_id, AmountRefund(500), member=Identity(IdentityKind.CARD, "4711"))
    changes = {"external_id": command.external_id, "member": command.member}

    first = merchant.refund(bought.purchase_id, AmountRefund(500), **changes, idempotency_key="one")
    by_key = merchant.refund(
        bought.purchase_id, AmountRefund(500), **changes | {"request_hash": b"x"}, idempotency_key="two"
    )
    by_number = merchant.refund(bought.purchase_id, AmountRefund(500), **changes, idempotency_key="three")

    assert (first.replayed, by_key.replayed, by_number.replayed) == (False, True, True)
    assert {result.refund_id for result in (first, by_key, by_number)} == {first.refund_id}
    assert merchant.balance(member_id).available == 5


@pytest.mark.parametrize("parts", [1, 3, 7])
def test_splits_sum_to_the_whole(merchant: Merchant, store: Store, parts: int) -> None:
    merchant.program(document(rules=[rule(per=30), rule("bonus", points=7, per=1_000, mode="proportional")]))
    member_id = merchant.member()
    bought = merchant.buy(
        store, member_id, lines=(BoughtLine("a", Decimal(7 * 3), 1_999), BoughtLine("b", Decimal(1), 501))
    )

    taken = [merchant.refund(bought.purchase_id, AmountRefund(2_100 // parts)).points for _ in range(parts)]
    rest = merchant.refund(bought.purchase_id, FullRefund())

    assert sum(taken) + rest.points == bought.points
    assert sum(taken) == 85
    assert merchant.balance(member_id).available == 0


@pytest.mark.parametrize("lives_days", [None, 10, 400])
def test_points_that_come_back_after_what_was_owed_is_paid_back(
    merchant: Merchant, store: Store, lives_days: int | None
) -> None:
    expiry = Expiry() if lives_days is None else Expiry(rolling=Rolling(Span(lives_days, TimeUnit.DAY)))
    policies = Policies(owing=OwingPolicy.ALLOW, owed_points_max=100)
    merchant.program(document_json(program(spend(), units=(unit(expiry=expiry),), policies=policies)))
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 5_000, 5_000, -3_000)
    merchant.redeem(member_id, merchant.reward(cost=70))
    merchant.now += timedelta(days=20)

    taken = merchant.refund(bought.purchase_id, line_refund((1, "1")))
    merchant.adjust(member_id, 60)
    paid_back = merchant.balance(member_id)
    given = merchant.refund(bought.purchase_id, line_refund((3, "1")))

    assert (taken.points, taken.owed) == (50, 50)
    assert (paid_back.available, paid_back.owed) == (10, 0)
    # What was bought is worth 50: 70 were spent of those and of 60 given by hand.
    assert (given.points, given.balance) == (-30, 40)
    rest = merchant.refund(bought.purchase_id)
    there = merchant.balance(member_id)
    assert (rest.points, there.available, there.owed) == (50, 0, 10)
    assert merchant.verdict().faults == ()


@pytest.mark.parametrize("amounts", [(0,), (500, -500), (-100,)])
def test_a_returned_purchase_of_nothing_is_nobodys_first(
    merchant: Merchant, store: Store, amounts: tuple[int, ...]
) -> None:
    is_first = Comparison("order.isFirst", Operator.EQUAL, value=True)
    merchant.program(document_json(program(fixed("first", 50, when=is_first))))
    member_id = merchant.member()

    nothing = merchant.buy(store, member_id, *amounts)
    meanwhile = merchant.buy(store, member_id, 1_000)
    for purchase in (nothing, meanwhile):
        merchant.refund(purchase.purchase_id)
    first = merchant.buy(store, member_id, 1_000)
    second = merchant.buy(store, member_id, 1_000)

    assert [each.points for each in (nothing, meanwhile, first, second)] == [50, 0, 50, 0]
