"""What time makes due of carts, coupons and redemptions: a row that cannot be settled keeps no other from its turn."""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from services.loyalty.activities import tasks as activities
from services.loyalty.checkout import tasks as carts
from services.loyalty.coupons import tasks as coupons
from services.loyalty.earning.domain import AmountRefund
from services.loyalty.programs.domain import document_json
from services.loyalty.purchases import tasks as purchases
from services.loyalty.purchases.domain import PurchaseRef
from services.loyalty.redemptions import tasks as redemptions
from services.loyalty.referrals.queries import codes_by_members
from services.loyalty.stores.domain import Store
from services.loyalty.tiers import tasks as tiers
from services.platform.errands import Errand, OneByOne, run_due
from services.platform.ids import new_id
from services.platform.telemetry.metrics import REGISTRY
from tests.integration.loyalty.test_tiers import program as tier_program
from tests.support.builders.activity_documents import activity_document, bonus
from tests.support.builders.deeds import enroll
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.programs import program, spend
from tests.support.builders.redeeming import hold, offer, rich
from tests.support.builders.till import Till, off, selling_program

FOREVER = 10.0**12
COUNT = 5
BATCH = 2

CARTS = "UPDATE carts SET held = '{\"points\": 0}' WHERE id = ANY(%(ids)s)"
"""What it keeps of caps is not there."""
COUPONS = """
UPDATE coupons SET uses_held = 0
WHERE id IN (SELECT coupon_id FROM coupon_uses WHERE owner_id = ANY(%(ids)s))"""
"""Counted as not held, so that releasing it would count below zero."""
REFUNDS = "UPDATE waiting_refunds SET recorded_at = '9999-12-31T00:00:00Z' WHERE id = ANY(%(ids)s)"
"""There is no day on which it would be given up."""
REFERRALS = "UPDATE referrals SET purchase_facts = '[1]' WHERE friend_id = ANY(%(ids)s)"
"""What rules may ask of a purchase is not in it."""
REDEMPTIONS = "UPDATE redemptions SET member_id = %(nobody)s WHERE id = ANY(%(ids)s)"


def hold_carts(merchant: Merchant, store: Store) -> list[UUID]:
    selling_program(merchant)
    till = Till(merchant, store)
    ids = []
    for _ in range(COUNT):
        member_id = merchant.member()
        coupon = till.give(member_id, till.coupon_kind(off(100)))
        cart = till.quote(member_id, 1_000, coupon_ids=(coupon,)).cart
        till.reserve(cart, minutes=20)
        ids.append(cart.id)
        merchant.now += timedelta(seconds=1)
    return ids


def hold_rewards(merchant: Merchant, _store: Store) -> list[UUID]:
    merchant.program()
    reward = offer(merchant, stock=COUNT)
    ids = []
    for _ in range(COUNT):
        ids.append(hold(merchant, rich(merchant), reward, minutes=20).redemption_id)
        merchant.now += timedelta(seconds=1)
    return ids


def refund_early(merchant: Merchant, _store: Store) -> list[UUID]:
    """Refunds of purchases that never come."""
    merchant.program(document_json(program(spend())))
    ids = []
    for number in range(COUNT):
        ids.append(merchant.refund(PurchaseRef("till", f"never-{number}"), AmountRefund(100)).refund_id)
        merchant.now += timedelta(seconds=1)
    return ids


def refer(merchant: Merchant, store: Store) -> list[UUID]:
    """Friends of one referrer who have bought."""
    merchant.program(activity_document(bonus("referral_purchased", 50)))
    referrer = enroll(merchant)
    code = merchant.read(lambda session: codes_by_members(session, member_ids=(referrer,)))[referrer]
    ids = []
    for _ in range(COUNT):
        ids.append(enroll(merchant, referral_code=code))
        merchant.buy(store, ids[-1], 1_000)
        merchant.now += timedelta(seconds=1)
    return ids


def of(name: str, errands: Sequence[Errand]) -> Errand:
    """An errand that reads few rows at once."""
    errand = next(each for each in errands if each.name == name)
    assert isinstance(errand.run, OneByOne)
    return dataclasses.replace(errand, run=dataclasses.replace(errand.run, batch=BATCH))


