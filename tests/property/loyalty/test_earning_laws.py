from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.earning.domain import (
    CapKey,
    Evaluation,
    PurchaseLine,
    RuleOutcome,
    cap_changes,
    evaluate,
    evaluate_again,
    freeze,
    frozen_json,
    kept_keys,
    parse_frozen,
    spread_discount,
    standing,
)
from services.loyalty.programs.domain import (
    Cap,
    CapMeasure,
    CapPeriod,
    Combination,
    FixedFormula,
    MultiplierFormula,
    ProgramDocument,
    Rounding,
    RuleMode,
    TierTableFormula,
)
from tests.property.loyalty.earning_programs import programs, receipts, shuffled
from tests.support.builders.programs import NOON, line, program, sale, spend

Lines = tuple[PurchaseLine, ...]
TIERS = st.sampled_from(["basic", "gold"])


def evaluated(
    document: ProgramDocument, lines: Lines, tier_code: str = "gold", used: dict[CapKey, int] | None = None
) -> Evaluation:
    return evaluate(document, sale(*lines), tier_code=tier_code, cap_used=used or {})


@given(
    st.integers(1, 1_000),
    st.integers(1, 10_000),
    st.sampled_from(RuleMode),
    st.sampled_from(Rounding),
    st.integers(1, 1_000_000).map(lambda parts: Decimal(parts).scaleb(-4)),
    st.lists(st.integers(-3_000, 10_000), min_size=1, max_size=6),
    st.none() | st.integers(1, 2_000),
    st.integers(0, 3_000),
)
def test_one_spend_rule_is_its_formula_rounded_once_and_clipped(
    points: int,
    per: int,
    mode: RuleMode,
    rounding: Rounding,
    multiplier: Decimal,
    nets: list[int],
    limit: int | None,
    used: int,
) -> None:
    caps = () if limit is None else (Cap(limit, CapPeriod.DAY),)
    document = program(spend("base", points, per, mode=mode.value, caps=caps), levels=[("held", str(multiplier))])
    document = replace(document, policies=replace(document.policies, rounding=rounding))
    lines = tuple(line(position, net) for position, net in enumerate(nets, start=1))
    keys = kept_keys(document, occurred_at=NOON)

    evaluation = evaluated(document, lines, "held", dict.fromkeys(keys, used))

    base = max(0, sum(nets))
    exact = (Fraction(base // per) if mode is RuleMode.STEP else Fraction(base, per)) * points * Fraction(multiplier)
    whole = {
        Rounding.FLOOR: exact.__floor__(),
        Rounding.CEIL: exact.__ceil__(),
        Rounding.HALF_UP: (exact + Fraction(1, 2)).__floor__(),
    }[rounding]
    given_points = whole if limit is None else min(whole, max(0, limit - used))
    (accrual,) = evaluation.accruals
    assert (accrual.exact, accrual.points_before_cap, evaluation.points) == (exact, whole, given_points)


@given(programs(), receipts(), TIERS)
def test_parts_sum_to_the_whole(document: ProgramDocument, lines: Lines, tier_code: str) -> None:
    evaluation = evaluated(document, lines, tier_code)

    for accrual in evaluation.accruals:
        assert 0 <= accrual.points <= accrual.points_before_cap
        assert sum(accrual.line_points) == accrual.points
        assert all(part >= 0 for part in accrual.line_points)
    own = [accrual.points for accrual in evaluation.accruals if accrual.unit == document.unit.code]
    assert sum(part.points for part in evaluation.line_points) == sum(own) == evaluation.points
    assert [trace.rule_id for trace in evaluation.traces] == [rule.id for rule in document.rules]
    told = {trace.rule_id: trace.outcome for trace in evaluation.traces}
    assert all(
        (accrual.points > 0) == (told[accrual.rule_id] in {RuleOutcome.GAVE, RuleOutcome.CAPPED})
        or told[accrual.rule_id] is RuleOutcome.CAPPED
        for accrual in evaluation.accruals
    )


@given(programs(has_caps=False, has_groups=False), receipts(lowest=0), st.integers(0, 3_000), st.data())
def test_paying_more_never_earns_less(document: ProgramDocument, lines: Lines, more: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(lines) - 1))
    dearer = list(lines)
    dearer[index] = replace(lines[index], net_minor=lines[index].net_minor + more)

    before, after = (evaluated(document, each).points_by_unit for each in (lines, tuple(dearer)))

    assert all(after.get(unit, 0) >= points for unit, points in before.items())


@given(programs(has_caps=False, has_groups=False), receipts(lowest=0), st.data())
def test_two_purchases_never_earn_more_than_one_of_both(
    document: ProgramDocument, lines: Lines, data: st.DataObject
) -> None:
    """Where points are rounded down and nothing is given once for a purchase."""
    rules = tuple(rule for rule in document.rules if not isinstance(rule.formula, FixedFormula | TierTableFormula))
    policies = replace(document.policies, rounding=Rounding.FLOOR)
    document = replace(document, rules=rules, policies=policies)
    cut = data.draw(st.integers(0, len(lines)))

    apart = evaluated(document, lines[:cut]).points + evaluated(document, lines[cut:]).points

    assert apart <= evaluated(document, lines).points


@given(programs(has_caps=False), receipts(), st.data())
def test_without_caps_the_order_of_rules_changes_no_sum(
    document: ProgramDocument, lines: Lines, data: st.DataObject
) -> None:
    """Where nothing is decided by place: no first, and one priority each."""
    rules = tuple(replace(rule, priority=place) for place, rule in enumerate(document.rules))
    document = replace(document, rules=rules)
    order = data.draw(st.permutations(range(len(rules))))

    assert evaluated(shuffled(document, order), lines).points_by_unit == evaluated(document, lines).points_by_unit


@given(programs(has_caps=False, has_groups=False), receipts())
def test_a_multiplier_of_one_changes_nothing(document: ProgramDocument, lines: Lines) -> None:
    one = [
        replace(rule, formula=MultiplierFormula(Decimal(1)))
        for rule in document.rules
        if isinstance(rule.formula, MultiplierFormula)
    ]
    others = [rule for rule in document.rules if not isinstance(rule.formula, MultiplierFormula)]
    policies = replace(document.policies, multipliers=Combination.SUM)
    with_ones = replace(document, rules=(*others, *one), policies=policies)
    without = replace(document, rules=tuple(others), policies=policies)

    assert evaluated(with_ones, lines).points_by_unit == evaluated(without, lines).points_by_unit


@given(programs(), st.lists(receipts(), min_size=1, max_size=6), TIERS)
def test_no_cap_is_ever_overfilled(document: ProgramDocument, purchases: list[Lines], tier_code: str) -> None:
    used: dict[CapKey, int] = {}
    for lines in purchases:
        for key, count in evaluated(document, lines, tier_code, used).fillings.items():
            used[key] = used.get(key, 0) + count

    limits: dict[tuple[str, CapMeasure, CapPeriod], int] = {}
    for code, caps in [
        *((rule.id, rule.caps) for rule in document.rules),
        *((unit.code, unit.caps) for unit in document.units),
    ]:
        for cap in caps:
            place = (code, cap.measure, cap.per)
            limits[place] = min(cap.limit, limits.get(place, cap.limit))
    for key, count in used.items():
        assert 0 < count <= limits[key.code, key.measure, key.period]


@given(programs(), receipts(), TIERS, st.integers(0, 40))
def test_an_untouched_purchase_stands_whole_and_a_returned_one_not_at_all(
    document: ProgramDocument, lines: Lines, tier_code: str, used: int
) -> None:
    keys = kept_keys(document, occurred_at=NOON)
    before = dict.fromkeys(keys, used)
    evaluation = evaluated(document, lines, tier_code, before)
    frozen = freeze(evaluation, sale(*lines), program_version_id=UUID(int=1))
    nothing = tuple(replace(each, is_returned=True) for each in lines)

    assert parse_frozen(frozen_json(frozen)) == frozen
    assert evaluate_again(document, frozen, lines=lines) == evaluation
    assert standing(document, frozen, remaining=lines) == {a.rule_id: a.points for a in evaluation.accruals}
    assert not any(standing(document, frozen, remaining=nothing).values())
    gone = cap_changes(document, frozen, occurred_at=NOON, before=lines, after=nothing)
    assert gone == {key: -count for key, count in evaluation.fillings.items()}


@given(programs(), receipts(lowest=0), TIERS, st.data())
def test_what_is_left_stands_within_what_was_first_earned(
    document: ProgramDocument, lines: Lines, tier_code: str, data: st.DataObject
) -> None:
    evaluation = evaluated(document, lines, tier_code)
    frozen = freeze(evaluation, sale(*lines), program_version_id=UUID(int=1))
    left = tuple(replace(each, net_minor=data.draw(st.integers(0, each.net_minor))) for each in lines)

    kept = standing(document, frozen, remaining=left)

    first = {accrual.rule_id: accrual for accrual in evaluation.accruals}
    assert kept.keys() == first.keys()
    assert all(0 <= points <= first[rule_id].points for rule_id, points in kept.items())
    again = evaluated(document, left, tier_code).points_by_unit
    if sum(each.net_minor for each in left) > 0:
        for unit, points in evaluation.points_by_unit.items():
            whole = sum(kept[rule_id] for rule_id, accrual in first.items() if accrual.unit == unit)
            assert whole == min(points, again.get(unit, 0))


@given(st.lists(st.integers(-500, 5_000), min_size=1, max_size=12), st.data())
def test_a_spread_discount_sums_and_takes_no_line_below_zero(nets: list[int], data: st.DataObject) -> None:
    discount = data.draw(st.integers(0, max(0, sum(nets))))

    parts = spread_discount(nets, discount_minor=discount)

    assert sum(parts) == discount
    assert all(0 <= part <= max(0, net) for part, net in zip(parts, nets, strict=True))
