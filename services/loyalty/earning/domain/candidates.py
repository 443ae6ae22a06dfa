"""Values that a fact would have to have for one comparison to come out as wanted: the nearest ones first."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from services.loyalty.programs.domain.conditions import Comparison, Operator
from services.loyalty.programs.domain.conditions.declared import Field, ValueType
from services.loyalty.programs.domain.conditions.fields import FactValue
from services.loyalty.programs.domain.conditions.literals import read_paths, read_scalar

FEW = 5
"""Of several values that would do alike, so many are tried."""

_CONTRARY = {
    Operator.EQUAL: Operator.NOT_EQUAL,
    Operator.NOT_EQUAL: Operator.EQUAL,
    Operator.LESS: Operator.AT_LEAST,
    Operator.AT_LEAST: Operator.LESS,
    Operator.MORE: Operator.AT_MOST,
    Operator.AT_MOST: Operator.MORE,
    Operator.ONE_OF: Operator.NONE_OF,
    Operator.NONE_OF: Operator.ONE_OF,
}
_SAMPLES: dict[ValueType, FactValue] = {
    ValueType.BOOLEAN: True,
    ValueType.INTEGER: 1,
    ValueType.MONEY: 1,
    ValueType.DECIMAL: Decimal(1),
    ValueType.TEXT: "x",
    ValueType.DATE: date(2000, 1, 1),
    ValueType.TIME: time(12),
    ValueType.TEXTS: (),
    ValueType.PATH: (),
    ValueType.PATHS: (),
}


def values_for(
    field: Field, comparison: Comparison, actual: FactValue | None, *, wanted: bool
) -> Iterator[FactValue | None]:
    """Values of the field with which the comparison holds, or with ``wanted`` false does not; None: not known."""
    chosen, literal = comparison.operator, comparison.value
    if chosen is Operator.PRESENT:
        if literal is wanted:
            yield actual if actual is not None else _sample(field)
        elif not field.is_certain:
            yield None
    elif field.type in {ValueType.PATH, ValueType.PATHS}:
        yield from _paths(field, literal, actual, wanted=wanted)
    elif field.type is ValueType.TEXTS:
        yield from _lists(field, comparison, actual, wanted=wanted)
    else:
        effective = chosen if wanted else _CONTRARY[chosen]
        yield from (value for value in _scalars(field, effective, literal, actual) if _is_possible(field, value))


def _sample(field: Field) -> FactValue:
    if field.allowed:
        return field.allowed[0]
    return field.minimum if field.minimum is not None else _SAMPLES[field.type]


def _is_possible(field: Field, value: Any) -> bool:
    if field.allowed and value not in field.allowed:
        return False
    if field.minimum is not None and value < field.minimum:
        return False
    return field.maximum is None or value <= field.maximum


def _scalars(field: Field, chosen: Operator, literal: object, actual: Any) -> Iterator[FactValue]:
    if chosen in {Operator.ONE_OF, Operator.NONE_OF}:
        literals = [read_scalar(field, item) for item in literal] if isinstance(literal, tuple) else []
        known = [item for item in literals if item is not None]
        yield from _nearest(known, actual)[:FEW] if chosen is Operator.ONE_OF else _others(field, known, actual)
        return
    value = read_scalar(field, literal)
    if value is None:
        return
    match chosen:
        case Operator.EQUAL | Operator.AT_LEAST | Operator.AT_MOST:
            yield value
        case Operator.MORE:
            yield from _beside(field, value)[:1]
        case Operator.LESS:
            yield from _beside(field, value)[1:]
        case Operator.NOT_EQUAL:
            yield from _others(field, [value], actual)


def _others(field: Field, taken: list[Any], actual: Any) -> Iterator[FactValue]:
    """Values that are none of those: the actual one's neighbors, the other allowed ones, or some other text."""
    if field.type is ValueType.BOOLEAN:
        yield from (value for value in (True, False) if value not in taken)
    elif field.allowed:
        yield from [value for value in field.allowed if value not in taken][:FEW]
    elif field.type is ValueType.TEXT:
        yield f"~{''.join(taken)}"[:200]
    else:
        for value in _nearest(taken, actual):
            yield from (other for other in _beside(field, value) if other not in taken)


def _beside(field: Field, value: Any) -> list[Any]:
    """The next value above and the next below."""
    match field.type:
        case ValueType.DATE:
            return [value + timedelta(days=1), value - timedelta(days=1)]
        case ValueType.TIME:
            noon = datetime.combine(date(2000, 1, 1), value)
            moved = [noon + timedelta(minutes=1), noon - timedelta(minutes=1)]
            return [each.time() for each in moved]
        case ValueType.DECIMAL:
            step = Decimal(1) if field.name == "order.itemCount" else Decimal("0.0001")
            return [value + step, value - step]
        case ValueType.INTEGER | ValueType.MONEY:
            return [value + 1, value - 1]
    return []


def _nearest(values: Iterable[Any], actual: Any) -> list[Any]:
    listed = list(values)
    if isinstance(actual, int | Decimal) and not isinstance(actual, bool):
        return sorted(listed, key=lambda value: abs(value - actual))
    return listed


def _lists(field: Field, comparison: Comparison, actual: Any, *, wanted: bool) -> Iterator[tuple[str, ...]]:
    have: tuple[str, ...] = actual or ()
    value = comparison.value
    given = value if isinstance(value, tuple) else (value,)
    literals = [item for item in (read_scalar(field, each) for each in given) if isinstance(item, str)]
    if (comparison.operator is Operator.NONE_OF) is wanted:
        yield tuple(item for item in have if item not in literals)
    else:
        for literal in literals[:FEW]:
            yield have if literal in have else (*have, literal)


def _paths(field: Field, literal: object, actual: Any, *, wanted: bool) -> Iterator[Any]:
    paths = read_paths(literal) or ()
    if field.type is ValueType.PATH:
        yield from paths[:FEW] if wanted else ((),)
        return
    have: tuple[tuple[str, ...], ...] = actual or ()
    if not wanted:
        yield tuple(each for each in have if not any(each[: len(path)] == path for path in paths))
        return
    for path in paths[:FEW]:
        yield (*have, path)
