"""Programs with everything that puts rules together: groups, multipliers, bonuses, caps, units, rounding."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from services.loyalty.earning.domain import PurchaseLine
from services.loyalty.programs.domain import (
    Cap,
    CapMeasure,
    CapPeriod,
    Combination,
    Comparison,
    CurrencyAmount,
    EarnRule,
    FixedFormula,
    LocalizedText,
    MultiplierFormula,
    Operator,
    Overflow,
    PerItemFormula,
    PointUnit,
    Policies,
    ProgramDocument,
    Rounding,
    RuleGroup,
    RuleMode,
    SpendFormula,
    TierLevel,
    TierMetric,
    TierSet,
    TierTableFormula,
    Trigger,
)

NAME = LocalizedText("Name", "名称")
CATEGORIES = ("food", "drinks", "toys")
FACTORS = st.sampled_from(["1", "1.25", "1.5", "2", "3"]).map(Decimal)
SPEND = st.builds(
    SpendFormula,
    points=st.integers(1, 20),
    per=st.sampled_from([1, 7, 100, 250]).map(lambda per: (CurrencyAmount("CNY", per),)),
    mode=st.sampled_from(RuleMode),
)
MULTIPLIERS = st.builds(MultiplierFormula, factor=FACTORS)
BONUSES = st.builds(FixedFormula, points=st.integers(1, 30)) | st.just(TierTableFormula((("gold", 9),)))
CAPS = st.builds(
    Cap,
    limit=st.integers(1, 60),
    per=st.sampled_from(CapPeriod),
    measure=st.sampled_from(CapMeasure),
    overflow=st.sampled_from(Overflow),
)


def in_scope() -> st.SearchStrategy[Comparison | None]:
    return st.none() | st.sampled_from(CATEGORIES).map(
        lambda name: Comparison("line.category", Operator.UNDER, ((name,),))
    )


@st.composite
def programs(draw: st.DrawFn, *, has_caps: bool = True, has_groups: bool = True) -> ProgramDocument:
    caps = st.lists(CAPS, max_size=2).map(tuple) if has_caps else st.just(())
    formulas = SPEND | MULTIPLIERS | BONUSES | st.builds(PerItemFormula, points=st.integers(1, 5))
    count = draw(st.integers(1, 5))
    units = ("points", "stamps")[: draw(st.integers(1, 2))]
    rules = tuple(
        EarnRule(
            id=f"r{index}",
            name=NAME,
            trigger=Trigger.PURCHASE,
            formula=draw(formulas),
            lines=draw(in_scope()),
            unit=draw(st.sampled_from([None, *units])),
            group=draw(st.sampled_from([None, "g", "h"])) if has_groups else None,
            priority=draw(st.integers(0, 1)),
            stackable=draw(st.booleans()) if has_groups else True,
            tier_multiplied=draw(st.booleans()),
            caps=draw(caps),
        )
        for index in range(count)
    )
    combinations = st.sampled_from([Combination.SUM, Combination.BEST, Combination.FIRST])
    return ProgramDocument(
        name=NAME,
        timezone="Asia/Shanghai",
        currency="CNY",
        units=tuple(PointUnit(code, NAME, 0, caps=draw(caps)) for code in units),
        rules=rules,
        tiers=TierSet(
            TierMetric.SPEND, (TierLevel("basic", NAME, 0, Decimal(1)), TierLevel("gold", NAME, 10, draw(FACTORS)))
        ),
        policies=Policies(rounding=draw(st.sampled_from(Rounding)), multipliers=draw(st.sampled_from(Combination))),
        groups=(RuleGroup("g", draw(combinations)), RuleGroup("h", draw(combinations))),
    )


@st.composite
def receipts(draw: st.DrawFn, *, lowest: int = -500) -> tuple[PurchaseLine, ...]:
    return tuple(
        PurchaseLine(
            position,
            f"sku-{position}",
            (draw(st.sampled_from(CATEGORIES)),),
            Decimal(draw(st.sampled_from(["1", "2", "0.75", "12"]))),
            draw(st.integers(lowest, 3_000)),
        )
        for position in range(1, draw(st.integers(1, 5)) + 1)
    )


def shuffled(document: ProgramDocument, order: Sequence[int]) -> ProgramDocument:
    """The same rules in another order."""
    return replace(document, rules=tuple(document.rules[index] for index in order))
