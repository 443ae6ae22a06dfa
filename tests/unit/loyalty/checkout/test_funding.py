"""Coupons that budgets pay for: what counts is paid for, and few looks find it."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from services.loyalty.budgets.domain import Amount, Budget, BudgetContent
from services.loyalty.checkout.domain import AskedCart, funding
from services.loyalty.checkout.domain.weighing import Met, Weighed, weigh
from services.loyalty.coupons.domain import Benefit, BenefitKind, CouponContent, Offer, Reason
from services.loyalty.purchases.domain import BoughtLine

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PRICE = 10_000
CART = AskedCart(None, UUID(int=1), "CNY", (BoughtLine("latte", Decimal(1), PRICE, 0, (), None, None, 0),))


def budget(number: int, money_max: int) -> Budget:
    content = BudgetContent("Budget", "预算", money_max=money_max, currency="CNY")
    return Budget(UUID(int=number), f"b{number}", 1, content, Amount(), Amount(), Amount(money_max), NOW)


def offer(number: int, percent: str, budget_id: UUID) -> Offer:
    benefit = Benefit(BenefitKind.PERCENT, percent=Decimal(percent))
    content = CouponContent("Coupon", "优惠券", benefit, category=f"c{number:02}", budget_id=budget_id)
    return Offer(UUID(int=100 + number), UUID(int=200 + number), UUID(int=300 + number), content)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many coupons each weighing looked at."""
    found: list[int] = []

    def noted(asked: AskedCart, met: Met) -> Weighed:
        found.append(len(met.offers))
        return weigh(asked, met)

    monkeypatch.setattr(funding, "weigh", noted)
    return found


def test_of_many_coupons_none_of_which_is_paid_for_first_all_are_refused_in_five_looks(looks: list[int]) -> None:
    """Each has a budget that could pay for it after another one, and whoever comes first is not paid for."""
    budgets = {each.id: each for each in (budget(number, PRICE * 95 // 1_000) for number in range(12))}
    offers = [offer(number, "10", budget_id) for number, budget_id in enumerate(budgets)]

    weighed = funding.weigh_funded(CART, Met(None, None, None, 0, offers, []), budgets, at=NOW)

    assert (looks, weighed.used) == ([12, 11, 10, 9, 0], ())


def test_two_coupons_of_one_budget_are_paid_for_in_their_order(looks: list[int]) -> None:
    paying = budget(1, 1_500)
    offers = [offer(1, "10", paying.id), offer(2, "10", paying.id)]

    weighed = funding.weigh_funded(CART, Met(None, None, None, 0, offers, []), {paying.id: paying}, at=NOW)

    refused = weighed.priced.lowered.discounting.refused
    assert [(one.offer_id, one.reason) for one in refused] == [(offers[1].id, Reason.BUDGET_EXHAUSTED)]
    assert (weighed.priced.total_minor, looks) == (9_000, [2, 1])
