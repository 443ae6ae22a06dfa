"""Conditions as functions of facts: compiled once per program version, asked many times.

The answer is one of three: it holds, it does not, or it cannot be told (None), because a field is not known or an
expression failed. A comparison with a field that is not known cannot be told, but for PRESENT; the contrary of what
cannot be told cannot be told either; of several, one that decides is enough: a false one makes "all" false and a true
one makes "any" true, whatever else is not known. A condition that in the end cannot be told does not hold. These are
the rules of expressions (CEL) too, so that a tree and its expression always agree.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.loyalty.programs.domain.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Expression,
    Not,
    Operator,
    cel,
)
from services.loyalty.programs.domain.conditions.declared import Field, ValueType
from services.loyalty.programs.domain.conditions.fields import Catalogue, Facts, Place
from services.loyalty.programs.domain.conditions.literals import read_paths, read_scalar

Ask = Callable[[Facts], bool | None]
"""True, false, or None: it cannot be told."""

_COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.NOT_EQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.MORE: operator.gt,
    Operator.AT_LEAST: operator.ge,
}


@dataclass(frozen=True, slots=True)
class Asker:
    """One compiled condition. ``ask`` has three answers, ``holds`` two; ``names`` are the fields that it reads."""

    condition: Condition | None
    ask: Ask
    holds: Callable[[Facts], bool]
    names: frozenset[str]


def compile_condition(condition: Condition | None, catalogue: Catalogue, place: Place) -> Asker:
    """The condition as a function of facts; None always holds.

    It was checked when its document was published (`check_condition`); what is unsound all the same, as by a version
    of the product that has lost a field since, cannot be told.
    """
    if condition is None:
        return Asker(None, _always, _always, frozenset())
    ask = _compiled(condition, catalogue, place)
    return Asker(condition, ask, lambda facts: ask(facts) is True, fields_used(condition, catalogue, place))


def fields_used(condition: Condition | None, catalogue: Catalogue, place: Place) -> frozenset[str]:
    """The dotted names of the fields that a condition reads."""
    match condition:
        case AllOf(conditions) | AnyOf(conditions):
            return frozenset().union(*(fields_used(each, catalogue, place) for each in conditions))
        case Not(inner):
            return fields_used(inner, catalogue, place)
        case Comparison(field):
            return frozenset({field})
        case Expression(source):
            return frozenset(field.name for field in cel.fields_named(source, catalogue.at(place)))
        case None:
            return frozenset()


def _always(_facts: Facts) -> bool:
    return True


def _untold(_facts: Facts) -> None:
    return None


def _compiled(condition: Condition, catalogue: Catalogue, place: Place) -> Ask:
    match condition:
        case AllOf(conditions):
            return _absorbing([_compiled(each, catalogue, place) for each in conditions], decisive=False)
        case AnyOf(conditions):
            return _absorbing([_compiled(each, catalogue, place) for each in conditions], decisive=True)
        case Not(inner):
            return _contrary(_compiled(inner, catalogue, place))
        case Comparison():
            field = catalogue.find(condition.field, place)
            return _untold if field is None else _comparison(field, condition)
        case Expression(source):
            return _expression(source, catalogue.at(place))


def _absorbing(parts: Sequence[Ask], *, decisive: bool) -> Ask:
    """All of (``decisive`` false) or any of (true): one decisive answer is enough."""
    otherwise = not decisive
    if len(parts) == 1:
        return parts[0]

    def ask(facts: Facts) -> bool | None:
        answer: bool | None = otherwise
        for part in parts:
            told = part(facts)
            if told is decisive:
                return decisive
            if told is None:
                answer = None
        return answer

    return ask


def _contrary(inner: Ask) -> Ask:
    def ask(facts: Facts) -> bool | None:
        told = inner(facts)
        return None if told is None else not told

    return ask


def _expression(source: str, fields: Sequence[Field]) -> Ask:
    try:
        compiled = cel.compile_source(source, fields)
    except cel.ExpressionUnsound:
        return _untold
    return compiled.ask


def _comparison(field: Field, comparison: Comparison) -> Ask:
    name, chosen, value = field.name, comparison.operator, comparison.value
    if chosen is Operator.PRESENT:
        return lambda facts: (facts.get(name) is not None) is value
    if chosen is Operator.UNDER:
        return _under(field, value)
    if chosen in {Operator.ONE_OF, Operator.NONE_OF}:
        return _among(field, value, wanted=chosen is Operator.ONE_OF)
    literal = read_scalar(field, value)
    if literal is None:
        return _untold
    if chosen is Operator.CONTAINS:
        return _contains(name, literal)
    return _ordered(name, _COMPARE[chosen], literal)


def _ordered(name: str, compare: Callable[[Any, Any], bool], literal: object) -> Ask:
    def ask(facts: Facts) -> bool | None:
        fact = facts.get(name)
        return None if fact is None else compare(fact, literal)

    return ask


def _contains(name: str, literal: object) -> Ask:
    def ask(facts: Facts) -> bool | None:
        fact: Any = facts.get(name)
        return None if fact is None else literal in fact

    return ask


def _among(field: Field, value: object, *, wanted: bool) -> Ask:
    name = field.name
    if not isinstance(value, tuple):
        return _untold
    literals = frozenset(read_scalar(field, item) for item in value)
    if None in literals:
        return _untold
    if field.type is ValueType.TEXTS:

        def ask_list(facts: Facts) -> bool | None:
            fact: Any = facts.get(name)
            return None if fact is None else literals.isdisjoint(fact) is not wanted

        return ask_list

    def ask(facts: Facts) -> bool | None:
        fact = facts.get(name)
        return None if fact is None else (fact in literals) is wanted

    return ask


def _under(field: Field, value: object) -> Ask:
    name, is_list = field.name, field.type is ValueType.PATHS
    paths = read_paths(value)
    if paths is None:
        return _untold
    by_length = [(n, frozenset(path for path in paths if len(path) == n)) for n in sorted({len(p) for p in paths})]

    if len(by_length) == 1 and not is_list:
        ((only, those),) = by_length

        def ask_path(facts: Facts) -> bool | None:
            fact: Any = facts.get(name)
            return None if fact is None else fact[:only] in those

        return ask_path

    def begins(path: tuple[str, ...]) -> bool:
        # A loop, not any(): this is asked of every line by every rule, and is so twice as fast.
        for length, prefixes in by_length:  # noqa: SIM110 - see above
            if path[:length] in prefixes:
                return True
        return False

    def ask(facts: Facts) -> bool | None:
        fact: Any = facts.get(name)
        if fact is None:
            return None
        return any(map(begins, fact)) if is_list else begins(fact)

    return ask
