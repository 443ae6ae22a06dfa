"""What is done with a cart is what was quoted, to the cent and the point; and a cart that is given up was never there.

Any carts, with lines below zero, discounts, delivery, coupons and points, are quoted, reserved, canceled, quoted again
and committed on a database, under programs with caps, tiers and either way to choose coupons.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.loyalty.budgets.domain import Budget
from services.loyalty.budgets.queries import budgets_by_ids
from services.loyalty.checkout.domain import PointsAsked
from services.loyalty.checkout.domain.commands import CheckoutQuote, CommittedCart
from services.loyalty.coupons.domain import Benefit, BenefitKind, CouponDefinition, Exclusivity, Scope
from services.loyalty.purchases.domain import BoughtLine, Told
from services.platform.db.engine import Database
from services.platform.tenancy.domain import Tenant
from tests.support.builders.merchant import Merchant
from tests.support.builders.spending import spending
from tests.support.builders.till import ALL, Till, off, paying, percent_off, selling_program
from tests.support.state_hash import state

TEA = ("food", "tea")
KINDS: dict[str, dict[str, Any]] = {
    "amount": {"benefit": off(350)},
    "percent": {"benefit": percent_off("12.5")},
    "percent of tea": {"benefit": percent_off("30"), "scope": Scope(categories=(TEA,))},
    "alone": {"benefit": percent_off("40"), "exclusivity": Exclusivity.ALL},
    "three for two": {"benefit": Benefit(BenefitKind.N_FOR_M, buy_units=3, pay_units=2)},
    "delivery": {"benefit": Benefit(BenefitKind.SHIPPING, percent=Decimal(50))},
}
CAPPED: dict[str, Any] = {"caps": [{"limit": 60, "per": "day"}]}
PROGRAMS: dict[str, dict[str, Any]] = {
    "plain": {"pay": paying()},
    "strict": {
        "pay": paying(pointsMin=50, stepPoints=7, percentMax=60),
        "rules": (spending(points=3, per=100, **CAPPED), spending("extra", points=1, per=30)),
        "policies": {"couponOrder": "best"},
        "exclusions": {"paying": {"field": "line.category", "op": "under", "value": [["food"]]}},
    },
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody brings to the till, with so many points, or as a guest."""

    points: int | None
    lines: tuple[BoughtLine, ...]
    discount_minor: int
    shipping_minor: int
    coupons: tuple[str, ...]
    paying: PointsAsked | None
    is_reserved: bool


