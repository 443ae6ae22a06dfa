"""Conditions that every event answers alike: comparisons beyond a field's bounds, bounds that exclude each other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.loyalty.programs.domain.conditions import Comparison, Condition, Operator
from services.loyalty.programs.domain.conditions.declared import Field, ValueType
from services.loyalty.programs.domain.conditions.fields import Catalogue, Place
from services.loyalty.programs.domain.conditions.literals import read_scalar

_Bound = tuple[Any, bool]
"""A value, and whether it is itself within."""

_ALWAYS: Mapping[Operator, Callable[[int, int, int], bool]] = {
    Operator.AT_LEAST: lambda value, least, _most: value <= least,
    Operator.AT_MOST: lambda value, _least, most: value >= most,
}
_NEVER: Mapping[Operator, Callable[[int, int, int], bool]] = {
    Operator.MORE: lambda value, _least, most: value >= most,
    Operator.LESS: lambda value, least, _most: value <= least,
}


def constant_answer(field: Field, comparison: Comparison) -> bool | None:
    """What a sound comparison always answers, by the field's own bounds; None where it depends."""
    value = comparison.value
    if field.minimum is None or field.maximum is None or not isinstance(value, int):
        return None
    always, never = _ALWAYS.get(comparison.operator), _NEVER.get(comparison.operator)
    if always is not None and always(value, field.minimum, field.maximum):
        return True
    if never is not None and never(value, field.minimum, field.maximum):
        return False
    return None


def contradiction(conditions: Sequence[Condition], catalogue: Catalogue, place: Place) -> bool:
    """Whether conditions that must all hold bound one field so that no value is left."""
    lows: dict[str, _Bound] = {}
    highs: dict[str, _Bound] = {}
    for each in conditions:
        field = catalogue.find(each.field, place) if isinstance(each, Comparison) else None
        if isinstance(each, Comparison) and field is not None and field.type is not ValueType.TEXTS:
            literal = read_scalar(field, each.value)
            if literal is not None:
                _narrow(lows, highs, each.field, each.operator, literal)
    return any(_is_empty(lows[name], highs[name]) for name in lows.keys() & highs.keys())


def _narrow(lows: dict[str, _Bound], highs: dict[str, _Bound], name: str, chosen: Operator, literal: Any) -> None:
    if chosen in {Operator.EQUAL, Operator.AT_LEAST, Operator.MORE}:
        bound = (literal, chosen is not Operator.MORE)
        held = lows.get(name)
        if held is None or _is_tighter(literal > held[0], literal == held[0], bound):
            lows[name] = bound
    if chosen in {Operator.EQUAL, Operator.AT_MOST, Operator.LESS}:
        bound = (literal, chosen is not Operator.LESS)
        held = highs.get(name)
        if held is None or _is_tighter(literal < held[0], literal == held[0], bound):
            highs[name] = bound


def _is_tighter(is_beyond: bool, is_same: bool, bound: _Bound) -> bool:  # noqa: FBT001 - two facts of one comparison
    return is_beyond or (is_same and not bound[1])


def _is_empty(low: _Bound, high: _Bound) -> bool:
    if low[0] == high[0]:
        return not (low[1] and high[1])
    return bool(low[0] > high[0])
