"""A till at the checkout: quotes, reserves, commits and cancels carts of a merchant, each in a unit of its own."""

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.loyalty.budgets import service as budgets
from services.loyalty.budgets.domain import Budget, BudgetContent, CreateBudget
from services.loyalty.budgets.queries import budgets_by_ids
from services.loyalty.checkout import service as checkout
from services.loyalty.checkout.domain import AskedCart, PointsAsked, QuotedCart, cart_json, parse_cart
from services.loyalty.checkout.domain.commands import (
    CancelCart,
    CanceledCart,
    CheckoutQuote,
    CommitCart,
    CommittedCart,
    ReserveCart,
    ReservedCart,
    SettledOffline,
    SettleOfflinePurchase,
)
from services.loyalty.coupons import service as coupons
from services.loyalty.coupons.domain import (
    Benefit,
    BenefitKind,
    CouponContent,
    CouponDefinition,
    CreateCouponDefinition,
    Grant,
)
from services.loyalty.coupons.queries import coupons_by_ids
from services.loyalty.ledger.domain import Reference
from services.loyalty.members.domain import MemberRef
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.stores.domain import Store
from services.platform.idempotency.service import request_hash
from services.platform.ids import new_id
from tests.support.builders.merchant import Merchant, lines
from tests.support.builders.spending import spending, spending_document

ALL = PointsAsked()
"""As many points as may be paid."""


@dataclass
class Till:
    """The till of one store. ``tokens`` are those that refusals brought."""

    merchant: Merchant
    store: Store
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def quote(self, member: MemberRef | None, *amounts: int, **changes: Any) -> CheckoutQuote:
        """Quote one piece for each amount in minor units, or ``lines``."""
        values: dict[str, Any] = {
            "member": member,
            "store_id": self.store.id,
            "currency": self.store.currency,
            "lines": lines(*amounts),
        }
        asked = AskedCart(**(values | changes))
        return self.merchant.read(lambda session: checkout.quote_cart(session, asked=asked))

    def commit_command(self, cart: QuotedCart, **changes: Any) -> CommitCart:
        number = next(self.numbers)
        values: dict[str, Any] = {
            "cart": parse_cart(cart_json(cart)),
            "source": "till",
            "external_id": f"sale-{number}",
            "idempotency_key": f"commit-{number}",
            "request_hash": request_hash({"number": number}),
            "seal": lambda anew: f"token of {anew.id}",
        }
        return CommitCart(**(values | changes))

    def commit(self, cart: QuotedCart, **changes: Any) -> CommittedCart:
        command = self.commit_command(cart, **changes)
        return self.merchant.do(lambda uow: checkout.commit_cart(uow, command=command, is_last=True))

    def reserve(self, cart: QuotedCart, **changes: Any) -> ReservedCart:
        number = next(self.numbers)
        values: dict[str, Any] = {
            "cart": cart,
            "idempotency_key": f"reserve-{number}",
            "request_hash": request_hash({"number": number}),
            "seal": lambda anew: f"token of {anew.id}",
        }
        command = ReserveCart(**(values | changes))
        return self.merchant.do(lambda uow: checkout.reserve_cart(uow, command=command))

    def cancel(self, cart: QuotedCart, **changes: Any) -> CanceledCart:
        number = next(self.numbers)
        values: dict[str, Any] = {
            "cart": cart,
            "idempotency_key": f"cancel-{number}",
            "request_hash": request_hash({"number": number}),
        }
        command = CancelCart(**(values | changes))
        return self.merchant.do(lambda uow: checkout.cancel_cart(uow, command=command))

    def offline_command(self, member: MemberRef | None, *amounts: int, **changes: Any) -> SettleOfflinePurchase:
        """A sale of one piece for each amount, closed by a till that was offline."""
        own = {name: changes.pop(name) for name in ("coupons", "points", "value_minor") if name in changes}
        record = self.merchant.purchase_command(self.store, member, *amounts, **changes)
        return SettleOfflinePurchase(record, **own)

    def offline(self, command: SettleOfflinePurchase) -> SettledOffline:
        return self.merchant.do(lambda uow: checkout.settle_offline_purchase(uow, command=command))

    def coupon_kind(self, benefit: Benefit, *, shared_code: str | None = None, **changes: Any) -> CouponDefinition:
        """Offer a kind of coupon in the store's currency."""
        number = next(self.numbers)
        uses_max = changes.pop("uses_max", None)
        values: dict[str, Any] = {"name_en": "Coupon", "name_zh": "优惠券", "currency": self.store.currency}
        content = CouponContent(benefit=benefit, **(values | changes))
        command = CreateCouponDefinition(f"coupon-{number}", content, uses_max=uses_max, shared_code=shared_code)
        return self.merchant.do(lambda uow: coupons.create_coupon_definition(uow, command=command))

    def give(self, member_id: UUID, definition: CouponDefinition) -> UUID:
        """Give a member one coupon of a kind."""
        grant = Grant(definition, member_id, ZoneInfo("Asia/Shanghai"), Reference("gift", new_id()))
        self.merchant.do(lambda uow: uow.fetch_pipeline(coupons.assign_statements(uow, grants=[grant])))
        return grant.id

    def uses_of(self, coupon_id: UUID) -> tuple[int, int]:
        """How often a coupon is held, and was used."""
        coupon = self.merchant.read(lambda session: coupons_by_ids(session, coupon_ids=[coupon_id]))[coupon_id]
        return coupon.uses_held, coupon.uses_spent

    def budget(self, **changes: Any) -> Budget:
        number = next(self.numbers)
        content = BudgetContent(**({"name_en": "Budget", "name_zh": "预算", "currency": self.store.currency} | changes))
        command = CreateBudget(f"budget-{number}", content)
        return self.merchant.do(lambda uow: budgets.create_budget(uow, command=command))

    def spent_of(self, budget: Budget) -> tuple[int, int, int, int]:
        """Units and money of a budget that are held, and that are spent: units held and spent, money held and spent."""
        found = self.merchant.read(lambda session: budgets_by_ids(session, budget_ids=[budget.id]))[budget.id]
        return found.units.held, found.units.spent, found.money.held, found.money.spent


def off(amount_minor: int) -> Benefit:
    """So much money off."""
    return Benefit(BenefitKind.AMOUNT, amount_minor=amount_minor)


def percent_off(percent: str) -> Benefit:
    """So many percent off."""
    return Benefit(BenefitKind.PERCENT, percent=Decimal(percent))


def paying(**changes: Any) -> dict[str, Any]:
    """A policy by which 100 points are worth 1.00."""
    return {"allowed": True, "points": 100, "money": 100} | changes


def selling_program(
    merchant: Merchant, *rules: dict[str, Any], pay: dict[str, Any] | None = None, **changes: Any
) -> ProgramVersion:
    """A program with a point for every 1.00 unless said otherwise, in which points pay."""
    policies = {"payWithPoints": pay or paying()} | changes.pop("policies", {})
    return merchant.program(spending_document(*(rules or (spending(),)), policies=policies, **changes))
