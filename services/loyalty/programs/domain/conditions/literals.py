"""Which operators a type of field takes, and how a literal of a condition is read as a value of that type."""

import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal

from services.loyalty.programs.domain.conditions import Operator
from services.loyalty.programs.domain.conditions.declared import Field, ValueType
from services.platform.money import AMOUNT_MAX

LITERAL_TEXT_MAX = 200
LITERALS_MAX = 200
PATH_DEPTH_MAX = 8

_EQUALITY = (Operator.EQUAL, Operator.NOT_EQUAL)
_ORDER = (Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST)
_SETS = (Operator.ONE_OF, Operator.NONE_OF)
_KNOWN = (Operator.PRESENT,)
_ORDERED = (*_EQUALITY, *_ORDER, *_SETS, *_KNOWN)

OPERATORS: Mapping[ValueType, tuple[Operator, ...]] = {
    ValueType.BOOLEAN: (*_EQUALITY, *_KNOWN),
    ValueType.INTEGER: _ORDERED,
    ValueType.DECIMAL: _ORDERED,
    ValueType.MONEY: _ORDERED,
    ValueType.DATE: _ORDERED,
    ValueType.TIME: _ORDERED,
    ValueType.TEXT: (*_EQUALITY, *_SETS, *_KNOWN),
    ValueType.TEXTS: (Operator.CONTAINS, *_SETS, *_KNOWN),
    ValueType.PATH: (Operator.UNDER, *_KNOWN),
    ValueType.PATHS: (Operator.UNDER, *_KNOWN),
}
"""ONE_OF of a list of texts: it has at least one of them; NONE_OF: none of them."""

_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def read_scalar(field: Field, value: object) -> bool | int | str | Decimal | date | time | None:
    """A literal as a value of the field's type (of one item, where the field is a list); None where it is none."""
    if isinstance(value, bool):
        return value if field.type is ValueType.BOOLEAN else None
    if isinstance(value, int):
        return _number(field, value)
    return _text(field, value) if isinstance(value, str) else None


def read_paths(value: object) -> tuple[tuple[str, ...], ...] | None:
    """The literal of UNDER: one path as a list of names, or a list of paths, any of which will do."""
    if not isinstance(value, tuple):
        return None
    paths = value if all(isinstance(item, tuple) for item in value) else (value,)
    sound = all(path and all(isinstance(name, str) for name in path) for path in paths)
    return tuple(tuple(path) for path in paths) if sound else None


def _number(field: Field, value: int) -> int | Decimal | None:
    if abs(value) > AMOUNT_MAX:
        return None
    if field.type is ValueType.DECIMAL:
        return Decimal(value)
    return value if field.type in {ValueType.INTEGER, ValueType.MONEY} else None


def _text(field: Field, value: str) -> str | Decimal | date | time | None:
    match field.type:
        case ValueType.TEXT | ValueType.TEXTS:
            return value.upper() if field.in_upper_case else value
        case ValueType.DECIMAL if _DECIMAL.fullmatch(value):
            return Decimal(value)
        case ValueType.DATE if _DATE.fullmatch(value):
            return _calendar_date(value)
        case ValueType.TIME if _TIME.fullmatch(value):
            return time.fromisoformat(value)
    return None


def _calendar_date(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
