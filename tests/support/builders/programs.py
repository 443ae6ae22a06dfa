"""Program documents as typed values, for tests of what they give."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from services.loyalty.earning.domain import EarnEvent, PurchaseLine
from services.loyalty.programs.domain import (
    Comparison,
    Condition,
    CurrencyAmount,
    EarnRule,
    FixedFormula,
    Formula,
    LocalizedText,
    MultiplierFormula,
    Operator,
    PointUnit,
    Policies,
    ProgramDocument,
    RuleMode,
    SpendFormula,
    TierLevel,
    TierMetric,
    TierSet,
    Trigger,
)

NAME = LocalizedText("Name", "名称")
NOON = datetime(2017, 3, 1, 4, 0, tzinfo=UTC)
"""A Wednesday, noon in Shanghai."""


def unit(code: str = "points", **changes: Any) -> PointUnit:
    return PointUnit(code, NAME, 0, **changes)


def program(*rules: EarnRule, levels: Iterable[tuple[str, str]] = (("basic", "1"),), **changes: Any) -> ProgramDocument:
    """A program in Shanghai and CNY; levels are (code, multiplier)."""
    tiers = TierSet(
        TierMetric.POINTS_EARNED,
        tuple(TierLevel(code, NAME, 1_000 * rung, Decimal(by)) for rung, (code, by) in enumerate(levels)),
    )
    values: dict[str, Any] = {
        "name": NAME,
        "timezone": "Asia/Shanghai",
        "currency": "CNY",
        "units": (unit(),),
        "rules": rules,
        "tiers": tiers,
        "policies": Policies(),
    }
    return ProgramDocument(**(values | changes))


def rule(id_: str, formula: Formula, **changes: Any) -> EarnRule:
    """A rule for purchases, unless said otherwise."""
    values: dict[str, Any] = {"id": id_, "name": NAME, "trigger": Trigger.PURCHASE, "formula": formula}
    return EarnRule(**(values | changes))


def spend(
    id_: str = "base", points: int = 1, per: int = 100, *, mode: str = "step", currency: str = "CNY", **changes: Any
) -> EarnRule:
    """``points`` for every ``per`` minor units."""
    return rule(id_, SpendFormula(points, (CurrencyAmount(currency, per),), RuleMode(mode)), **changes)


def fixed(id_: str, points: int, **changes: Any) -> EarnRule:
    """A bonus."""
    return rule(id_, FixedFormula(points), **changes)


def times(id_: str, factor: str, **changes: Any) -> EarnRule:
    """A multiplier."""
    return rule(id_, MultiplierFormula(Decimal(factor)), **changes)


def under(*category: str) -> Condition:
    """Lines below a category."""
    return Comparison("line.category", Operator.UNDER, (category,))


def line(position: int, net_minor: int, *category: str, quantity: str = "1", **changes: Any) -> PurchaseLine:
    made = PurchaseLine(position, f"sku-{position}", category, Decimal(quantity), net_minor)
    return replace(made, **changes)


def sale(*lines: PurchaseLine, currency: str = "CNY", at: datetime = NOON, **changes: Any) -> EarnEvent:
    """A purchase of these lines."""
    return EarnEvent(Trigger.PURCHASE, at, currency=currency, lines=lines, **changes)
