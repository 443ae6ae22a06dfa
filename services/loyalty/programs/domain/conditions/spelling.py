"""A tree of comparisons spelled as an expression that always gives the same answer."""

import json
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from typing import Any

from services.loyalty.programs.domain.conditions import AllOf, AnyOf, Comparison, Condition, Expression, Not, Operator
from services.loyalty.programs.domain.conditions.cel import DECIMAL_SCALE
from services.loyalty.programs.domain.conditions.declared import Field, ValueType
from services.loyalty.programs.domain.conditions.fields import Catalogue, Place
from services.loyalty.programs.domain.conditions.literals import read_paths, read_scalar

_SIGNS = {
    Operator.EQUAL: "==",
    Operator.NOT_EQUAL: "!=",
    Operator.LESS: "<",
    Operator.AT_MOST: "<=",
    Operator.MORE: ">",
    Operator.AT_LEAST: ">=",
}


def as_expression(condition: Condition, catalogue: Catalogue, place: Place) -> str:
    """The source of an expression that says what a sound condition says.

    Raises:
        LookupError: it names a field that does not exist there.
    """
    match condition:
        case AllOf(conditions):
            return _joined(" && ", [as_expression(each, catalogue, place) for each in conditions], empty="true")
        case AnyOf(conditions):
            return _joined(" || ", [as_expression(each, catalogue, place) for each in conditions], empty="false")
        case Not(inner):
            return f"!({as_expression(inner, catalogue, place)})"
        case Expression(source):
            return source
        case Comparison(name):
            field = catalogue.find(name, place)
            if field is None:
                raise LookupError(name)
            return _comparison(field, condition)


def _joined(sign: str, parts: Iterable[str], *, empty: str) -> str:
    spelled = list(parts)
    return spelled[0] if len(spelled) == 1 else sign.join(f"({part})" for part in spelled) or empty


def _comparison(field: Field, comparison: Comparison) -> str:
    flat, value = field.flat_name, comparison.value
    match comparison.operator:
        case Operator.PRESENT:
            return field.presence_name if value else f"!{field.presence_name}"
        case Operator.CONTAINS:
            return f"{_literal(field, value)} in {flat}"
        case Operator.ONE_OF:
            return _among(field, value)
        case Operator.NONE_OF:
            return f"!({_among(field, value)})"
        case Operator.UNDER:
            return _under(field, value)
    return f"{flat} {_SIGNS[comparison.operator]} {_literal(field, value)}"


def _among(field: Field, value: Any) -> str:
    literals = [_literal(field, item) for item in value]
    if field.type is ValueType.TEXTS:
        return " || ".join(f"{literal} in {field.flat_name}" for literal in literals)
    return f"{field.flat_name} in [{', '.join(literals)}]"


def _under(field: Field, value: Any) -> str:
    name = "path" if field.type is ValueType.PATHS else field.flat_name
    any_of = " || ".join(f"({_begins(name, path)})" for path in read_paths(value) or ())
    return f"{field.flat_name}.exists(path, {any_of})" if field.type is ValueType.PATHS else any_of


def _begins(name: str, path: tuple[str, ...]) -> str:
    steps = " && ".join(f"{name}[{index}] == {_text(step)}" for index, step in enumerate(path))
    return f"size({name}) >= {len(path)} && {steps}"


def _literal(field: Field, value: object) -> str:
    match read_scalar(field, value):
        case bool(truth):
            return "true" if truth else "false"
        case Decimal() as number:
            return str(int(number * DECIMAL_SCALE))
        case time() as instant:
            return _text(instant.isoformat("minutes"))
        case date() as day:
            return _text(day.isoformat())
        case str(text):
            return _text(text)
        case number:
            return str(number)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
