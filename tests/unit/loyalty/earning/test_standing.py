"""What an evaluation leaves behind, and what stands of it after refunds."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.earning.domain import (
    AmountRefund,
    CapKey,
    CapSubject,
    EarnEvent,
    FrozenInputs,
    FrozenRule,
    LineRefund,
    PurchaseLine,
    RefundState,
    ReturnedLine,
    apply_refund,
    cap_changes,
    evaluate,
    evaluate_again,
    freeze,
    frozen_json,
    parse_frozen,
    remaining_lines,
    standing,
)
from services.loyalty.programs.domain import (
    Cap,
    CapMeasure,
    CapPeriod,
    Combination,
    Comparison,
    Operator,
    Policies,
    ProgramDocument,
    RefundPolicy,
    RuleGroup,
    Trigger,
)
from tests.support.builders.programs import NOON, fixed, line, program, sale, spend, times, under, unit

VERSION = UUID("01890000-0000-7000-8000-000000000001")
DAY = CapKey(CapSubject.RULE, "base", CapMeasure.POINTS, CapPeriod.DAY, date(2017, 3, 1))
LEVELS = (("basic", "1"), ("gold", "1.5"))


def frozen_of(
    document: ProgramDocument, event: EarnEvent, *, tier_code: str = "basic", used: dict[CapKey, int] | None = None
) -> FrozenInputs:
    evaluation = evaluate(document, event, tier_code=tier_code, cap_used=used or {})
    return freeze(evaluation, event, program_version_id=VERSION)


def test_the_rest_of_a_purchase_stands_on_the_frozen_inputs() -> None:
    document = program(spend(caps=(Cap(10, CapPeriod.DAY),)), levels=LEVELS)
    lines = (line(1, 800), line(2, 400))
    frozen = frozen_of(document, sale(*lines), tier_code="gold", used={DAY: 3})

    assert standing(document, frozen, remaining=lines) == {"base": 7}
    assert standing(document, frozen, remaining=(line(1, 800), line(2, 0))) == {"base": 7}
    assert standing(document, frozen, remaining=(line(1, 300), line(2, 0))) == {"base": 4}
    assert standing(document, frozen, remaining=(line(1, 0), line(2, 0))) == {"base": 0}
    assert standing(document, frozen, remaining=()) == {"base": 0}


def test_a_remainder_never_stands_above_what_was_first_earned() -> None:
    document = program(spend())
    frozen = frozen_of(document, sale(line(1, 800), line(2, -300)))

    assert standing(document, frozen, remaining=(line(1, 800), line(2, 0))) == {"base": 5}


def test_sums_of_the_order_are_those_of_the_rest() -> None:
    document = program(spend(), fixed("large", 50, when=Comparison("order.total", Operator.AT_LEAST, 1000)))
    frozen = frozen_of(document, sale(line(1, 700), line(2, 300)))

    assert standing(document, frozen, remaining=(line(1, 700), line(2, 299))) == {"base": 9, "large": 0}


def test_a_bonus_falls_with_the_last_piece_even_where_no_money_was_paid() -> None:
    document = program(fixed("visit", 5))
    lines = (line(1, 0, quantity="2"),)
    frozen = frozen_of(document, sale(*lines))
    one = apply_refund(lines, RefundState(), LineRefund((ReturnedLine(1, Decimal(1)),)))
    both = apply_refund(lines, one.state, LineRefund((ReturnedLine(1, Decimal(1)),)))

    assert standing(document, frozen, remaining=one.remaining) == {"visit": 5}
    assert standing(document, frozen, remaining=both.remaining) == {"visit": 0}


def test_a_bonus_falls_where_all_money_was_given_back() -> None:
    document = program(spend(), fixed("visit", 5))
    lines = (line(1, 700), line(2, 300))
    frozen = frozen_of(document, sale(*lines))
    almost = apply_refund(lines, RefundState(), AmountRefund(999))
    everything = apply_refund(lines, almost.state, AmountRefund(1))

    assert standing(document, frozen, remaining=almost.remaining) == {"base": 0, "visit": 5}
    assert standing(document, frozen, remaining=everything.remaining) == {"base": 0, "visit": 0}


def test_where_another_rule_is_the_best_of_the_rest_its_points_stand_for_the_first() -> None:
    group = RuleGroup("g", Combination.BEST)
    document = program(spend("all", group="g"), spend("food", 2, lines=under("food"), group="g"), groups=(group,))
    frozen = frozen_of(document, sale(line(1, 1000, "food"), line(2, 500)))

    assert standing(document, frozen, remaining=(line(1, 400, "food"), line(2, 500))) == {"food": 9}


def test_each_unit_stands_by_itself() -> None:
    document = program(spend(), spend("stamps", unit="stamps", per=200), units=(unit(), unit("stamps")))
    frozen = frozen_of(document, sale(line(1, 500)))

    assert standing(document, frozen, remaining=(line(1, 399),)) == {"base": 3, "stamps": 1}


def test_points_may_fall_in_proportion_to_each_rules_base() -> None:
    policies = Policies(refund=RefundPolicy.PROPORTIONAL)
    large = Comparison("order.total", Operator.AT_LEAST, 1000)
    document = program(spend("food", lines=under("food")), fixed("large", 50, when=large), policies=policies)
    lines = (line(1, 700, "food"), line(2, 300))
    frozen = frozen_of(document, sale(*lines))

    assert standing(document, frozen, remaining=(lines[0], replace(lines[1], net_minor=150))) == {
        "food": 7,
        "large": 42,
    }
    assert standing(document, frozen, remaining=(replace(lines[0], net_minor=0), replace(lines[1], net_minor=0))) == {
        "food": 0,
        "large": 0,
    }


def test_another_base_falls_with_the_money() -> None:
    document = program(spend())
    bought = PurchaseLine(1, "sku", (), Decimal(3), 900, amount_minor=1200, base_minor=1000)
    frozen = frozen_of(document, sale(bought))
    (rest,) = remaining_lines([bought], RefundState((ReturnedLine(1, Decimal(1)),)))

    assert (rest.net_minor, rest.amount_minor, rest.base_minor) == (600, 800, 667)
    assert standing(document, frozen, remaining=(rest,)) == {"base": 6}


def test_shipping_counts_as_far_as_money_is_left() -> None:
    document = program(spend())
    frozen = frozen_of(document, sale(line(1, 400), line(2, 400), shipping_minor=200))

    assert standing(document, frozen, remaining=(line(1, 400), line(2, 0))) == {"base": 5}


def test_another_receipt_is_evaluated_on_the_frozen_inputs_without_a_limit() -> None:
    document = program(spend(caps=(Cap(30, CapPeriod.DAY),)), levels=LEVELS)
    frozen = frozen_of(document, sale(line(1, 400)), tier_code="gold", used={DAY: 3})

    assert evaluate_again(document, frozen, lines=(line(1, 1000),)).points == 15
    assert evaluate_again(document, frozen, lines=(line(1, 9000),)).points == 27


def test_counters_get_back_what_no_longer_stands() -> None:
    week = CapPeriod.WEEK
    caps = (Cap(100, CapPeriod.DAY), Cap(5_000, week, CapMeasure.MONEY), Cap(3, week, CapMeasure.TIMES))
    document = program(
        spend(caps=caps),
        times("double", "2", caps=(Cap(100, week),)),
        units=(unit(caps=(Cap(1_000, CapPeriod.YEAR),)),),
    )
    whole, part = (line(1, 600), line(2, 400)), (line(1, 600), line(2, 0))
    frozen = frozen_of(document, sale(*whole))
    changes: dict[str, Any] = {"occurred_at": NOON}

    def named(before: tuple[PurchaseLine, ...], after: tuple[PurchaseLine, ...]) -> dict[tuple[str, str], int]:
        found = cap_changes(document, frozen, before=before, after=after, **changes)
        return {(key.code, key.measure): change for key, change in found.items()}

    assert {(key.code, key.measure.value): count for key, count in frozen.fillings.items()} == {
        ("base", "points"): 20,
        ("base", "money"): 1000,
        ("base", "times"): 1,
        ("double", "points"): 10,
        ("points", "points"): 20,
    }
    assert named(whole, part) == {
        ("base", "points"): -8,
        ("base", "money"): -400,
        ("double", "points"): -4,
        ("points", "points"): -8,
    }
    assert named(part, ()) == {
        ("base", "points"): -12,
        ("base", "money"): -600,
        ("base", "times"): -1,
        ("double", "points"): -6,
        ("points", "points"): -12,
    }


def test_frozen_inputs_survive_json() -> None:
    document = program(spend(caps=(Cap(10, CapPeriod.DAY),)), levels=LEVELS)
    facts = {
        "member.tags": ("vip", "gold"),
        "order.categories": (("food", "fresh"),),
        "order.itemCount": Decimal("1.5"),
        "time.date": date(2017, 3, 1),
        "time.time": time(12, 30),
        "member.age": 40,
        "order.isFirst": True,
        "store.code": "S1",
    }
    frozen = frozen_of(document, sale(line(1, 800), facts=facts), tier_code="gold", used={DAY: 3})

    assert parse_frozen(frozen_json(frozen)) == frozen
    assert dict(frozen.facts) == facts
    other = replace(frozen, rate=Fraction(23, 10), code="yoga", trigger=Trigger.CUSTOM_EVENT, rules=(), currency=None)
    assert parse_frozen(frozen_json(other)) == other


FIRST_FORM: dict[str, Any] = {
    "programVersionId": str(VERSION),
    "currency": "CNY",
    "storeCode": "S1",
    "tierCode": "gold",
    "multiplier": "1.5",
    "rules": [{"ruleId": "base", "capRoom": 7, "points": 7}, {"ruleId": "free", "capRoom": None, "points": 12}],
}


def test_what_was_frozen_before_still_stands() -> None:
    here = Comparison("store.code", Operator.ONE_OF, ("S1",))
    document = program(spend(caps=(Cap(10, CapPeriod.DAY),), when=here), spend("free"), levels=LEVELS)
    frozen = parse_frozen(FIRST_FORM)
    rest = (line(1, 300), line(2, 0))

    assert frozen.rules == (FrozenRule("base", 7, 7), FrozenRule("free", None, 12))
    assert standing(document, frozen, remaining=(line(1, 800),)) == {"base": 7, "free": 12}
    assert standing(document, frozen, remaining=rest, occurred_at=NOON) == {"base": 5, "free": 4}
    assert cap_changes(document, frozen, occurred_at=NOON, before=(line(1, 800),), after=rest) == {DAY: -2}
    assert cap_changes(document, frozen, occurred_at=NOON, before=rest, after=()) == {DAY: -5}


@pytest.mark.parametrize("data", [{}, {"rules": []}, FIRST_FORM | {"rules": [{"ruleId": 1}]}])
def test_anything_else_is_no_frozen_input(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse_frozen(data)


def test_an_evaluation_keeps_its_own_clock() -> None:
    document = program(fixed("visit", 5, trigger=Trigger.CHECK_IN))
    event = EarnEvent(Trigger.CHECK_IN, datetime(2017, 3, 1, tzinfo=UTC))
    frozen = frozen_of(document, event)

    assert parse_frozen(frozen_json(frozen)).occurred_at == event.occurred_at
    assert evaluate_again(document, frozen).points == 5
