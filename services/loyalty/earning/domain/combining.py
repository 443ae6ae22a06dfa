"""How rules of one group, and multipliers of all groups, are put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from services.loyalty.earning.domain.considering import Applied
from services.loyalty.earning.domain.formulas import Number
from services.loyalty.programs.domain.rules import Combination


@dataclass(frozen=True, slots=True)
class LineFactors:
    """Factors that differ by line: the different ones, which go up, and at which of them each line is.

    The one at None is for shipping, which only multipliers of all lines concern.
    """

    factors: tuple[Fraction, ...]
    ranks: Mapping[int | None, int]


def by_group(applied: Sequence[Applied]) -> dict[tuple[str, str], list[Applied]]:
    """Rules by group, the first in each group first."""
    groups: dict[tuple[str, str], list[Applied]] = {}
    for each in sorted(applied, key=lambda one: one.plan.precedence):
        groups.setdefault(each.plan.group, []).append(each)
    return groups


def replaced(applied: Sequence[Applied]) -> dict[str, str]:
    """The rules whose place another of their group takes, with that other: one of highest priority, not stackable."""
    losers: dict[str, str] = {}
    for group in _shared(applied):
        highest = group[0].plan.rule.priority
        alone = next(
            (each for each in group if not each.plan.rule.stackable and each.plan.rule.priority == highest), None
        )
        if alone is not None:
            losers |= {each.rule_id: alone.rule_id for each in group if each is not alone}
    return losers


def outdone(applied: Sequence[Applied], worth: Mapping[str, Number]) -> dict[str, str]:
    """The rules that give nothing because their group gives the best or the first only, with the one that gives."""
    losers: dict[str, str] = {}
    for group in _shared(applied):
        combination = group[0].plan.combination
        if combination is Combination.BEST:
            # The first of equals: max keeps the earliest.
            winner = max(group, key=lambda each: worth[each.rule_id])
        elif combination is Combination.FIRST:
            winner = group[0]
        else:
            continue
        losers |= {each.rule_id: winner.rule_id for each in group if each is not winner}
    return losers


def factors_of(
    multipliers: Sequence[Applied], *, positions: Sequence[int], tier: Fraction | None, combination: Combination
) -> Fraction | LineFactors:
    """By what the base points of each line are multiplied: each group's factor, and the tier's, which comes last.

    One factor where it is the same for all lines and shipping.
    """
    groups = [
        (group[0].plan.combination, [(_factor(each), _concerned(each)) for each in group])
        for group in by_group(multipliers).values()
    ]
    wheres = [where for _, members in groups for _, where in members]

    def whole(position: int | None) -> Fraction:
        of_groups = []
        for within, members in groups:
            concerned = [factor for factor, where in members if where is None or position in where]
            if concerned:
                of_groups.append(combined(concerned, within))
        return combined(of_groups if tier is None else [*of_groups, tier], combination)

    if all(where is None for where in wheres):
        return whole(None)
    # Lines with the same multipliers have the same factor.
    same: dict[tuple[bool, ...], list[int | None]] = {}
    for position in (*positions, None):
        same.setdefault(tuple([where is None or position in where for where in wheres]), []).append(position)
    factors = [(whole(alike[0]), alike) for alike in same.values()]
    steps = tuple(sorted({factor for factor, _ in factors}))
    return LineFactors(steps, {position: steps.index(factor) for factor, alike in factors for position in alike})


def combined(factors: Sequence[Fraction], combination: Combination) -> Fraction:
    """Several factors as one; 1 for none. A sum adds up what each gives beyond one: 2 and 3 make 4."""
    if not factors:
        return Fraction(1)
    match combination:
        case Combination.PRODUCT:
            whole = Fraction(1)
            for factor in factors:
                whole *= factor
            return whole
        case Combination.SUM:
            return max(Fraction(0), 1 + sum((factor - 1 for factor in factors), Fraction(0)))
        case Combination.BEST:
            return max(factors)
        case Combination.FIRST:
            return factors[0]


def _shared(applied: Sequence[Applied]) -> list[list[Applied]]:
    """The groups that are more than one rule for itself."""
    grouped = [each for each in applied if each.plan.rule.group is not None]
    return list(by_group(grouped).values()) if len(grouped) > 1 else []


def _factor(each: Applied) -> Fraction:
    factor = each.plan.factor
    assert factor is not None
    return factor


def _concerned(each: Applied) -> frozenset[int] | None:
    """The lines that a multiplier is for; None: all of them, and shipping."""
    return None if each.counts_shipping else frozenset(each.scope.positions)
