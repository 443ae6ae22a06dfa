"""What is wrong with a condition, where, and what would be right."""

from typing import Any

import pytest

from services.loyalty.programs.domain.conditions import AllOf, AnyOf, Comparison, Condition, Expression, Not, Operator
from services.loyalty.programs.domain.conditions.checking import check_condition
from services.loyalty.programs.domain.conditions.fields import Asked, Place, catalogue
from services.loyalty.programs.domain.reading import Reader
from services.loyalty.programs.domain.rules import Trigger

CATALOGUE = catalogue(tiers=["base", "gold"])
WHEN = Place(Trigger.PURCHASE, Asked.EVENT)
LINES = Place(Trigger.PURCHASE, Asked.LINE)
SOUND = Comparison("order.total", Operator.AT_LEAST, 1)
MONEY_OPERATORS = "eq, ne, lt, le, gt, ge, in, notIn, present"


def problems(condition: Condition, place: Place = WHEN) -> list[tuple[str, str, dict[str, str | int]]]:
    reader = Reader()
    check_condition(reader, condition, CATALOGUE, place, "/w")
    return [(problem.path, problem.code.value, dict(problem.facts)) for problem in reader.problems]


def compared(field: str, operator: str, value: Any) -> Comparison:
    return Comparison(field, Operator(operator), value)


