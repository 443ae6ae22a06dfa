"""What programs the state machine draws, as the second opinion and as the product knows them."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from services.loyalty.programs.domain import (
    Activation,
    Cap,
    CapPeriod,
    Downgrade,
    Expiry,
    OwingPolicy,
    PayWithPoints,
    Policies,
    QualificationPeriod,
    RefundPolicy,
    Rolling,
    Span,
    TierLevel,
    TierMetric,
    TierSet,
    TimeUnit,
    TransferPolicy,
    document_json,
)
from tests.property.loyalty.model import Line, Program, Rule, Terms
from tests.property.loyalty.purses import OWN_UNIT
from tests.support.builders import programs

CATEGORIES = ("food", "drinks")
UNITS = (OWN_UNIT, "miles")

AMOUNTS = st.integers(0, 900) | st.integers(0, 900) | st.integers(-300, -1)
"""Goods, and now and then a discount that is rung up as goods."""
LINES = st.lists(
    st.builds(Line, amount=AMOUNTS, pieces=st.integers(1, 4), category=st.sampled_from(CATEGORIES)),
    min_size=1,
    max_size=3,
).map(tuple)
GOODS = st.builds(Line, amount=st.integers(300, 900), pieces=st.just(4), category=st.sampled_from(CATEGORIES))
RULE = st.builds(
    Rule,
    id=st.just("main"),
    points=st.integers(1, 7),
    per=st.sampled_from([1, 10, 30, 100, 250]),
    is_step=st.booleans(),
    category=st.sampled_from([None, *CATEGORIES]),
    cap=st.none() | st.integers(1, 60),
)
RULES = RULE.map(lambda one: (one,)) | st.tuples(RULE, RULE).map(lambda two: (two[0], replace(two[1], id="more")))
LADDERS = st.sampled_from(
    [
        (("base", 0, Fraction(1)),),
        (("base", 0, Fraction(1)), ("gold", 25, Fraction(3, 2))),
        (("base", 0, Fraction(1)), ("silver", 8, Fraction(5, 4)), ("gold", 700, Fraction(2))),
    ]
)
LOW_LADDERS = st.sampled_from(
    [
        (("base", 0, Fraction(1)), ("silver", 5, Fraction(5, 4)), ("gold", 20, Fraction(2))),
        (("base", 0, Fraction(1)), ("silver", 100, Fraction(3, 2)), ("gold", 400, Fraction(2))),
    ]
)
"""From which one can fall by more than one level."""
TERMS = st.builds(
    Terms,
    period=st.sampled_from(["rolling", "anniversary"]),
    downgrade=st.sampled_from(["to_fit", "one"]),
    grace=st.sampled_from([0, 5]),
)


def _programs(**changes: Any) -> st.SearchStrategy[Program]:
    parts: dict[str, Any] = {
        "rules": RULES,
        "levels": LADDERS,
        "counts_spend": st.booleans(),
        "in_proportion": st.booleans(),
        "owed_max": st.sampled_from([15, 0, 2, 1_000]),
        "lives_days": st.sampled_from([8, 4, 40, None]),
        "gifts_keep_end": st.booleans(),
    }
    return st.builds(Program, **(parts | changes))


FAMILIES = {
    "plain": _programs(),
    "several units": _programs(
        rules=st.lists(RULE, min_size=2, max_size=3).map(
            lambda some: tuple(replace(one, id=f"r{i}", unit=UNITS[i % len(UNITS)]) for i, one in enumerate(some))
        ),
        owed_max=st.sampled_from([15, 2, 0, 40]),
    ),
    "waiting points": _programs(waits_days=st.sampled_from([1, 3]), counts_pending=st.booleans()),
    "reviewed tiers": _programs(terms=TERMS, levels=LOW_LADDERS, lives_days=st.sampled_from([8, 40, None])),
}


def program_json(program: Program) -> dict[str, Any]:
    """The program as a merchant saves it."""
    lasts: dict[str, Any] = {}
    if program.waits_days:
        lasts["activation"] = Activation(after=Span(program.waits_days, TimeUnit.DAY))
    if program.lives_days is not None:
        lasts["expiry"] = Expiry(Rolling(Span(program.lives_days, TimeUnit.DAY)))
    made = programs.program(
        *(
            programs.spend(
                rule.id,
                rule.points,
                rule.per,
                mode="step" if rule.is_step else "proportional",
                unit=rule.unit,
                lines=programs.under(rule.category) if rule.category else None,
                caps=() if rule.cap is None else (Cap(rule.cap, CapPeriod.DAY),),
                **lasts,
            )
            for rule in program.rules
        ),
        units=tuple(programs.unit(code) for code in UNITS if code in program.units),
        tiers=_tiers(program),
        policies=Policies(
            refund=RefundPolicy.PROPORTIONAL if program.in_proportion else RefundPolicy.RECOMPUTE,
            owing=OwingPolicy.ALLOW if program.owed_max else OwingPolicy.FORBID,
            owed_points_max=program.owed_max,
            pay_with_points=PayWithPoints(is_allowed=True, points=1, money=5),
            transfers=TransferPolicy(is_allowed=True, keeps_expiry=program.gifts_keep_end),
        ),
    )
    return document_json(made)


def _tiers(program: Program) -> TierSet:
    reviewed: dict[str, Any] = {}
    if program.terms is not None:
        reviewed = {
            "period": QualificationPeriod(program.terms.period),
            "span": Span(1, TimeUnit.MONTH),
            "downgrade": Downgrade(program.terms.downgrade),
            "grace_days": program.terms.grace,
        }
    return TierSet(
        TierMetric.SPEND if program.counts_spend else TierMetric.POINTS_EARNED,
        tuple(
            TierLevel(code, programs.NAME, threshold, Decimal(factor.numerator) / factor.denominator)
            for code, threshold, factor in program.levels
        ),
        counts_pending=program.counts_pending,
        **reviewed,
    )
