"""An amended purchase counts for tiers, and for who brought its buyer, as if it had been rung up right at first."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.actions import service as actions
from services.loyalty.actions.domain import ReportAction
from services.loyalty.earning.domain import AmountRefund
from services.loyalty.programs.domain import (
    Activation,
    EarnRule,
    Expiry,
    QualificationPeriod,
    Rolling,
    Span,
    Start,
    TierLevel,
    TierMetric,
    TierSet,
    TimeUnit,
    document_json,
)
from services.loyalty.purchases.domain import BoughtLine, RecordedPurchase
from services.loyalty.referrals.queries import codes_by_members
from services.loyalty.stores.domain import Store
from tests.integration.loyalty.test_tiers import review
from tests.support.builders.activity_documents import activity_document, bonus
from tests.support.builders.changes import amend, line, stood
from tests.support.builders.deeds import available, enroll, run_errands
from tests.support.builders.merchant import Merchant
from tests.support.builders.programs import NAME, program, spend, under, unit
from tests.support.state_hash import state

DAY = timedelta(days=1)
SHIPPED = Activation(action="order_shipped", within_days=400)
FRESH = spend("fresh", 2, 300, lines=under("fresh"))


def document(*rules: EarnRule, **own: Any) -> dict[str, Any]:
    """Base, silver at 15, gold at 30 points of a calendar year."""
    levels = tuple(
        TierLevel(code, NAME, threshold, Decimal(1)) for code, threshold in (("base", 0), ("silver", 15), ("gold", 30))
    )
    tiers = TierSet(
        TierMetric.POINTS_EARNED, levels, period=QualificationPeriod.CALENDAR, span=Span(12, TimeUnit.MONTH)
    )
    return document_json(program(*rules, tiers=tiers, units=(unit(**own),)))


def ship(merchant: Merchant, purchase_id: UUID, at: datetime | None = None) -> int:
    key = f"ship-{next(merchant.numbers)}"
    command = ReportAction("order_shipped", key, b"hash", purchase=purchase_id, occurred_at=at)
    return merchant.do(lambda uow: actions.report_action(uow, command=command)).points


def counted(merchant: Merchant, member_id: UUID) -> tuple[Any, ...]:
    """What a member has, and what counts from which day."""
    there = merchant.read(lambda session: state(session, member_ids=(member_id,)))
    return (*stood(merchant, member_id), sorted((key[1:], value) for key, value in there.amounts.items()))


def buy_both(
    merchant: Merchant,
    store: Store,
    members: tuple[UUID, UUID],
    first: tuple[BoughtLine, ...],
    anew: tuple[BoughtLine, ...],
) -> tuple[RecordedPurchase, RecordedPurchase]:
    """One who is rung up wrong, and one who is rung up right at first."""
    return merchant.buy(store, members[0], lines=first), merchant.buy(store, members[1], lines=anew)


AMENDMENTS = [
    ((line(2_000),), (line(1_200),)),
    ((line(1_200),), (line(2_000),)),
    ((line(2_000),), (line(2_000),)),
    ((line(1_000), line(700, "fresh")), (line(1_600, "fresh"), line(400))),
    ((line(3_500),), (line(99),)),
]


@pytest.mark.parametrize(("first", "anew"), AMENDMENTS)
@pytest.mark.parametrize("told_days", [0, 70])
def test_after_the_awaited_action(
    merchant: Merchant, store: Store, first: tuple[BoughtLine, ...], anew: tuple[BoughtLine, ...], told_days: int
) -> None:
    lasting = Expiry(rolling=Rolling(Span(400, TimeUnit.DAY), start=Start.ACTIVATION))
    merchant.program(document(spend(activation=SHIPPED), FRESH, expiry=lasting))
    merchant.now = datetime.fromisoformat("2026-12-01T04:00:00+00:00")
    members = merchant.member(), merchant.member()
    bought, right = buy_both(merchant, store, members, first, anew)
    # It is shipped in the old year or in the new one, and told of in the new one.
    merchant.now += 80 * DAY
    for purchase in (bought, right):
        ship(merchant, purchase.purchase_id, merchant.now - told_days * DAY)
    merchant.now += 5 * DAY

    amend(merchant, bought.purchase_id, *anew)

    assert counted(merchant, members[0]) == counted(merchant, members[1])
    assert merchant.verdict().faults == ()
    for purchase in (bought, right):
        merchant.refund(purchase.purchase_id)
    assert counted(merchant, members[0]) == counted(merchant, members[1])


@pytest.mark.parametrize(("first", "anew"), AMENDMENTS)
def test_before_the_awaited_action(
    merchant: Merchant, store: Store, first: tuple[BoughtLine, ...], anew: tuple[BoughtLine, ...]
) -> None:
    merchant.program(document(spend(activation=SHIPPED), FRESH))
    members = merchant.member(), merchant.member()
    bought, right = buy_both(merchant, store, members, first, anew)
    merchant.now += DAY

    amend(merchant, bought.purchase_id, *anew)

    merchant.now += DAY
    assert ship(merchant, bought.purchase_id) == ship(merchant, right.purchase_id)
    assert counted(merchant, members[0]) == counted(merchant, members[1])


@pytest.mark.parametrize(("first", "anew"), AMENDMENTS)
@pytest.mark.parametrize("days", [5, 40])
def test_points_that_became_spendable_in_the_next_year(
    merchant: Merchant, store: Store, first: tuple[BoughtLine, ...], anew: tuple[BoughtLine, ...], days: int
) -> None:
    merchant.program(document(spend(activation=Activation(after=Span(30, TimeUnit.DAY))), FRESH))
    merchant.now = datetime.fromisoformat("2026-12-10T04:00:00+00:00")
    members = merchant.member(), merchant.member()
    bought, _ = buy_both(merchant, store, members, first, anew)
    merchant.now += days * DAY

    amend(merchant, bought.purchase_id, *anew)

    merchant.now += 60 * DAY
    review(merchant)
    assert counted(merchant, members[0]) == counted(merchant, members[1])


# --- refunds while points wait ---


@pytest.mark.parametrize("share", [5, 10, 15])
def test_a_refund_takes_first_what_counts_for_no_tier_yet(merchant: Merchant, store: Store, share: int) -> None:
    merchant.program(document(spend(), spend("later", activation=SHIPPED)))
    member_id = merchant.member()
    bought = merchant.buy(store, member_id, 2_000)

    merchant.refund(bought.purchase_id, AmountRefund(share * 100))

    # Twenty can be spent and twenty wait: of those that wait twice the share is gone, and then of the others.
    there = points_and_tier(merchant, member_id)
    assert there == (20 - max(0, 2 * share - 20), max(0, 20 - 2 * share), 20 - max(0, 2 * share - 20))
    merchant.now += DAY
    ship(merchant, bought.purchase_id)
    assert points_and_tier(merchant, member_id) == (40 - 2 * share, 0, 40 - 2 * share)
    merchant.refund(bought.purchase_id)
    assert points_and_tier(merchant, member_id) == (0, 0, 0)
    assert merchant.verdict().faults == ()


def test_points_whose_action_did_not_come_are_not_counted_back(merchant: Merchant, store: Store) -> None:
    shipped = Activation(action="order_shipped", within_days=10)
    merchant.program(document(spend(), spend("later", activation=shipped)))
    member_id = merchant.member()
    merchant.adjust(member_id, 100)
    bought = merchant.buy(store, member_id, 2_000)
    merchant.now += 11 * DAY

    # Ten of each come back: those that were canceled have no effect, and nobody had counted them.
    merchant.refund(bought.purchase_id, AmountRefund(1_000))
    assert points_and_tier(merchant, member_id) == (120, 0, 20)
    merchant.refund(bought.purchase_id)
    assert points_and_tier(merchant, member_id) == (100, 0, 0)
    assert merchant.verdict().faults == ()


def points_and_tier(merchant: Merchant, member_id: UUID) -> tuple[int, int, int]:
    """Available, pending, and what counts for the tier."""
    balance = merchant.balance(member_id)
    (row,) = merchant.rows("SELECT points_earned FROM member_tiers WHERE member_id = %(id)s", {"id": member_id})
    return balance.available, balance.pending, row["points_earned"]


# --- who brought the buyer ---


def referred(merchant: Merchant) -> tuple[UUID, UUID]:
    """A referrer and the friend."""
    referrer = enroll(merchant)
    return referrer, enroll(merchant, referral_code=code_of(merchant, referrer))


def code_of(merchant: Merchant, member_id: UUID) -> str:
    return merchant.read(lambda session: codes_by_members(session, member_ids=(member_id,)))[member_id]


LARGE = {"field": "order.total", "op": "ge", "value": 1_000}


@pytest.mark.parametrize(
    ("first", "anew", "before", "after"),
    [(999, 1_000, 0, 50), (1_000, 999, 50, 0), (1_000, 2_000, 50, 50), (0, 1_000, 0, 50), (1_000, 0, 50, 0)],
)
def test_a_referral_is_worth_what_the_amended_purchase_is(
    merchant: Merchant, store: Store, first: int, anew: int, before: int, after: int
) -> None:
    merchant.program(activity_document(bonus("referral_purchased", 50, when=LARGE)))
    referrer, friend = referred(merchant)
    bought = merchant.buy(store, friend, first)
    run_errands(merchant)
    between = available(merchant, referrer)

    amend(merchant, bought.purchase_id, line(anew))
    run_errands(merchant)

    assert (between, available(merchant, referrer)) == (before, after)
    assert run_errands(merchant) == 0
    amend(merchant, bought.purchase_id, line(first))
    run_errands(merchant)
    assert available(merchant, referrer) == before
    merchant.refund(bought.purchase_id)
    run_errands(merchant)
    assert available(merchant, referrer) == 0
    assert merchant.verdict().faults == ()


@pytest.mark.parametrize(
    "caps", [(), ({"limit": 50, "per": "month"},), ({"limit": 1, "per": "month", "measure": "times"},)]
)
def test_a_friend_who_buys_and_returns_again_and_again_brings_points_once(
    merchant: Merchant, store: Store, caps: tuple[dict[str, Any], ...]
) -> None:
    merchant.program(activity_document(bonus("referral_purchased", 50, caps=list(caps))))
    referrer, friend = referred(merchant)
    coffee = merchant.reward(cost=50)
    bought = merchant.buy(store, friend, 2_000)
    run_errands(merchant)
    merchant.redeem(referrer, coffee)

    for _ in range(3):
        merchant.refund(bought.purchase_id)
        run_errands(merchant)
        assert available(merchant, referrer) == 0
        bought = merchant.buy(store, friend, 2_000)
        run_errands(merchant)

    assert available(merchant, referrer) == 0
    # Another friend is worth something where the cap has room: what is kept has its part of it.
    other = enroll(merchant, referral_code=code_of(merchant, referrer))
    merchant.buy(store, other, 2_000)
    run_errands(merchant)
    assert available(merchant, referrer) == (0 if caps else 50)
    assert merchant.verdict().faults == ()
