"""Exact base points of one rule, with a factor for each line.

A factor multiplies what the rule gives for the lines that have it. Lines are stacked by their factors: the lowest
factor counts for all lines of the scope, what the next one has more of counts for those that have at least that one,
and so on: ``f1 * p(all) + (f2 - f1) * p(lines with f2 or more) + ...`` with ``p`` what the rule gives for the sum of
their bases, nothing for a sum of zero or less. So that with one factor for all it is ``p * factor``, whole blocks stay
whole, a multiplier never takes points away, and paying more never earns less.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TypeAlias

from services.loyalty.programs.domain.rules import RuleMode

Number: TypeAlias = int | Fraction
"""Exact; whole numbers stay whole numbers where they can, as fractions are slow."""
Price: TypeAlias = Callable[[int], Number]


# Not frozen, as `Worth` is not: one is made for every rule and event, and a frozen one takes three times as long.
@dataclass(slots=True)
class Exact:
    """Exact points: ``base`` before multipliers, ``total`` after them; ``weights`` are the parts' shares in it."""

    base: Number
    total: Number
    weights: tuple[int, ...]


def ratio(numerator: int, denominator: int) -> Number:
    """Their quotient, as a whole number where it is one."""
    whole, rest = divmod(numerator, denominator)
    return Fraction(numerator, denominator) if rest else whole


def product(one: Number, other: Number) -> Number:
    """The same as ``*``, which takes three times as long where one is a fraction."""
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    return ratio(one.numerator * other.numerator, one.denominator * other.denominator)


def spend(points: int, per: int, mode: RuleMode, scale: Number) -> Price:
    """``points`` for every ``per`` of an amount taken ``scale`` times, for whole blocks or for every part."""
    by, block = scale.numerator, per * scale.denominator
    if mode is RuleMode.STEP:
        return lambda amount: amount * by // block * points
    return lambda amount: ratio(amount * by * points, block)


def per_item(points: int) -> Price:
    """``points`` for every whole unit."""
    return lambda amount: amount * points


def even(amount: int, weights: tuple[int, ...], factor: Number, price: Price) -> Exact:
    """What a rule gives for parts that all have the same factor; ``amount`` is their sum."""
    base = _priced(amount, price)
    return Exact(base, product(base, factor), weights)


def stacked(amounts: Sequence[int], ranks: Sequence[int], factors: Sequence[Number], price: Price) -> Exact:
    """What a rule gives for parts of which each has one of the factors, which go up: the one at its rank.

    ``price`` is not asked of an amount of zero or less.
    """
    weights = [max(0, amount) for amount in amounts]
    held = sorted(set(ranks))
    if len(held) <= 1:
        return even(sum(amounts), tuple(weights), factors[held[0]] if held else 1, price)
    total: Number = 0
    below: Number = 0
    # What a part with the rank gets for each unit of its weight.
    share: Number = 0
    shares: list[Number] = []
    for rank in held:
        above = [place for place, own in enumerate(ranks) if own >= rank]
        given = product(factors[rank] - below, _priced(sum(amounts[place] for place in above), price))
        below, total = factors[rank], total + given
        whole = sum(weights[place] for place in above)
        if given and whole:
            share += product(given, Fraction(1, whole))
        shares.append(share)
    by_rank = dict(zip(held, whole_weights(shares), strict=True))
    parts = tuple([weight * by_rank[rank] for weight, rank in zip(weights, ranks, strict=True)])
    return Exact(_priced(sum(amounts), price), total, parts)


def whole_weights(weights: Sequence[Number]) -> list[int]:
    """The same proportions in whole numbers."""
    return over(weights, common_denominator(weights))


def common_denominator(numbers: Sequence[Number]) -> int:
    """The least number by which all can be multiplied to be whole."""
    return lcm(*[number.denominator for number in numbers])


def over(numbers: Sequence[Number], denominator: int) -> list[int]:
    """The numerators of all over a common denominator."""
    return [number.numerator * (denominator // number.denominator) for number in numbers]


def _priced(amount: int, price: Price) -> Number:
    return price(amount) if amount > 0 else 0
