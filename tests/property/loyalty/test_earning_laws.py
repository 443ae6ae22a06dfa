from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.earning.domain import (
    Evaluation,
    PurchaseLine,
    evaluate,
    freeze,
    frozen_json,
    lines_in_scope,
    parse_frozen,
    spread_discount,
    standing,
)
from services.loyalty.programs.domain import ProgramDocument, RuleMode
from tests.property.loyalty.strategies import STORES, baskets, documents

USED = st.integers(0, 3_000)


def evaluated(
    document: ProgramDocument, lines: tuple[PurchaseLine, ...], store: str = "S1", used: int = 0
) -> Evaluation:
    return evaluate(
        document,
        lines=lines,
        store_code=store,
        currency="CNY",
        tier_code=document.tiers.levels[-1].code,
        cap_used={rule.id: used for rule in document.spend_rules},
    )


@given(documents(), baskets(), STORES, USED)
def test_points_are_the_formula_rounded_down_once_and_clipped(
    document: ProgramDocument, lines: tuple[PurchaseLine, ...], store: str, used: int
) -> None:
    evaluation = evaluated(document, lines, store, used)

    by_rule = {accrual.rule_id: accrual for accrual in evaluation.accruals}
    for rule in document.spend_rules:
        scope = lines_in_scope(rule.conditions, lines=lines, store_code=store)
        if not scope:
            assert rule.id not in by_rule
            continue
        base = max(0, sum(line.net_minor for line in scope))
        blocks = Fraction(base, rule.per_minor)
        blocks = Fraction(int(blocks)) if rule.mode is RuleMode.STEP else blocks
        before_cap = int(blocks * rule.points * Fraction(evaluation.multiplier))
        room = before_cap if rule.cap is None else max(0, rule.cap.points - used)
        accrual = by_rule[rule.id]
        assert (accrual.points_before_cap, accrual.points) == (before_cap, min(before_cap, room))
        assert accrual.capped_by == before_cap - accrual.points >= 0
        assert sum(accrual.line_points) == accrual.points
        assert all(part >= 0 for part in accrual.line_points)
    assert sum(item.points for item in evaluation.line_points) == evaluation.points
    assert [item.position for item in evaluation.line_points] == [line.position for line in lines]


@given(documents(), baskets(), st.integers(0, 10_000), st.data())
def test_paying_more_never_earns_less(
    document: ProgramDocument, lines: tuple[PurchaseLine, ...], more: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(lines) - 1))
    dearer = list(lines)
    dearer[index] = replace(lines[index], net_minor=lines[index].net_minor + more)

    assert evaluated(document, tuple(dearer)).points >= evaluated(document, lines).points


@given(documents(), baskets(negative=False), st.data())
def test_two_purchases_never_earn_more_than_one_of_both(
    document: ProgramDocument, lines: tuple[PurchaseLine, ...], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(lines)))

    apart = evaluated(document, lines[:cut]).points + evaluated(document, lines[cut:]).points

    uncapped = replace(document, spend_rules=tuple(replace(rule, cap=None) for rule in document.spend_rules))
    assert apart <= evaluated(uncapped, lines).points


@given(documents(), st.lists(baskets(), min_size=1, max_size=8))
def test_a_cap_is_never_overfilled_by_any_sequence_of_purchases(
    document: ProgramDocument, purchases: list[tuple[PurchaseLine, ...]]
) -> None:
    used: dict[str, int] = {}
    for lines in purchases:
        evaluation = evaluate(
            document,
            lines=lines,
            store_code="S1",
            currency="CNY",
            tier_code=document.tiers.levels[0].code,
            cap_used=used,
        )
        for accrual in evaluation.accruals:
            used[accrual.rule_id] = used.get(accrual.rule_id, 0) + accrual.points

    for rule in document.spend_rules:
        assert rule.cap is None or used.get(rule.id, 0) <= rule.cap.points


@given(documents(), baskets(), STORES, USED)
def test_an_untouched_purchase_stands_whole_and_a_returned_one_not_at_all(
    document: ProgramDocument, lines: tuple[PurchaseLine, ...], store: str, used: int
) -> None:
    evaluation = evaluated(document, lines, store, used)
    frozen = freeze(evaluation, program_version_id=UUID(int=1))
    nothing = tuple(replace(line, net_minor=0, quantity=Decimal(0)) for line in lines)

    assert parse_frozen(frozen_json(frozen)) == frozen
    assert standing(document, frozen, remaining=lines) == {a.rule_id: a.points for a in evaluation.accruals}
    assert not any(standing(document, frozen, remaining=nothing).values())
    assert not any(standing(document, frozen, remaining=()).values())


@given(st.lists(st.integers(-500, 5_000), min_size=1, max_size=12), st.data())
def test_a_spread_discount_sums_and_takes_no_line_below_zero(nets: list[int], data: st.DataObject) -> None:
    discount = data.draw(st.integers(0, max(0, sum(nets))))

    parts = spread_discount(nets, discount_minor=discount)

    assert sum(parts) == discount
    assert all(0 <= part <= max(0, net) for part, net in zip(parts, nets, strict=True))
