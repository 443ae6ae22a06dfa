"""A refund that is told of before its purchase waits for it, and is refused where it cannot be."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.loyalty.earning.domain import AmountRefund, LineRefund, ReturnedLine
from services.loyalty.members.domain import Identity, IdentityKind
from services.loyalty.programs.domain import EarlyRefundPolicy, Policies, document_json
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases import tasks
from services.loyalty.purchases.domain import PurchaseRef
from services.loyalty.purchases.errors import PurchaseNotFound, RefundByAnotherMember, RefundConflict
from services.loyalty.stores.domain import Store
from services.platform.errands import Errand
from tests.support.builders.deeds import next_due
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.programs import program, spend

REF = PurchaseRef("till", "receipt")


def open_program(merchant: Merchant, policy: EarlyRefundPolicy = EarlyRefundPolicy.WAIT) -> None:
    merchant.program(document_json(program(spend(), policies=Policies(early_refund=policy))))


def waiting(merchant: Merchant) -> list[dict[str, Any]]:
    return merchant.rows("SELECT state, refusal FROM waiting_refunds ORDER BY id")


def test_it_is_applied_with_the_purchase(merchant: Merchant, store: Store) -> None:
    open_program(merchant)
    member_id = merchant.member(Identity(IdentityKind.CARD, "4711"))
    changes = {"external_id": "return", "member": Identity(IdentityKind.CARD, "4711")}

    early = merchant.refund(REF, AmountRefund(300), **changes, idempotency_key="one")
    by_key = merchant.refund(
        REF, AmountRefund(300), **changes, idempotency_key="one", request_hash=early_hash(merchant)
    )
    by_number = merchant.refund(REF, AmountRefund(300), **changes, idempotency_key="two")
    merchant.now += timedelta(hours=1)
    bought = merchant.buy(store, member_id, 1_000, external_id="receipt", occurred_at=NOW)
    late = merchant.refund(REF, AmountRefund(300), **changes, idempotency_key="three")

    assert (early.is_waiting, early.purchase_id, early.points, early.replayed) == (True, None, 0, False)
    assert (by_key.replayed, by_number.replayed, by_number.refund_id) == (True, True, early.refund_id)
    assert (bought.points, merchant.balance(member_id).available) == (10, 7)
    assert (late.replayed, late.refund_id, late.points, late.is_waiting) == (True, early.refund_id, 3, False)
    assert waiting(merchant) == [{"state": "applied", "refusal": None}]
    assert merchant.rows("SELECT id, occurred_at, recorded_at FROM refunds") == [
        {"id": early.refund_id, "occurred_at": NOW, "recorded_at": NOW + timedelta(hours=1)}
    ]
    assert merchant.verdict().faults == ()


def early_hash(merchant: Merchant) -> bytes:
    """The hash under which the first call was stored."""
    found: bytes = merchant.rows("SELECT request_hash FROM idempotency_keys WHERE key = 'one'")[0]["request_hash"]
    return found


def test_what_its_purchase_cannot_bear_is_refused_and_the_purchase_stands(merchant: Merchant, store: Store) -> None:
    open_program(merchant)
    member_id, other = merchant.member(), merchant.member()
    merchant.refund(REF, AmountRefund(1_001))
    merchant.refund(REF, LineRefund((ReturnedLine(7, Decimal(1)),)))
    merchant.refund(REF, member=other)
    merchant.refund(REF, AmountRefund(400))

    bought = merchant.buy(store, member_id, 1_000, external_id="receipt")

    assert (bought.points, merchant.balance(member_id).available) == (10, 6)
    assert waiting(merchant) == [
        {"state": "refused", "refusal": "REFUND_EXCEEDS_PURCHASE"},
        {"state": "refused", "refusal": "REFUND_LINE_UNKNOWN"},
        {"state": "refused", "refusal": "REFUND_BY_ANOTHER_MEMBER"},
        {"state": "applied", "refusal": None},
    ]


def test_our_own_clock_refuses_nothing(merchant: Merchant, store: Store) -> None:
    """A till that tells no times returns goods, and rings them up a quarter of an hour later."""
    open_program(merchant)
    member_id = merchant.member()
    merchant.refund(REF, AmountRefund(300))
    merchant.now += timedelta(minutes=15)

    merchant.buy(store, member_id, 1_000, external_id="receipt")

    assert waiting(merchant) == [{"state": "applied", "refusal": None}]
    assert merchant.balance(member_id).available == 7


def test_by_policy_it_is_refused_at_once(merchant: Merchant, store: Store) -> None:
    open_program(merchant, EarlyRefundPolicy.REFUSE)

    with pytest.raises(PurchaseNotFound):
        merchant.refund(REF)

    assert waiting(merchant) == []


def test_another_refund_under_its_number_is_a_conflict(merchant: Merchant, store: Store) -> None:
    open_program(merchant)
    member_id = merchant.member()
    merchant.refund(REF, AmountRefund(300), external_id="return")
    known = merchant.buy(store, member_id, 1_000)
    merchant.refund(known.purchase_id, AmountRefund(1), external_id="done")

    with pytest.raises(RefundConflict):
        merchant.refund(REF, AmountRefund(301), external_id="return")
    with pytest.raises(RefundConflict):
        merchant.refund(REF, AmountRefund(1), external_id="done")
    with pytest.raises(RefundByAnotherMember):
        merchant.refund(known.purchase_id, AmountRefund(1), member=merchant.member())


def test_one_of_a_batch_and_a_guests(merchant: Merchant, store: Store) -> None:
    open_program(merchant)
    member_id = merchant.member()
    merchant.refund(REF)
    merchant.refund(PurchaseRef("till", "guest"), AmountRefund(100))
    commands = [
        merchant.purchase_command(store, member_id, 500),
        merchant.purchase_command(store, member_id, 700, external_id="receipt"),
        merchant.purchase_command(store, None, 900, external_id="guest"),
    ]

    merchant.do(lambda uow: purchases.record_purchases(uow, commands=commands, is_last=True))

    assert merchant.balance(member_id).available == 5
    rows = merchant.rows("SELECT refunded_minor FROM purchases ORDER BY total_minor")
    assert [row["refunded_minor"] for row in rows] == [0, 700, 100]
    assert merchant.verdict().faults == ()


def test_one_that_its_purchase_did_not_see_is_found_by_the_errand(merchant: Merchant, store: Store) -> None:
    """As when both are under way at one moment: neither has seen the other."""
    open_program(merchant)
    member_id = merchant.member()
    merchant.refund(REF, AmountRefund(300))
    merchant.do(lambda uow: uow.execute("UPDATE waiting_refunds SET purchase_external_id = 'elsewhere'"))
    merchant.buy(store, member_id, 1_000, external_id="receipt")
    merchant.do(lambda uow: uow.execute("UPDATE waiting_refunds SET purchase_external_id = 'receipt'"))
    (errand,) = tasks.ERRANDS

    due = next_due(merchant, errand)
    assert run(errand, merchant) == 0
    merchant.now += timedelta(minutes=1)
    done = run(errand, merchant)

    assert (due, done) == (NOW + timedelta(minutes=1), 1)
    assert (run(errand, merchant), next_due(merchant, errand)) == (0, None)
    assert merchant.balance(member_id).available == 7


@pytest.mark.parametrize(("backdating_days", "waits_days"), [(30, 90), (200, 200)])
def test_one_whose_purchase_never_comes_is_let_go(
    merchant: Merchant, store: Store, backdating_days: int, waits_days: int
) -> None:
    merchant.program(document_json(program(spend(), policies=Policies(backdating_days=backdating_days))))
    (errand,) = tasks.ERRANDS
    merchant.refund(REF, AmountRefund(300))
    merchant.refund(PurchaseRef("till", "other"), AmountRefund(300))
    merchant.now += timedelta(hours=1)

    assert (run(errand, merchant), run(errand, merchant)) == (2, 0)
    assert next_due(merchant, errand) == NOW + timedelta(hours=2)
    merchant.now = NOW + timedelta(days=waits_days, microseconds=-1)
    assert (run(errand, merchant), run(errand, merchant)) == (2, 0)
    assert next_due(merchant, errand) == NOW + timedelta(days=waits_days)
    bought = merchant.buy(store, merchant.member(), 1_000, external_id="other")
    merchant.now = NOW + timedelta(days=waits_days)
    assert (run(errand, merchant), next_due(merchant, errand)) == (1, None)

    assert waiting(merchant) == [
        {"state": "refused", "refusal": "PURCHASE_NOT_FOUND"},
        {"state": "applied", "refusal": None},
    ]
    assert bought.member_id is not None
    assert merchant.balance(bought.member_id).available == 7


def run(errand: Errand, merchant: Merchant) -> int:
    return errand.run(merchant.database, merchant.home, merchant.now)


def test_the_policy_of_today_decides(merchant: Merchant, store: Store) -> None:
    open_program(merchant, EarlyRefundPolicy.REFUSE)
    open_program(merchant)

    assert merchant.refund(REF).is_waiting
