"""No effect of a purchase can be forgotten: whatever it writes is undone by an effect's inverse or stays as history."""

from datetime import timedelta
from uuid import UUID

from services.loyalty.activities import service as activities
from services.loyalty.checkout.domain import PointsAsked
from services.loyalty.members.domain import EnrollMember, Identity, IdentityKind
from services.loyalty.programs.domain import (
    Cap,
    CapMeasure,
    CapPeriod,
    Expiry,
    PayWithPoints,
    Policies,
    Sliding,
    Span,
    TimeUnit,
    Trigger,
    document_json,
)
from services.loyalty.purchases.domain.effects import HISTORIES, EffectKind
from services.loyalty.purchases.service.effects import EFFECTS
from services.loyalty.referrals import service as referrals
from services.loyalty.stores.domain import Store
from tests.integration.loyalty.conftest import Dump
from tests.support.builders.merchant import Merchant
from tests.support.builders.programs import fixed, program, spend, unit
from tests.support.builders.till import Till, off
from tests.support.state_hash import state

EVERYTHING = program(
    spend(caps=(Cap(500, CapPeriod.DAY), Cap(2, CapPeriod.MONTH, measure=CapMeasure.TIMES))),
    spend("stars", unit="stars", per=500),
    fixed("friend", 50, trigger=Trigger.REFERRAL_PURCHASED),
    levels=(("base", "1"),),
    policies=Policies(pay_with_points=PayWithPoints(is_allowed=True)),
    units=(
        unit(expiry=Expiry(sliding=Sliding(Span(6, TimeUnit.MONTH), ("purchase",)))),
        unit("stars"),
    ),
)


def test_every_kind_of_effect_has_an_inverse() -> None:
    assert set(EFFECTS) == set(EffectKind)
    assert all(effect.tables for effect in EFFECTS.values())


def test_every_table_that_a_purchase_writes_is_undone_or_history(merchant: Merchant, store: Store, dump: Dump) -> None:
    merchant.program(document_json(EVERYTHING))
    friend_id = referred(merchant)
    before = dump()

    merchant.buy(store, friend_id, 90_000)
    merchant.now += timedelta(days=1)
    merchant.buy(store, friend_id, 90_000)
    written = changed(before, dump())
    till = Till(merchant, store)
    coupon = till.give(friend_id, till.coupon_kind(off(100), budget_id=till.budget(units_max=1).id))
    before = dump()
    till.commit(till.quote(friend_id, 1_000, coupon_ids=(coupon,), points=PointsAsked(points=10)).cart)
    written |= changed(before, dump())

    undone = frozenset().union(*(effect.tables for effect in EFFECTS.values()))
    assert written - undone - HISTORIES == set()
    assert {
        "ledger_lots",
        "cap_uses",
        "cap_fillings",
        "member_tiers",
        "tier_amounts",
        "referrals",
        "ledger_activities",
        "coupons",
        "budgets",
        "purchase_settlements",
    } <= written


def test_what_does_everything_was_never_there_once_it_came_back(merchant: Merchant, store: Store) -> None:
    merchant.program(document_json(EVERYTHING))
    friend_id = referred(merchant)
    merchant.buy(store, friend_id, 1_000)
    before = merchant.read(state)

    bought = merchant.buy(store, friend_id, 90_000)
    between = merchant.read(state)
    merchant.refund(bought.purchase_id)

    assert between.hash != before.hash
    assert merchant.read(state) == before
    assert merchant.read(state).hash == before.hash
    assert merchant.verdict().faults == ()


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The tables that changed, by their names without a schema."""
    return {name.partition(".")[2] for name, digest in after.items() if before[name] != digest}


def referred(merchant: Merchant) -> UUID:
    """A member who came by another's code, and has not bought yet."""
    referrer_id = merchant.member()
    code = merchant.do(lambda uow: referrals.ensure_code(uow, member_id=referrer_id))
    command = EnrollMember((Identity(IdentityKind.CARD, "friend"),), "en", "friend", b"1", referral_code=code)
    return merchant.do(lambda uow: activities.enroll_member(uow, command=command)).member_id
