"""Rewards on their terms; redemptions that are held, confirmed, fulfilled, collected, canceled or left."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.budgets import queries as budget_queries
from services.loyalty.budgets.errors import BudgetClosed, BudgetExhausted
from services.loyalty.coupons import queries as coupon_queries
from services.loyalty.coupons import service as coupons
from services.loyalty.coupons.domain import CouponStatus, CreateCouponDefinition
from services.loyalty.expiry import tasks as expiry_tasks
from services.loyalty.ledger.errors import InsufficientPoints
from services.loyalty.members import service as members
from services.loyalty.members.domain import Identity, IdentityKind, TagMember
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.programs.domain import Expiry, Sliding, Span, TimeUnit, document_json
from services.loyalty.redemptions import queries, tasks
from services.loyalty.redemptions.domain import (
    CancelReason,
    Payment,
    RedemptionStatus,
    Whereabouts,
)
from services.loyalty.redemptions.errors import (
    PickupElsewhere,
    RedemptionEnded,
    RedemptionNeedsDecision,
    RedemptionNotFound,
    RedemptionUnpaid,
    RewardPriceChanged,
)
from services.loyalty.rewards import queries as reward_queries
from services.loyalty.rewards import service as rewards
from services.loyalty.rewards.domain import (
    LimitPeriod,
    Price,
    RewardKind,
    RewardLimit,
    RewardOrder,
    TierPrice,
)
from services.loyalty.rewards.errors import (
    RewardHasNoCodes,
    RewardLimitReached,
    RewardNotAvailable,
    RewardNotEligible,
    RewardOutOfStock,
)
from services.loyalty.stores.domain import Store
from services.platform.errands import run_due
from services.platform.errors import InvalidInput
from services.platform.idempotency.errors import IdempotencyConflict
from tests.integration.loyalty.conftest import Dump
from tests.integration.loyalty.test_coupons import TEN_OFF
from tests.integration.loyalty.test_refusals import refused
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.programs import program, spend, unit
from tests.support.builders.redeeming import (
    budget,
    cancel,
    codes_of,
    collect,
    confirm,
    fulfill,
    hold,
    import_codes,
    key,
    offer,
    rich,
    stock_of,
    stored,
)
from tests.support.state_hash import state

HOLD = timedelta(minutes=30)

STAGES = ("held", "confirmed", "fulfilled", "collected")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("is_sliding", [False, True])
def test_canceling_at_each_stage_is_as_if_it_had_never_been(
    merchant: Merchant, store: Store, stage: str, *, is_sliding: bool
) -> None:
    expiry = Expiry(sliding=Sliding(Span(6, TimeUnit.MONTH), ("purchase", "redemption")))
    units = (unit(expiry=expiry),) if is_sliding else (unit(),)
    merchant.program(document_json(program(spend(), units=units)))
    member_id = merchant.member()
    for _ in range(3):
        merchant.buy(store, member_id, 1_000)
        merchant.now += timedelta(days=10)
    paying = budget(merchant, points_max=1_000, units_max=10, money_max=9_000, currency="CNY")
    reward = offer(merchant, cost=6, stock=5, budget_id=paying.id, unit_cost_minor=350, currency="CNY", pack_size=2)
    before = merchant.read(state)

    held = hold(merchant, member_id, reward, quantity=4, pickup_store_id=store.id)
    redemption_id = held.redemption_id
    merchant.now += timedelta(minutes=5)
    if stage != "held":
        confirm(merchant, redemption_id)
    if stage in {"fulfilled", "collected"}:
        fulfill(merchant, redemption_id)
    if stage == "collected":
        collect(merchant, stored(merchant, redemption_id).pickup_code or "", store)
    between = merchant.read(state)
    whereabouts = Whereabouts.RETURNED if stage == "collected" else None
    canceled = cancel(merchant, redemption_id, whereabouts=whereabouts)

    assert (held.points, held.balance, canceled.points, canceled.balance) == (12, 18, 12, 30)
    assert between.hash != before.hash
    assert between.stock[reward.id] == 1
    assert between.budgets[paying.id] == ((12, 0, 4, 0, 1_400, 0) if stage == "held" else (0, 12, 0, 4, 0, 1_400))
    assert merchant.read(state) == before
    assert merchant.read(state).hash == before.hash
    assert stored(merchant, redemption_id).status is RedemptionStatus.CANCELED
    assert merchant.verdict().faults == ()
    with pytest.raises(RedemptionEnded):
        cancel(merchant, redemption_id, whereabouts=whereabouts)


def test_a_hold_that_nobody_confirms_gives_everything_back(merchant: Merchant, dump: Dump) -> None:
    merchant.program()
    paying = budget(merchant, units_max=1)
    member_id, reward = rich(merchant), offer(merchant, stock=1, budget_id=paying.id)
    before = merchant.read(state)
    held = hold(merchant, member_id, reward)
    assert (stock_of(merchant, reward), merchant.balance(member_id).held) == (0, 10)

    merchant.now = NOW + HOLD
    refused(
        lambda: confirm(merchant, held.redemption_id),
        dump,
        RedemptionEnded,
        redemption_id=held.redemption_id,
        status="timed_out",
    )
    errands = (*tasks.ERRANDS, *expiry_tasks.ERRANDS)
    ran = run_due(merchant.database, merchant.home, errands, now=merchant.now, until=10.0**12)

    assert ran.is_finished
    assert ran.done["time_out_redemptions"] == 1
    assert merchant.read(state) == before
    assert stored(merchant, held.redemption_id).status is RedemptionStatus.TIMED_OUT
    assert merchant.verdict().faults == ()
    assert run_due(merchant.database, merchant.home, errands, now=merchant.now, until=10.0**12).done == {}


def test_what_has_left_the_house_needs_a_decision(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program()
    paying = budget(merchant, points_max=100, units_max=10)
    member_id = rich(merchant)
    mug = offer(merchant, stock=5, budget_id=paying.id)
    shipped = merchant.redeem(member_id, mug).redemption_id
    fulfill(merchant, shipped, reference="SF1234")
    book = offer(merchant, "book", kind=RewardKind.VIRTUAL, cost=20)
    import_codes(merchant, book, "code\nA-1\nA-2\n")
    read = merchant.redeem(member_id, book).redemption_id

    facts = {"redemption_id": shipped, "effect": "goods"}
    refused(lambda: cancel(merchant, shipped), dump, RedemptionNeedsDecision, **facts)
    refused(lambda: cancel(merchant, read), dump, RedemptionNeedsDecision, redemption_id=read, effect="code")
    assert codes_of(merchant, read) == ("A-1",)
    cancel(merchant, shipped, whereabouts=Whereabouts.LOST, reason=CancelReason.OTHER, note="Never arrived")
    cancel(merchant, read, whereabouts=Whereabouts.RETURNED)

    assert merchant.balance(member_id).available == 100
    # What is lost was given away: its piece stays spent. A code that was seen goes to nobody else.
    assert stock_of(merchant, mug) == 4
    found = merchant.read(lambda session: budget_queries.budgets_by_ids(session, budget_ids=[paying.id]))[paying.id]
    assert (found.points.spent, found.units.spent) == (0, 1)
    assert stock_of(merchant, book) == 1
    again = merchant.redeem(member_id, book).redemption_id
    assert codes_of(merchant, again) == ("A-2",)
    with pytest.raises(RewardOutOfStock):
        merchant.redeem(member_id, book)


def test_a_thing_is_picked_up_with_a_code_at_its_store_once(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program()
    other = merchant.store("other")
    member_id, mug = rich(merchant), offer(merchant)
    waiting = merchant.redeem(member_id, mug, pickup_store_id=store.id).redemption_id
    at_counter = merchant.redeem(member_id, mug, store_id=store.id).redemption_id
    by_post = merchant.redeem(member_id, mug).redemption_id

    def queue(**asked: Any) -> list[UUID]:
        page = merchant.read(lambda session: queries.queue_page(session, limit=9, **asked))
        return [redemption.id for redemption in page]

    assert stored(merchant, at_counter).status is RedemptionStatus.COLLECTED
    assert queue() == [waiting, by_post]
    assert queue(store_id=store.id, status=RedemptionStatus.CONFIRMED) == [waiting]
    fulfill(merchant, waiting)
    assert queue(store_id=store.id, status=RedemptionStatus.FULFILLED) == [waiting]
    code = stored(merchant, waiting).pickup_code
    assert code is not None
    assert len(code) == 8
    refused(lambda: collect(merchant, code, other), dump, PickupElsewhere, store_id=store.id)
    refused(lambda: collect(merchant, "22222222", store), dump, RedemptionNotFound)
    again = key(merchant)
    done = collect(merchant, f" {code[:4].lower()}-{code[4:]} ", store, **again)
    replayed = collect(merchant, f" {code[:4].lower()}-{code[4:]} ", store, **again)
    assert (done.redemption_id, done.replayed, replayed.replayed) == (waiting, False, True)
    refused(lambda: collect(merchant, code, store), dump, RedemptionEnded, status="collected")
    fulfill(merchant, by_post, reference="SF1")
    refused(lambda: fulfill(merchant, by_post, reference="SF2"), dump, RedemptionEnded, status="fulfilled")
    assert queue() == []


def test_a_reward_that_costs_money_is_confirmed_by_what_the_till_took(merchant: Merchant, dump: Dump) -> None:
    merchant.program()
    member_id = rich(merchant)
    lamp = offer(merchant, "lamp", cost=50, money_minor=1_990, currency="CNY", tier_prices=())
    paid = Payment(1_990, "CNY", "T-1")
    held = hold(merchant, member_id, lamp)

    unpaid = {"needed_minor": 1_990, "paid_minor": 0, "currency": "CNY"}
    refused(lambda: merchant.redeem(member_id, lamp), dump, RedemptionUnpaid, **unpaid)
    refused(lambda: confirm(merchant, held.redemption_id), dump, RedemptionUnpaid, **unpaid)
    other = replace(paid, currency="USD")
    refused(lambda: confirm(merchant, held.redemption_id, payment=other), dump, RedemptionUnpaid)
    confirm(merchant, held.redemption_id, payment=paid)
    merchant.redeem(member_id, lamp, payment=paid)

    found = stored(merchant, held.redemption_id)
    assert (found.money_minor, found.currency, found.payment_reference, found.status) == (
        1_990,
        "CNY",
        "T-1",
        RedemptionStatus.CONFIRMED,
    )
    mug = offer(merchant)
    refused(lambda: merchant.redeem(member_id, mug, payment=paid), dump, RedemptionUnpaid)


def test_terms_say_who_may_have_it_where_when_and_how_often(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program(document_json(program(spend(), levels=(("base", "1"), ("gold", "1")))))
    member_id, golden = rich(merchant, 500), merchant.member()
    merchant.buy(store, golden, 100_000)
    other = merchant.store("other")
    for_gold = offer(merchant, "gold", tiers=("gold",))
    tagged = offer(merchant, "tagged", tags=("vip", "press"))
    here = offer(merchant, "here", stores=("main",))
    soon = offer(merchant, "soon", available_from=NOW + timedelta(days=1), available_until=NOW + timedelta(days=2))
    limits = (RewardLimit(LimitPeriod.DAY, 2), RewardLimit(LimitPeriod.MONTH, 3))
    few = offer(merchant, "few", cost=1, limits=limits)

    refused(lambda: merchant.redeem(member_id, for_gold), dump, RewardNotEligible, reason="tier")
    merchant.redeem(golden, for_gold)
    refused(lambda: merchant.redeem(member_id, tagged), dump, RewardNotEligible, reason="segment")
    merchant.do(lambda uow: members.tag_member(uow, command=TagMember(member_id, add=("press",))))
    merchant.redeem(member_id, tagged)
    refused(lambda: merchant.redeem(member_id, here), dump, RewardNotEligible, reason="store")
    refused(lambda: merchant.redeem(member_id, here, store_id=other.id), dump, RewardNotEligible, reason="store")
    merchant.redeem(member_id, here, store_id=store.id)
    merchant.redeem(member_id, here, store_id=other.id, pickup_store_id=store.id)
    refused(lambda: merchant.redeem(member_id, soon), dump, RewardNotAvailable, reward_id=soon.id)
    held = hold(merchant, member_id, few)
    merchant.redeem(member_id, few)
    reached = {"reward_id": few.id, "period": "day", "maximum": 2, "used": 2}
    refused(lambda: merchant.redeem(member_id, few), dump, RewardLimitReached, **reached)
    cancel(merchant, held.redemption_id)
    merchant.redeem(member_id, few)
    # The day ends at midnight in Shanghai.
    merchant.now = NOW + timedelta(hours=12, seconds=-1)
    refused(lambda: merchant.redeem(member_id, few), dump, RewardLimitReached, **reached)
    merchant.now = NOW + timedelta(hours=12)
    refused(
        lambda: merchant.redeem(member_id, few, quantity=2), dump, RewardLimitReached, period="month", maximum=3, used=2
    )
    merchant.redeem(member_id, few)
    merchant.now = NOW + timedelta(days=1)
    merchant.redeem(member_id, soon)
    merchant.now = NOW + timedelta(days=2)
    refused(lambda: merchant.redeem(member_id, soon), dump, RewardNotAvailable, available_until=merchant.now)


def test_the_price_of_a_tier_and_of_packs(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program(document_json(program(spend(), levels=(("base", "1"), ("gold", "1")))))
    member_id, golden = rich(merchant), merchant.member()
    merchant.buy(store, golden, 100_000)
    tea = offer(merchant, "tea", cost=10, stock=9, pack_size=3, tier_prices=(TierPrice("gold", Price(7)),))

    assert merchant.redeem(member_id, tea, quantity=4, expected_points=20).points == 20
    assert merchant.redeem(golden, tea, quantity=3, expected_points=7).points == 7
    changed = {"expected": 10, "actual": 7}
    refused(lambda: merchant.redeem(golden, tea, expected_points=10), dump, RewardPriceChanged, **changed)
    refused(lambda: merchant.redeem(golden, tea, quantity=3), dump, RewardOutOfStock)
    refused(lambda: merchant.redeem(golden, tea, quantity=0), dump, InvalidInput, field="quantity")
    assert stock_of(merchant, tea) == 2


def test_a_gift_is_paid_by_one_and_had_by_another(merchant: Merchant, dump: Dump) -> None:
    merchant.program()
    giver, friend = rich(merchant), merchant.member(Identity(IdentityKind.PHONE, "+8613800000000"))
    book = offer(merchant, "book", kind=RewardKind.VIRTUAL)
    import_codes(merchant, book, "B-1\nB-2")
    phone = Identity(IdentityKind.PHONE, "+8613800000000")

    given = merchant.redeem(giver, book, recipient=phone)

    found = stored(merchant, given.redemption_id)
    assert (found.member_id, found.recipient_id, found.owner_id) == (giver, friend, friend)
    assert merchant.balance(giver).available == 90
    page = merchant.read(lambda session: queries.redemptions_page(session, limit=9, member_id=friend))
    assert [redemption.id for redemption in page] == [given.redemption_id]
    nobody = Identity(IdentityKind.PHONE, "+8613900000000")
    refused(lambda: merchant.redeem(giver, book, recipient=nobody), dump, MemberNotFound)


def test_codes_come_from_a_file_and_are_counted_once(merchant: Merchant, dump: Dump) -> None:
    book, mug = offer(merchant, "book", kind=RewardKind.VIRTUAL, stock=7), offer(merchant)
    again = key(merchant)

    first = import_codes(merchant, book, '\ufeffCode,Note\nA-1,x\n"A,2",y\n\nA-1,z\n', **again)
    replayed = import_codes(merchant, book, '\ufeffCode,Note\nA-1,x\n"A,2",y\n\nA-1,z\n', **again)
    second = import_codes(merchant, book, "A-1\nA-3\n")

    assert (first.added, first.repeated, first.replayed) == (2, 1, False)
    assert replayed == replace(first, replayed=True)
    assert (second.added, second.repeated) == (1, 1)
    assert stock_of(merchant, book) == 3
    refused(lambda: import_codes(merchant, mug, "A-1"), dump, RewardHasNoCodes, reward_id=mug.id)
    # Who says that there are more than there are codes promises nothing: nobody pays for a code that is not there.
    merchant.program()
    member_id = rich(merchant)
    merchant.do(lambda uow: rewards.set_stock(uow, reward_id=book.id, stock=9))
    refused(lambda: merchant.redeem(member_id, book, quantity=4), dump, RewardOutOfStock, reward_id=book.id)
    refused(lambda: import_codes(merchant, book, "code\n"), dump, InvalidInput, field="csv")
    refused(lambda: import_codes(merchant, book, "A\x00"), dump, InvalidInput, field="csv")
    refused(
        lambda: import_codes(merchant, book, "A-9", **(again | {"request_hash": b"other"})), dump, IdempotencyConflict
    )


def test_keys_are_replayed_whatever_has_become_of_it(merchant: Merchant) -> None:
    merchant.program()
    member_id, mug = rich(merchant), offer(merchant, stock=1)
    holding, confirming, canceling = key(merchant), key(merchant), key(merchant)

    held = hold(merchant, member_id, mug, **holding)
    confirmed = confirm(merchant, held.redemption_id, **confirming)
    canceled = cancel(merchant, held.redemption_id, **canceling)

    assert hold(merchant, member_id, mug, **holding) == replace(held, replayed=True)
    assert confirm(merchant, held.redemption_id, **confirming) == replace(confirmed, replayed=True)
    assert cancel(merchant, held.redemption_id, **canceling) == replace(canceled, replayed=True)
    assert merchant.rows("SELECT count(*) AS entries FROM ledger_entries") == [{"entries": 4}]


def test_refusals_of_points_and_budgets_change_nothing(merchant: Merchant, dump: Dump) -> None:
    merchant.program()
    paying = budget(merchant, points_max=15, ends_at=NOW + timedelta(days=1))
    member_id, poor = rich(merchant), rich(merchant, 9)
    mug = offer(merchant, stock=5, budget_id=paying.id)

    refused(lambda: merchant.redeem(poor, mug), dump, InsufficientPoints, needed=10, available=9)
    held = hold(merchant, member_id, mug)
    full = {"budget_id": paying.id, "measure": "points", "has_holds": True}
    refused(lambda: merchant.redeem(member_id, mug), dump, BudgetExhausted, **full)
    refused(lambda: hold(merchant, member_id, mug), dump, BudgetExhausted, **full)
    cancel(merchant, held.redemption_id)
    merchant.redeem(member_id, mug)
    refused(lambda: hold(merchant, member_id, mug), dump, BudgetExhausted, **(full | {"has_holds": False}))
    merchant.now = NOW + timedelta(days=1)
    refused(lambda: merchant.redeem(member_id, mug), dump, BudgetClosed, budget_id=paying.id)


def test_the_catalogue_is_read_by_category_and_position(merchant: Merchant) -> None:
    offer(merchant, "b", category=("Kitchen", "Mugs"), position=2, images=("https://img.test/b.png",))
    offer(merchant, "a", category=("Kitchen",), position=2)
    offer(merchant, "c", category=("Kitchen", "Pans"), position=-1)
    offer(merchant, "d", category=("Garden",))

    def codes(**asked: Any) -> list[str]:
        page = merchant.read(lambda session: reward_queries.rewards_page(session, limit=9, **asked))
        return [reward.code for reward in page]

    assert codes() == ["a", "b", "c", "d"]
    assert codes(order=RewardOrder.POSITION) == ["c", "d", "a", "b"]
    assert codes(order=RewardOrder.POSITION, after_position=2, after_code="a") == ["b"]
    assert codes(category=("Kitchen",), order=RewardOrder.POSITION) == ["c", "a", "b"]
    assert codes(category=("Kitchen", "Mugs")) == ["b"]


def test_a_coupon_is_given_and_taken_back_unless_it_was_used(merchant: Merchant, dump: Dump) -> None:
    merchant.program()
    giver, friend = rich(merchant), merchant.member()
    defining = CreateCouponDefinition("three-off", TEN_OFF)
    definition = merchant.do(lambda uow: coupons.create_coupon_definition(uow, command=defining))
    reward = offer(merchant, "three", kind=RewardKind.COUPON, coupon_definition_id=definition.id)

    def given(redemption_id: UUID) -> list[tuple[UUID | None, CouponStatus]]:
        found = merchant.read(
            lambda session: coupon_queries.coupons_of_origins(session, kind="redemption", origin_ids=[redemption_id])
        )
        return [(coupon.member_id, coupon.status(merchant.now)) for coupon in found.get(redemption_id, ())]

    pair = merchant.redeem(giver, reward, quantity=2, recipient=friend).redemption_id
    held = hold(merchant, giver, reward).redemption_id
    assert given(pair) == [(friend, CouponStatus.AVAILABLE)] * 2
    assert given(held) == []
    confirm(merchant, held)
    assert given(held) == [(giver, CouponStatus.AVAILABLE)]
    assert stored(merchant, held).status is RedemptionStatus.FULFILLED
    cancel(merchant, pair)
    assert given(pair) == [(friend, CouponStatus.VOIDED)] * 2
    merchant.do(lambda uow: uow.execute("UPDATE coupons SET uses_spent = 1 WHERE origin_id = %(id)s", {"id": held}))
    refused(lambda: cancel(merchant, held), dump, RedemptionNeedsDecision, redemption_id=held, effect="coupon")
    cancel(merchant, held, whereabouts=Whereabouts.LOST)
    assert given(held) == [(giver, CouponStatus.USED)]
    assert merchant.balance(giver).available == 100
    archived = merchant.do(lambda uow: coupons.archive_coupon_definition(uow, definition_id=definition.id))
    assert archived is not None
    refused(lambda: merchant.redeem(giver, reward), dump, RewardNotAvailable, reward_id=reward.id)
