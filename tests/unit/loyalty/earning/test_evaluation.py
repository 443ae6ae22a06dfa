"""What one event earns: formulas, scopes, currencies, conditions, and what becomes of each rule."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from services.loyalty.earning.domain import EarnEvent, Evaluation, LinePoints, RuleOutcome, evaluate
from services.loyalty.earning.domain.currencies import rate_on
from services.loyalty.earning.errors import AccrualTooLarge, CurrencyNotAccepted
from services.loyalty.programs.domain import (
    AllOf,
    Cap,
    CapPeriod,
    Comparison,
    CurrencyAmount,
    ExchangeRate,
    Exclusions,
    ForeignCurrencyPolicy,
    Not,
    Operator,
    PerItemFormula,
    Policies,
    ProgramDocument,
    RuleMode,
    SpendFormula,
    TierTableFormula,
    Trigger,
)
from services.loyalty.programs.errors import TierNotInProgram
from services.platform.money import AMOUNT_MAX
from tests.support.builders.programs import NOON, fixed, line, program, rule, sale, spend, times, under, unit

LEVELS = (("basic", "1"), ("gold", "1.5"))


def earned(document: ProgramDocument, event: EarnEvent, tier_code: str = "basic") -> Evaluation:
    return evaluate(document, event, tier_code=tier_code, cap_used={})


def outcomes(evaluation: Evaluation) -> dict[str, RuleOutcome]:
    return {trace.rule_id: trace.outcome for trace in evaluation.traces}


@pytest.mark.parametrize(
    ("mode", "tier_code", "points_per_block", "net_minor", "points"),
    [
        ("step", "basic", 1, 99, 0),
        ("step", "basic", 1, 100, 1),
        ("step", "basic", 1, 199, 1),
        ("step", "gold", 1, 199, 1),
        ("step", "gold", 1, 299, 3),
        ("step", "gold", 1, 399, 4),
        ("proportional", "basic", 1, 199, 1),
        ("proportional", "gold", 1, 199, 2),
        ("proportional", "gold", 1, 200, 3),
        ("proportional", "basic", 10, 199, 19),
        ("proportional", "gold", 10, 199, 29),
        ("step", "basic", 1, 0, 0),
        ("step", "basic", 1, -100, 0),
        ("proportional", "gold", 7, -1, 0),
    ],
)
def test_points_are_rounded_down_once_after_the_multiplier(
    mode: str, tier_code: str, points_per_block: int, net_minor: int, points: int
) -> None:
    document = program(spend("base", points_per_block, mode=mode), levels=LEVELS)

    assert earned(document, sale(line(1, net_minor)), tier_code).points == points


def test_large_numbers_stay_exact() -> None:
    document = program(spend("base", 1, 3, mode="proportional"), levels=LEVELS)

    assert earned(document, sale(line(1, 9_007_199_254_740_990)), "gold").points == 4_503_599_627_370_495


def test_more_points_than_an_account_holds_are_refused() -> None:
    with pytest.raises(AccrualTooLarge) as refusal:
        earned(program(spend("base", 1000)), sale(line(1, AMOUNT_MAX)))

    assert refusal.value.maximum == AMOUNT_MAX


def test_a_tier_from_another_version_is_refused() -> None:
    with pytest.raises(TierNotInProgram):
        earned(program(spend()), sale(line(1, 1000)), "platinum")


@pytest.mark.parametrize(
    ("lines", "base_minor"),
    [
        (None, 1111),
        (under("food"), 1110),
        (under("food", "fresh"), 1100),
        (AllOf((under("food", "fresh"), Not(under("food", "fresh", "fish")))), 1000),
        (Not(under("food")), 1),
        (under("fresh"), None),
        (Comparison("line.net", Operator.AT_LEAST, 100), 1100),
        (Comparison("line.sku", Operator.EQUAL, "sku-3"), 10),
    ],
)
def test_conditions_choose_lines(lines: object, base_minor: int | None) -> None:
    evaluation = earned(
        program(spend("base", lines=lines)),
        sale(line(1, 1000, "food", "fresh"), line(2, 100, "food", "fresh", "fish"), line(3, 10, "food"), line(4, 1)),
    )

    assert [accrual.base_minor for accrual in evaluation.accruals] == ([] if base_minor is None else [base_minor])
    if base_minor is None:
        assert outcomes(evaluation) == {"base": RuleOutcome.NO_LINE}


def test_facts_choose_events_and_an_unknown_one_fails() -> None:
    here = Comparison("store.code", Operator.ONE_OF, ("S1", "S2"))
    document = program(spend("base", when=here))

    assert earned(document, sale(line(1, 1000), facts={"store.code": "S2"})).points == 10
    assert outcomes(earned(document, sale(line(1, 1000), facts={"store.code": "S3"})))["base"] is (
        RuleOutcome.CONDITION_FAILED
    )
    assert earned(document, sale(line(1, 1000))).accruals == ()


def test_sums_of_the_order_are_those_of_its_lines() -> None:
    large = Comparison("order.total", Operator.AT_LEAST, 1000)
    document = program(fixed("large", 50, when=large))

    assert earned(document, sale(line(1, 999))).points == 0
    assert earned(document, sale(line(1, 600), line(2, 400))).points == 50
    assert earned(document, sale(line(1, 999), facts={"order.total": 5000})).points == 0


def test_excluded_lines_earn_by_no_rule() -> None:
    document = program(spend(), fixed("bonus", 5), exclusions=Exclusions(earning=under("tobacco")))

    assert earned(document, sale(line(1, 300), line(2, 900, "tobacco"))).points == 8
    assert outcomes(earned(document, sale(line(1, 900, "tobacco")))) == {
        "base": RuleOutcome.NO_LINE,
        "bonus": RuleOutcome.NO_LINE,
    }


def test_a_negative_line_lowers_the_base_of_its_scope_only() -> None:
    document = program(spend(), spend("food", lines=under("food")))

    evaluation = earned(document, sale(line(1, 1000, "food"), line(2, 500), line(3, -300)))

    assert [(a.rule_id, a.positions, a.base_minor, a.points) for a in evaluation.accruals] == [
        ("base", (1, 2, 3), 1200, 12),
        ("food", (1,), 1000, 10),
    ]


def test_points_of_lines_sum_to_the_whole_and_negative_lines_earn_none() -> None:
    document = program(spend(), spend("food", lines=under("food")))

    evaluation = earned(document, sale(line(1, 500, "food"), line(2, 500), line(3, 500), line(4, -499)))

    assert evaluation.points == 15
    assert evaluation.line_points == (LinePoints(1, 9), LinePoints(2, 3), LinePoints(3, 3), LinePoints(4, 0))


def test_halves_of_two_rules_make_one_point_and_the_earlier_rule_gets_it() -> None:
    document = program(spend("a", mode="proportional"), spend("b", mode="proportional"))

    assert [accrual.points for accrual in earned(document, sale(line(1, 50))).accruals] == [1, 0]


def test_items_are_counted_whole_line_by_line() -> None:
    document = program(rule("items", PerItemFormula(3)), levels=LEVELS)
    event = sale(line(1, 10, quantity="2"), line(2, 10, quantity="0.75"), line(3, 10, quantity="1.5"))

    assert earned(document, event).points == 9
    assert earned(document, event, "gold").points == 13
    assert earned(document, sale(line(1, 10, quantity="2"), line(2, -10, quantity="-1"))).points == 3


def test_a_table_gives_by_tier_and_nothing_to_a_tier_that_is_not_named() -> None:
    document = program(rule("table", TierTableFormula((("gold", 40),))), levels=LEVELS)

    assert (earned(document, sale(line(1, 1))).points, earned(document, sale(line(1, 1)), "gold").points) == (0, 40)


@pytest.mark.parametrize(
    ("trigger", "code", "points"),
    [(Trigger.CHECK_IN, None, 7), (Trigger.BIRTHDAY, None, 0), (Trigger.CUSTOM_EVENT, "yoga", 9)],
)
def test_other_things_than_purchases_set_rules_off(trigger: Trigger, code: str | None, points: int) -> None:
    document = program(
        fixed("visit", 7, trigger=Trigger.CHECK_IN), fixed("yoga", 9, trigger=Trigger.CUSTOM_EVENT, event="yoga")
    )

    evaluation = earned(document, EarnEvent(trigger, NOON, code=code))

    assert (evaluation.points, evaluation.line_points) == (points, ())


def test_units_are_summed_apart() -> None:
    document = program(spend(), fixed("stamp", 1, unit="stamps"), units=(unit(), unit("stamps")))

    evaluation = earned(document, sale(line(1, 500)))

    assert (evaluation.points, evaluation.points_by_unit) == (5, {"points": 5, "stamps": 1})
    assert evaluation.line_points == (LinePoints(1, 5),)


def test_a_foreign_currency_earns_nothing() -> None:
    evaluation = earned(program(spend(), fixed("bonus", 5)), sale(line(1, 1000), currency="USD"))

    assert (evaluation.accruals, evaluation.line_points) == ((), (LinePoints(1, 0),))
    assert set(outcomes(evaluation).values()) == {RuleOutcome.CURRENCY}


def test_a_foreign_currency_is_refused_where_the_policy_says_so() -> None:
    document = program(spend(), policies=Policies(foreign_currency=ForeignCurrencyPolicy.REFUSE))

    with pytest.raises(CurrencyNotAccepted) as refusal:
        earned(document, sale(line(1, 1000), currency="USD"))

    assert (refusal.value.accepted, refusal.value.given) == ("CNY", "USD")


def test_a_rule_may_name_what_it_gives_in_another_currency() -> None:
    formula = SpendFormula(1, (CurrencyAmount("CNY", 1000), CurrencyAmount("JPY", 200)), RuleMode.STEP)
    document = program(rule("base", formula), policies=Policies(foreign_currency=ForeignCurrencyPolicy.REFUSE))

    assert earned(document, sale(line(1, 999), currency="JPY")).points == 4


@pytest.mark.parametrize(
    ("currency", "day", "rate"),
    [
        ("JPY", date(2017, 3, 1), Fraction(5)),  # 0.05 CNY a yen: 5 fen
        ("JPY", date(2017, 4, 1), Fraction(6)),
        ("KWD", date(2017, 3, 1), Fraction(23, 10)),  # 23 CNY a dinar of 1000 fils
        ("JPY", date(2016, 12, 31), None),
        ("USD", date(2017, 3, 1), None),
    ],
)
def test_rates_are_dated_and_between_minor_units(currency: str, day: date, rate: Fraction | None) -> None:
    rates = (
        ExchangeRate("JPY", date(2017, 1, 1), Decimal("0.05")),
        ExchangeRate("JPY", date(2017, 4, 1), Decimal("0.06")),
        ExchangeRate("KWD", date(2017, 1, 1), Decimal(23)),
    )

    assert rate_on(program(spend(), rates=rates), currency=currency, day=day) == rate


def test_converted_amounts_are_not_rounded_before_the_points_are() -> None:
    document = program(
        spend(mode="proportional"),
        policies=Policies(foreign_currency=ForeignCurrencyPolicy.CONVERT),
        rates=(ExchangeRate("KWD", date(2017, 1, 1), Decimal(23)),),
    )

    evaluation = earned(document, sale(line(1, 1), line(2, 43), currency="KWD"))

    # 44 fils are 1.012 CNY; each line by itself would be 2 and 98 or 99 fen.
    assert (evaluation.points, evaluation.rate) == (1, Fraction(23, 10))
    assert evaluation.accruals[0].exact == Fraction(1012, 1000)


def test_a_rate_that_was_frozen_stands_before_the_documents() -> None:
    document = program(
        spend(),
        policies=Policies(foreign_currency=ForeignCurrencyPolicy.CONVERT),
        rates=(ExchangeRate("JPY", date(2017, 1, 1), Decimal("0.05")),),
    )
    event = sale(line(1, 100), currency="JPY")

    assert (
        earned(document, event).points,
        evaluate(document, event, tier_code="basic", cap_used={}, rate=Fraction(10)).points,
    ) == (5, 10)


def test_shipping_counts_for_rules_of_all_lines() -> None:
    document = program(spend(), spend("food", lines=under("food")))

    evaluation = earned(document, sale(line(1, 150, "food"), shipping_minor=50))

    assert [(accrual.rule_id, accrual.points) for accrual in evaluation.accruals] == [("base", 2), ("food", 1)]


def test_every_rule_is_accounted_for_in_the_order_of_the_document() -> None:
    document = program(
        fixed("visit", 1, trigger=Trigger.CHECK_IN),
        spend("small", per=1_000_000),
        times("double", "2"),
        spend("base"),
    )

    assert [(trace.rule_id, trace.outcome) for trace in earned(document, sale(line(1, 500))).traces] == [
        ("visit", RuleOutcome.NOT_TRIGGERED),
        ("small", RuleOutcome.NOTHING),
        ("double", RuleOutcome.MULTIPLIED),
        ("base", RuleOutcome.GAVE),
    ]


def test_a_cap_of_the_unit_is_filled_rule_by_rule_as_the_document_has_them() -> None:
    caps = (Cap(12, CapPeriod.EVENT),)
    document = program(spend("a"), spend("b"), spend("c"), units=(unit(caps=caps),))

    evaluation = earned(document, sale(line(1, 500)))

    assert [accrual.points for accrual in evaluation.accruals] == [5, 5, 2]
    assert outcomes(evaluation)["c"] is RuleOutcome.CAPPED
    assert [accrual.points for accrual in earned(document, sale(line(1, 900))).accruals] == [9, 3, 0]