@st.composite
def bought(draw: st.DrawFn) -> tuple[BoughtLine, ...]:
    """One to four lines, some of them below zero."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        amount = draw(st.integers(0, 9_000) | st.integers(0, 9_000) | st.integers(-400, -1))
        discount = draw(st.integers(0, max(0, amount))) if draw(st.integers(0, 3)) == 0 else 0
        category = draw(st.sampled_from([TEA, ("home",)]))
        made.append(BoughtLine(f"sku-{number}", Decimal(draw(st.integers(1, 6))), amount, discount, category))
    return tuple(made)


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    lines = draw(bought())
    total = sum(line.amount_minor - line.discount_minor for line in lines)
    asked = st.builds(PointsAsked, points=st.integers(0, 9_000)) | st.builds(
        PointsAsked, money_minor=st.integers(0, 99)
    )
    return Wish(
        points=draw(st.none() | st.integers(1, 12_000) | st.integers(1, 12_000)),
        lines=lines,
        discount_minor=draw(st.integers(0, max(0, total))) if draw(st.integers(0, 3)) == 0 else 0,
        shipping_minor=draw(st.sampled_from([0, 0, 801])),
        coupons=tuple(draw(st.lists(st.sampled_from(list(KINDS)), max_size=3))),
        paying=draw(st.none() | st.just(ALL) | st.just(ALL) | asked),
        is_reserved=draw(st.booleans()),
    )


class Counter:
    """A till with all kinds of coupons, which one budget pays."""

    def __init__(self, merchant: Merchant, program: dict[str, Any]) -> None:
        self.merchant = merchant
        self.till = Till(merchant, merchant.store())
        own = dict(program)
        selling_program(merchant, *own.pop("rules", ()), **own)
        self.budget: Budget = self.till.budget(money_max=10**9, units_max=10**6)
        self.kinds: dict[str, CouponDefinition] = {
            name: self.till.coupon_kind(budget_id=self.budget.id, **kind) for name, kind in KINDS.items()
        }

    def spent(self) -> tuple[int, int]:
        """Units and money of the budget that are spent."""
        found = self.merchant.read(lambda session: budgets_by_ids(session, budget_ids=[self.budget.id]))
        return found[self.budget.id].units.spent, found[self.budget.id].money.spent

    def check(self, wish: Wish) -> None:
        """Quote, reserve, cancel, quote again, reserve or not, commit."""
        merchant, till = self.merchant, self.till
        member_id = None
        if wish.points is not None:
            member_id = merchant.member()
            merchant.adjust(member_id, wish.points)
        coupons = tuple(till.give(member_id, self.kinds[name]) for name in wish.coupons if member_id is not None)
        asked: dict[str, Any] = {
            "lines": wish.lines,
            "discount_minor": wish.discount_minor,
            "told": Told(shipping_minor=wish.shipping_minor),
            "coupon_ids": coupons,
            "points": wish.paying if member_id is not None else None,
        }
        before = merchant.read(state)
        first = till.quote(member_id, **asked)
        assert merchant.read(state) == before, "a quote holds nothing"
        till.reserve(first.cart)
        till.cancel(first.cart)
        assert merchant.read(state).hash == before.hash

        quote, spent = till.quote(member_id, **asked), self.spent()
        assert (quote.weighed.priced, quote.earned) == (first.weighed.priced, first.earned)
        if wish.is_reserved:
            till.reserve(quote.cart)
        self.compare(quote, till.commit(quote.cart), spent)

    def compare(self, quote: CheckoutQuote, done: CommittedCart, spent: tuple[int, int]) -> None:
        """The answer, and what is stored, are what the quote said."""
        merchant, priced, earned = self.merchant, quote.weighed.priced, quote.earned
        assert (done.total_minor, done.due_minor) == (priced.receipt.total_minor, priced.due_minor)
        assert (done.points, done.value_minor) == (priced.payment.points, priced.payment.value_minor)
        assert (done.recorded.points, done.recorded.to_tier or earned.tier) == (earned.points, earned.tier_after)
        member_id = done.recorded.member_id
        if member_id is not None:
            balance = merchant.balance(member_id)
            assert (done.recorded.balance, balance.available, balance.held) == (
                quote.balance_after,
                quote.balance_after,
                0,
            )
        ids = {"id": done.recorded.purchase_id}
        stored = merchant.rows(
            "SELECT position, net_minor, points FROM purchase_lines WHERE purchase_id = %(id)s ORDER BY position", ids
        )
        assert [(row["position"], row["net_minor"], row["points"]) for row in stored] == [
            (line.position, line.net_minor, line.points) for line in earned.lines
        ]
        assert [line.net_minor for line in earned.lines] == [line.net_minor for line in priced.receipt.lines]
        used = self.used(done.cart_id)
        assert used == {one.offer_id: one.amount_minor for one in priced.lowered.applied}
        units, money = self.spent()
        assert (units - spent[0], money - spent[1]) == (len(used), sum(used.values()))

    def used(self, cart_id: UUID) -> dict[UUID, int]:
        """The coupons that a cart used, and what each took off."""
        rows = self.merchant.rows(
            "SELECT coupon_id, amount_minor FROM coupon_uses WHERE owner_id = %(id)s AND status = 'spent'",
            {"id": cart_id},
        )
        return {row["coupon_id"]: row["amount_minor"] for row in rows}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_commit_is_what_was_quoted_and_what_is_canceled_was_never_there(
    database: Database, tenant: Tenant, program: str
) -> None:
    counter = Counter(Merchant(database, tenant.home), PROGRAMS[program])

    @settings(max_examples=settings().max_examples // 3)
    @given(wishes())
    def law(wish: Wish) -> None:
        counter.check(wish)

    law()