@pytest.mark.parametrize(
    ("errand", "begin", "spoil", "held"),
    [
        (
            of("release_carts", carts.ERRANDS),
            hold_carts,
            CARTS,
            "SELECT id FROM carts WHERE status = 'reserved' ORDER BY expires_at",
        ),
        (
            of("release_coupons", coupons.ERRANDS),
            hold_carts,
            COUPONS,
            "SELECT owner_id AS id FROM coupon_uses WHERE status = 'held' ORDER BY held_until",
        ),
        (
            of("time_out_redemptions", redemptions.ERRANDS),
            hold_rewards,
            REDEMPTIONS,
            "SELECT id FROM redemptions WHERE status = 'held' ORDER BY expires_at",
        ),
        (
            of("apply_waiting_refunds", purchases.ERRANDS),
            refund_early,
            REFUNDS,
            "SELECT id FROM waiting_refunds WHERE state = 'waiting' ORDER BY look_at",
        ),
        (
            of("referrals", activities.ERRANDS),
            refer,
            REFERRALS,
            "SELECT friend_id AS id FROM referrals WHERE judged_purchase_id IS NULL ORDER BY changed_at",
        ),
    ],
    ids=["carts", "coupons", "redemptions", "refunds", "referrals"],
)
def test_rows_that_fail_are_told_and_passed_over(
    merchant: Merchant,
    store: Store,
    errand: Errand,
    begin: Callable[[Merchant, Store], list[UUID]],
    spoil: str,
    held: str,
) -> None:
    """Of five the first two, which are all that is read at once, and the fourth."""
    ids = begin(merchant, store)
    bad = [ids[0], ids[1], ids[3]]
    merchant.do(lambda uow: uow.execute(spoil.encode(), {"ids": bad, "nobody": new_id()}))
    merchant.now = NOW + timedelta(days=100)
    before = failures(errand.name)

    for round_ in (1, 2):
        with capture_logs() as logs:
            ran = run_due(merchant.database, merchant.home, [errand], now=merchant.now, until=FOREVER)

        assert ran.is_finished
        assert [row["id"] for row in merchant.rows(held)] == bad
        told = [line for line in logs if line["event"] == "errand_row_failed"]
        assert [(line["errand"], line["row"]) for line in told] == [(errand.name, str(row)) for row in bad]
        assert len({line["correlation_id"] for line in told}) == 3
        # A merchant's operator is to hear of it until it is mended.
        assert [line["errands"] for line in logs if line["event"] == "errands_stuck"] == [[errand.name]]
        assert failures(errand.name) - before == round_ * 3


def failures(errand: str) -> float:
    labels: dict[str, Any] = {"task": errand}
    return REGISTRY.get_sample_value("regulars_errand_failures_total", labels) or 0.0


def test_a_member_whose_review_fails_keeps_nobody_else_in_a_tier(merchant: Merchant, store: Store) -> None:
    """Reviews are decided many at once, and one by one where that fails."""
    merchant.program(tier_program(downgrade="one"))
    member_ids = [merchant.member() for _ in range(3)]
    for member_id in member_ids:
        merchant.buy(store, member_id, 30_000)
    merchant.do(
        lambda uow: uow.execute(
            b"UPDATE member_tiers SET since = 'infinity' WHERE member_id = %(id)s", {"id": member_ids[0]}
        )
    )
    merchant.now = datetime(2027, 12, 31, 16, tzinfo=UTC)
    before = failures("review_tiers")

    with capture_logs() as logs:
        done = tiers.ERRANDS[0].run(merchant.database, merchant.home, merchant.now)

    told = [(line["event"], line.get("row")) for line in logs]
    assert told == [("tiers_one_by_one", None), ("errand_row_failed", str(member_ids[0]))]
    assert (done, failures("review_tiers") - before) == (2, 1)
    assert merchant.rows("SELECT member_id, tier_code FROM member_tiers ORDER BY member_id") == [
        {"member_id": member_id, "tier_code": code}
        for member_id, code in zip(member_ids, ["gold", "silver", "silver"], strict=True)
    ]
