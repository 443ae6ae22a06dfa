"""What is worked out once for several rules: the answers to conditions, scopes, and what lines get of them."""

from collections.abc import Iterable
from fractions import Fraction

from services.loyalty.earning.domain import EarnEvent, Evaluation, RuleOutcome, evaluate
from services.loyalty.programs.domain import (
    AllOf,
    Comparison,
    Condition,
    CustomEvent,
    EarnRule,
    Exclusions,
    FixedFormula,
    LocalizedText,
    Operator,
    ProgramDocument,
    Trigger,
)
from tests.support.builders.programs import NOON, fixed, line, program, sale, spend, times, under

MANY = Comparison("order.lineCount", Operator.AT_LEAST, 3)
BASKET = (line(1, 100, "food", "bread"), line(2, 250, "drinks"), line(3, 330, "food"))


def positions(document: ProgramDocument, event: EarnEvent) -> dict[str, tuple[int, ...]]:
    evaluation = evaluate(document, event, tier_code="basic", cap_used={})
    return {accrual.rule_id: accrual.positions for accrual in evaluation.accruals}


def parts(evaluation: Evaluation) -> dict[str, tuple[int, ...]]:
    return {accrual.rule_id: accrual.line_points for accrual in evaluation.accruals}


def scoped(conditions: Iterable[Condition]) -> list[EarnRule]:
    return [spend(f"r{place}", lines=condition) for place, condition in enumerate(conditions)]


def test_rules_that_ask_the_same_of_lines_have_the_same_lines_and_others_their_own() -> None:
    rules = scoped([under("food"), under("food"), under("drinks"), AllOf((under("food"), MANY))])
    document = program(*rules)

    assert positions(document, sale(*BASKET)) == {"r0": (1, 3), "r1": (1, 3), "r2": (2,), "r3": (1, 3)}
    assert positions(document, sale(*BASKET[:2])) == {"r0": (1,), "r1": (1,), "r2": (2,)}


def test_an_exclusion_that_asks_the_event_takes_lines_from_every_scope() -> None:
    rules = [spend("all"), *scoped([under("food")])]
    excluded = Exclusions(AllOf((Comparison("line.sku", Operator.EQUAL, "sku-1"), MANY)))
    document = program(*rules, exclusions=excluded)

    assert positions(document, sale(*BASKET)) == {"all": (2, 3), "r0": (3,)}
    assert positions(document, sale(*BASKET[:2])) == {"all": (1, 2), "r0": (1,)}


def test_what_one_event_asks_of_its_data_is_not_answered_by_another() -> None:
    told = Comparison("event.data.minutes", Operator.AT_LEAST, 30)
    schema = {"type": "object", "properties": {"minutes": {"type": "integer"}}}
    name = LocalizedText("Event", "事件")
    events = (CustomEvent("walk", name, schema), CustomEvent("sleep", name, {"type": "object"}))
    rules = [
        EarnRule(event.code, name, Trigger.CUSTOM_EVENT, FixedFormula(5), when=told, event=event.code)
        for event in events
    ]
    document = program(*rules, events=events)

    for code, outcomes in (
        ("walk", [RuleOutcome.GAVE, RuleOutcome.NOT_TRIGGERED]),
        ("sleep", [RuleOutcome.NOT_TRIGGERED, RuleOutcome.CONDITION_FAILED]),
    ):
        event = EarnEvent(Trigger.CUSTOM_EVENT, NOON, {"event.data.minutes": 40}, code=code)
        evaluation = evaluate(document, event, tier_code="basic", cap_used={})
        assert [trace.outcome for trace in evaluation.traces] == outcomes


def test_bonuses_alike_over_the_same_lines_are_shared_out_alike() -> None:
    rules = [fixed("a", 10), fixed("b", 10), fixed("c", 7), fixed("d", 10, lines=under("food"))]

    evaluation = evaluate(program(*rules), sale(*BASKET), tier_code="basic", cap_used={})

    assert parts(evaluation) == {"a": (1, 4, 5), "b": (1, 4, 5), "c": (1, 3, 3), "d": (2, 8)}
    assert [part.points for part in evaluation.line_points] == [5, 11, 21]


def test_lines_with_the_same_multipliers_have_the_same_factor() -> None:
    rules = [spend(points=1, per=1), times("food", "2", lines=under("food")), times("all", "1.5")]

    evaluation = evaluate(program(*rules), sale(*BASKET), tier_code="basic", cap_used={})

    # 1.5 for all of 680, and 1.5 more for the 430 of food, which has both.
    (accrual,) = evaluation.accruals
    assert (accrual.base_points, accrual.exact) == (Fraction(680), Fraction(1_665))
    assert accrual.line_points == (300, 375, 990)