@pytest.mark.parametrize(
    ("condition", "path", "code", "facts"),
    [
        (compared("order.totl", "ge", 1), "/field", "UNKNOWN_FIELD", {"name": "order.totl", "nearest": "order.total"}),
        (compared("weather", "eq", "sun"), "/field", "UNKNOWN_FIELD", {"name": "weather", "nearest": ""}),
        (compared("survey.score", "ge", 9), "/field", "UNKNOWN_FIELD", {"name": "survey.score", "nearest": ""}),
        (compared("line.sku", "eq", "A"), "/field", "FIELD_OF_LINES", {"name": "line.sku"}),
        (
            compared("event.method", "eq", "qr"),
            "/field",
            "FIELD_NOT_HERE",
            {"name": "event.method", "trigger": "purchase", "triggers": "check_in"},
        ),
        (
            compared("order.total", "contains", 1),
            "/op",
            "OPERATOR_NOT_FOR_FIELD",
            {"name": "order.total", "type": "money", "operator": "contains", "allowed": MONEY_OPERATORS},
        ),
        (
            compared("order.isFirst", "in", (True,)),
            "/op",
            "OPERATOR_NOT_FOR_FIELD",
            {"name": "order.isFirst", "type": "boolean", "operator": "in", "allowed": "eq, ne, present"},
        ),
        (
            compared("order.total", "ge", "100"),
            "/value",
            "WRONG_LITERAL",
            {"name": "order.total", "type": "money", "example": "1250"},
        ),
        (
            compared("order.total", "ge", True),
            "/value",
            "WRONG_LITERAL",
            {"name": "order.total", "type": "money", "example": "1250"},
        ),
        (
            compared("time.date", "ge", "2026-02-30"),
            "/value",
            "WRONG_LITERAL",
            {"name": "time.date", "type": "date", "example": '"2026-12-31"'},
        ),
        (
            compared("time.time", "ge", "9:30"),
            "/value",
            "WRONG_LITERAL",
            {"name": "time.time", "type": "time", "example": '"09:30"'},
        ),
        (
            compared("order.itemCount", "ge", "1.23456"),
            "/value",
            "WRONG_LITERAL",
            {"name": "order.itemCount", "type": "decimal", "example": '"2.5"'},
        ),
        (
            compared("order.total", "in", 5),
            "/value",
            "WRONG_LITERAL",
            {"name": "order.total", "type": "money", "example": "[1250]"},
        ),
        (
            compared("order.total", "in", (5, "x")),
            "/value/1",
            "WRONG_LITERAL",
            {"name": "order.total", "type": "money", "example": "1250"},
        ),
        (
            compared("order.categories", "under", "Food"),
            "/value",
            "WRONG_LITERAL",
            {"name": "order.categories", "type": "paths", "example": '[["Food", "Bread"]]'},
        ),
        (
            compared("order.total", "present", "yes"),
            "/value",
            "WRONG_LITERAL",
            {"name": "order.total", "type": "money", "example": "true"},
        ),
        (compared("order.total", "in", ()), "/value", "TOO_FEW", {"minimum": 1}),
        (compared("time.weekday", "eq", 0), "/value", "TOO_SMALL", {"minimum": 1}),
        (compared("time.weekday", "in", (1, 8)), "/value/1", "TOO_LARGE", {"maximum": 7}),
        (compared("member.tier", "eq", "silver"), "/value", "UNKNOWN_TIER", {"known": "base, gold"}),
        (compared("time.hour", "ge", 0), "", "CONSTANT_CONDITION", {"answer": "true"}),
        (compared("time.weekday", "gt", 7), "", "CONSTANT_CONDITION", {"answer": "false"}),
        (AllOf(()), "/all", "TOO_FEW", {"minimum": 1}),
        (AnyOf(()), "/any", "TOO_FEW", {"minimum": 1}),
        (
            AllOf((compared("order.total", "gt", 100), compared("order.total", "lt", 100))),
            "",
            "CONSTANT_CONDITION",
            {"answer": "false"},
        ),
        (
            AllOf((compared("member.tier", "eq", "gold"), compared("member.tier", "eq", "base"))),
            "",
            "CONSTANT_CONDITION",
            {"answer": "false"},
        ),
        (
            AnyOf((SOUND, Not(compared("order.totl", "ge", 1)))),
            "/any/1/not/field",
            "UNKNOWN_FIELD",
            {"name": "order.totl", "nearest": "order.total"},
        ),
        (
            Expression("order_total > 1 && ordr_total > 2"),
            "/expression",
            "EXPRESSION_NAME",
            {"line": 1, "column": 20, "name": "ordr_total", "nearest": "order_total"},
        ),
        (
            Expression('order_total > "1"'),
            "/expression",
            "EXPRESSION_TYPES",
            {"line": 1, "column": 13, "operator": ">", "types": "int, string"},
        ),
        (
            Expression("order_codes.map(c, c) == []"),
            "/expression",
            "EXPRESSION_NOT_ALLOWED",
            {"line": 1, "column": 13, "what": "map"},
        ),
        (
            Expression("order_total > 1.5"),
            "/expression",
            "EXPRESSION_NOT_ALLOWED",
            {"line": 1, "column": 15, "what": "number"},
        ),
        (Expression("order_total"), "/expression", "EXPRESSION_NOT_BOOLEAN", {"type": "int"}),
        (Expression("line_net > 1"), "/expression", "FIELD_OF_LINES", {"name": "line.net", "line": 1, "column": 1}),
        (
            Expression("event_years > 1"),
            "/expression",
            "FIELD_NOT_HERE",
            {"name": "event.years", "trigger": "purchase", "triggers": "anniversary", "line": 1, "column": 1},
        ),
        (Expression("1 == 1"), "/expression", "CONSTANT_CONDITION", {"answer": "true"}),
        (Expression("1 / 0 == 1"), "/expression", "CONSTANT_CONDITION", {"answer": "false"}),
        (Expression("order_total > 1 ||" * 200 + "true"), "/expression", "TOO_LONG", {"maximum": 2_000}),
        (Expression("(" * 40 + "order_isFirst" + ")" * 40), "/expression", "TOO_DEEP", {"maximum": 32}),
    ],
)
def test_a_problem_is_named_with_its_place_and_facts(
    condition: Condition, path: str, code: str, facts: dict[str, str | int]
) -> None:
    assert problems(condition) == [("/w" + path, code, facts)]


def test_a_syntax_error_has_its_column() -> None:
    ((path, code, facts),) = problems(Expression("order_total >"))
    assert (path, code, facts["line"], facts["column"]) == ("/w/expression", "EXPRESSION_SYNTAX", 1, 14)


@pytest.mark.parametrize(
    "condition",
    [
        SOUND,
        compared("order.codes", "in", ("a", "b")),
        compared("order.total", "present", False),
        AllOf((compared("order.total", "ge", 100), compared("order.total", "le", 100))),
        AllOf((compared("order.codes", "contains", "a"), compared("order.codes", "contains", "b"))),
        AllOf((compared("time.weekday", "gt", 1), compared("time.weekday", "lt", 3))),
        Expression("order_categories.exists(c, c == ['Food']) || !has_order_shipping"),
    ],
)
def test_a_sound_condition_has_no_problem(condition: Condition) -> None:
    assert problems(condition) == []
    assert problems(condition, LINES) == []


def test_a_lines_field_is_there_where_lines_are_asked_of_a_purchase() -> None:
    sku = compared("line.sku", "eq", "A")
    assert problems(sku, LINES) == []
    assert [code for _, code, _ in problems(sku, Place(Trigger.CHECK_IN, Asked.LINE))] == ["FIELD_NOT_HERE"]
