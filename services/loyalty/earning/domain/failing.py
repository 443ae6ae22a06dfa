"""The first part of a condition that stands in the way."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.loyalty.programs.domain.conditions import AllOf, AnyOf, Comparison, Condition, Expression, Not, cel
from services.loyalty.programs.domain.conditions.asking import compile_condition
from services.loyalty.programs.domain.conditions.fields import Catalogue, FactValue, Place
from services.loyalty.programs.domain.reading import pointer


@dataclass(frozen=True, slots=True)
class FailedPart:
    """A comparison or an expression that failed, at ``place`` (a JSON pointer into the program document).

    ``wanted`` false: it held and, standing under "not", should not have. ``actual`` is what the field was, None where
    it was not known. ``untold`` says why an expression had no answer, and ``names`` which fields had to do with it.
    """

    place: str
    part: Comparison | Expression
    wanted: bool
    actual: FactValue | None = None
    untold: cel.Untold | None = None
    names: tuple[str, ...] = ()


def first_failing(
    condition: Condition,
    catalogue: Catalogue,
    place: Place,
    facts: Mapping[str, FactValue | None],
    path: str,
    *,
    wanted: bool = True,
) -> FailedPart | None:
    """The first comparison or expression, in the order of the document, that keeps the condition from holding."""
    if compile_condition(condition, catalogue, place).ask(facts) is wanted:
        return None
    match condition:
        case AllOf(parts) | AnyOf(parts):
            key = "all" if isinstance(condition, AllOf) else "any"
            for index, part in enumerate(parts):
                found = first_failing(part, catalogue, place, facts, pointer(path, (key, index)), wanted=wanted)
                if found is not None:
                    return found
        case Not(inner):
            return first_failing(inner, catalogue, place, facts, pointer(path, ("not",)), wanted=not wanted)
        case Comparison(name):
            return FailedPart(path, condition, wanted, facts.get(name), names=(name,))
        case Expression(source):
            return _failed_expression(condition, cel.compile_source(source, catalogue.at(place)), facts, path, wanted)
    return None


def _failed_expression(
    part: Expression,
    compiled: cel.CompiledExpression,
    facts: Mapping[str, FactValue | None],
    path: str,
    wanted: bool,  # noqa: FBT001 - handed on
) -> FailedPart:
    names = tuple(field.name for field in compiled.fields)
    why = compiled.why_untold(facts)
    if why is None:
        return FailedPart(pointer(path, ("expression",)), part, wanted, names=names)
    return FailedPart(pointer(path, ("expression",)), part, wanted, untold=why[0], names=why[1] or names)
