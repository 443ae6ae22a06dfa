"""Conditions, and facts that they may ask, by the declared types of fields."""

from collections.abc import Callable, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from services.loyalty.programs.domain.conditions import AllOf, AnyOf, Comparison, Condition, Not, Operator
from services.loyalty.programs.domain.conditions.declared import Field, ValueType
from services.loyalty.programs.domain.conditions.literals import OPERATORS

# Few values, so that literals and facts meet; some with quotes, backslashes and letters of other scripts.
words = st.sampled_from(["A", 'B"', "C\\", "咖啡", "é\u00a0", "👍", "gold", "base"])
paths = st.lists(words, min_size=1, max_size=3).map(tuple)
decimals = st.integers(-30_000, 30_000).map(lambda value: Decimal(value) / 10_000)
days = st.dates(date(2024, 2, 28), date(2024, 3, 2))
minutes = st.builds(time, st.integers(9, 10), st.sampled_from([0, 1, 59]))
FACTS: dict[ValueType, st.SearchStrategy[Any]] = {
    ValueType.BOOLEAN: st.booleans(),
    ValueType.INTEGER: st.integers(0, 4),
    ValueType.MONEY: st.integers(-2, 3),
    ValueType.DECIMAL: decimals | st.integers(-2, 2).map(Decimal),
    ValueType.TEXT: words,
    ValueType.DATE: days,
    ValueType.TIME: minutes,
    ValueType.TEXTS: st.lists(words.map(str.upper), max_size=3).map(tuple),
    ValueType.PATH: st.just(()) | paths,
    ValueType.PATHS: st.lists(paths, max_size=3).map(tuple),
}


def literals(field: Field) -> st.SearchStrategy[Any]:
    match field.type:
        case ValueType.DECIMAL:
            return st.integers(-2, 2) | decimals.map(lambda value: f"{value:f}")
        case ValueType.DATE:
            return days.map(date.isoformat)
        case ValueType.TIME:
            return minutes.map(lambda value: value.isoformat("minutes"))
        case ValueType.TEXTS:
            return words
        case _ if field.allowed:
            return st.sampled_from(field.allowed)
        case _:
            return FACTS[field.type]


@st.composite
def comparisons(draw: st.DrawFn, fields: Sequence[Field]) -> Comparison:
    """A sound comparison of one of the fields."""
    field = draw(st.sampled_from(fields))
    chosen = draw(st.sampled_from(OPERATORS[field.type]))
    if chosen is Operator.PRESENT:
        return Comparison(field.name, chosen, draw(st.booleans()))
    if chosen is Operator.UNDER:
        return Comparison(field.name, chosen, draw(st.lists(paths, min_size=1, max_size=2).map(tuple) | paths))
    if chosen in {Operator.ONE_OF, Operator.NONE_OF}:
        return Comparison(field.name, chosen, tuple(draw(st.lists(literals(field), min_size=1, max_size=3))))
    return Comparison(field.name, chosen, draw(literals(field)))


def trees(fields: Sequence[Field]) -> st.SearchStrategy[Condition]:
    """Trees of such comparisons."""
    return st.recursive(
        comparisons(fields),
        lambda inner: inner.map(Not) | _several(AllOf, inner) | _several(AnyOf, inner),
        max_leaves=6,
    )


def _several(make: Callable[[tuple[Condition, ...]], Condition], inner: st.SearchStrategy[Condition]) -> Any:
    return st.lists(inner, max_size=3).map(tuple).map(make)


def facts(fields: Sequence[Field]) -> st.SearchStrategy[dict[str, Any]]:
    """Facts of which some are not known, in both ways: absent, and None."""
    return st.fixed_dictionaries({}, optional={each.name: st.none() | FACTS[each.type] for each in fields})
