"""One coupon on a cart: what it takes off which lines, or why nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from services.loyalty.coupons.domain.carts import Applied, Reason, Refused
from services.loyalty.coupons.domain.definitions import Basis, Benefit, BenefitKind, DiscountRounding, Picks
from services.loyalty.coupons.domain.qualifying import (
    Plan,
    obstacle,
    reached_step,
    times_reached,
    units_needed,
)
from services.loyalty.coupons.domain.states import (
    State,
    Taken,
    lowered,
    only,
    open_pieces,
    pick,
    pieces_of,
    served,
    shipped,
    size_of_piece,
    without,
)
from services.platform.money import allocate, divide_half_up

_ALL = Decimal(100)


@dataclass(frozen=True, slots=True)
class Effect:
    """What an offer did, and the cart after it."""

    applied: Applied
    state: State


def apply(plan: Plan, state: State) -> Effect | Refused:
    """What an offer does to a cart in this state."""
    refused = obstacle(plan, state)
    if refused is not None:
        return refused
    effect = _BY_KIND[plan.offer.content.benefit.kind](plan, state)
    return effect if effect.applied.amount_minor else Refused(plan.offer.id, Reason.NOTHING_LEFT)


def _percent(plan: Plan, state: State, *, percent: Decimal | None = None) -> Effect:
    benefit = plan.offer.content.benefit
    share = percent or benefit.percent or _ALL
    if benefit.units_max is not None:
        taken = pick(state, plan.inside, benefit.units_max, is_dearest=benefit.picks is Picks.DEAREST, is_paid=True)
        limits = {part.index: part.minor for part in taken}
        bases = limits
        if benefit.basis is Basis.INITIAL:
            bases = {part.index: _initial(plan, part) for part in taken}
        return _serve(plan, state, taken, taken, _shares(bases, limits, share, benefit))
    limits = {index: state.lines[index].left_minor for index in plan.inside}
    bases = limits
    if benefit.basis is Basis.INITIAL:
        bases = {index: plan.cart.items[index].gross_minor for index in plan.inside}
    return _lower(plan, state, _shares(bases, limits, share, benefit))


def _amount(plan: Plan, state: State, *, minor: int | None = None) -> Effect:
    limits = {index: state.lines[index].left_minor for index in plan.inside}
    wanted = min(minor or plan.offer.content.benefit.amount_minor or 0, sum(limits.values()))
    return _lower(plan, state, _split(wanted, limits, limits))


def _stepped(plan: Plan, state: State) -> Effect:
    step = reached_step(plan, state)
    if step.percent is not None:
        return _percent(plan, state, percent=step.percent)
    times = times_reached(plan, state, step) if plan.offer.content.benefit.is_repeated else 1
    return _amount(plan, state, minor=times * (step.amount_minor or 0))


def _per_unit(plan: Plan, state: State) -> Effect:
    benefit = plan.offer.content.benefit
    count = open_pieces(state, plan.inside) if benefit.units_max is None else benefit.units_max
    taken = pick(state, plan.inside, count, is_dearest=benefit.picks is Picks.DEAREST, is_paid=True)
    wanted: dict[int, int] = {}
    for part in taken:
        size = Fraction(size_of_piece(plan.cart.items[part.index])) * part.pieces * (benefit.amount_minor or 0)
        wanted[part.index] = min(part.minor, divide_half_up(size.numerator, size.denominator))
    return _serve(plan, state, taken, taken, wanted)


def _free_item(plan: Plan, state: State) -> Effect:
    benefit = plan.offer.content.benefit
    taken = pick(state, plan.inside, benefit.get_units or 1, is_dearest=benefit.picks is Picks.DEAREST, is_paid=True)
    return _serve(plan, state, taken, taken, _cheaper(taken, benefit))


def _cheapest(plan: Plan, state: State) -> Effect:
    benefit = plan.offer.content.benefit
    cheap = pick(state, plan.inside, benefit.get_units or 1, is_dearest=False, is_paid=True)
    others = max(0, units_needed(benefit) - (benefit.get_units or 1))
    beside = pick(without(state, cheap), plan.inside, others, is_dearest=False)
    return _serve(plan, state, [*cheap, *beside], cheap, _cheaper(cheap, benefit))


def _n_for_m(plan: Plan, state: State) -> Effect:
    benefit = plan.offer.content.benefit
    many, paid = benefit.buy_units or 1, benefit.pay_units or 0
    times = open_pieces(state, plan.inside) // many
    times = times if benefit.times_max is None else min(times, benefit.times_max)
    is_dearest = benefit.picks is Picks.DEAREST
    free = pick(state, plan.inside, times * (many - paid), is_dearest=is_dearest, is_paid=True)
    beside = pick(without(state, free), plan.inside, times * paid, is_dearest=is_dearest)
    return _serve(plan, state, [*free, *beside], free, _cheaper(free, benefit))


def _buy_x_get_y(plan: Plan, state: State) -> Effect:
    benefit = plan.offer.content.benefit
    is_dearest = benefit.picks is Picks.DEAREST
    both = [index for index in plan.inside if index in set(plan.target)]
    only_bought = [index for index in plan.inside if index not in set(both)]
    only_given = [index for index in plan.target if index not in set(both)]
    alone, shared = open_pieces(state, only_bought), open_pieces(state, both)
    times, given = _times(benefit, alone, open_pieces(state, only_given), shared)
    bought = times * (benefit.buy_units or 1)
    # Units that can only be bought are bought first, so that as many as possible are left to be given.
    spare = shared - max(0, bought - alone)
    of_both = pick(state, both, spare, is_dearest=is_dearest)
    gifts = pick(only(state, only_given, of_both), plan.target, given, is_dearest=is_dearest, is_paid=True)
    rest = without(state, gifts)
    first = pick(rest, only_bought, bought, is_dearest=is_dearest)
    left = bought - sum(part.pieces for part in first)
    others = pick(rest, both, left, is_dearest=is_dearest)
    return _serve(plan, state, [*gifts, *first, *others], gifts, _cheaper(gifts, benefit))


def _times(benefit: Benefit, alone: int, given: int, shared: int) -> tuple[int, int]:
    """How often a buy-x-get-y counts, so that most units are given, and how many; the last time may give fewer."""
    buy, get = benefit.buy_units or 1, benefit.get_units or 1
    most = (alone + shared) // buy
    most = most if benefit.times_max is None else min(most, benefit.times_max)

    def gifts(times: int) -> int:
        return min(times * get, given + shared - max(0, times * buy - alone))

    # The more often, the more are given, until what is left to give runs short: look for that turn.
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if gifts(middle) == middle * get:
            low = middle
        else:
            high = middle - 1
    times = max(low, min(low + 1, most), key=lambda many: (gifts(many), -many))
    return times, gifts(times)


def _shipping(plan: Plan, state: State) -> Effect:
    benefit = plan.offer.content.benefit
    minor = _of(state.shipping_minor, benefit.percent or _ALL)
    minor = minor if benefit.cap_minor is None else min(minor, benefit.cap_minor)
    return Effect(Applied(plan.offer.id, minor, shipping_minor=minor), shipped(state, minor))


def _initial(plan: Plan, part: Taken) -> int:
    """What units of a line cost before any discount, half-up."""
    item = plan.cart.items[part.index]
    return divide_half_up(item.gross_minor * part.pieces, pieces_of(item))


def _cheaper(taken: Sequence[Taken], benefit: Benefit) -> dict[int, int]:
    """What a percentage takes off units, by line."""
    limits = {part.index: part.minor for part in taken}
    return _shares(limits, limits, benefit.percent or _ALL, benefit)


def _shares(bases: Mapping[int, int], limits: Mapping[int, int], percent: Decimal, benefit: Benefit) -> dict[int, int]:
    """A percentage of the bases by line, rounded where the benefit says, no line above its limit."""
    if benefit.rounding is DiscountRounding.LINE:
        return {index: min(limits[index], _of(base, percent)) for index, base in bases.items()}
    total = min(_of(sum(bases.values()), percent), sum(limits.values()))
    return _split(total, bases, limits)


def _of(minor: int, percent: Decimal) -> int:
    share = Fraction(percent) * minor / 100
    return divide_half_up(share.numerator, share.denominator)


def _split(total: int, weights: Mapping[int, int], limits: Mapping[int, int]) -> dict[int, int]:
    """An amount over lines in proportion to weights, by largest remainder, ties to the earlier line.

    What a line's limit does not take goes to the others in the same proportion; the limits sum to the amount at least.
    """
    parts: dict[int, int] = {}
    rest = {index: weights[index] for index in sorted(weights)}
    while rest:
        if not any(rest.values()):
            rest = {index: limits[index] for index in rest}
        shares = dict(zip(rest, allocate(total, tuple(rest.values())), strict=True))
        full = [index for index, share in shares.items() if share > limits[index]]
        if not full:
            return parts | shares
        for index in full:
            parts[index] = limits[index]
            total -= limits[index]
            del rest[index]
    return parts


def _bounded(plan: Plan, state: State, wanted: Mapping[int, int]) -> dict[int, int]:
    """What is wanted of lines within the cap and what the order has left; lines with nothing are left out."""
    cap = plan.offer.content.benefit.cap_minor
    total = sum(wanted.values())
    bounded = max(0, min(total, state.room_minor, total if cap is None else cap))
    parts = wanted if bounded == total else _split(bounded, wanted, wanted)
    return {index: minor for index, minor in sorted(parts.items()) if minor}


def _lower(plan: Plan, state: State, wanted: Mapping[int, int]) -> Effect:
    """Money off whole lines."""
    parts = _bounded(plan, state, wanted)
    by_line = {plan.cart.items[index].position: minor for index, minor in parts.items()}
    return Effect(Applied(plan.offer.id, sum(parts.values()), by_line), lowered(state, parts))


def _serve(
    plan: Plan, state: State, taken: Sequence[Taken], cheaper: Sequence[Taken], wanted: Mapping[int, int]
) -> Effect:
    """Money off units; all that were counted for it serve no other item promotion."""
    parts = _bounded(plan, state, wanted)
    by_line = {plan.cart.items[index].position: minor for index, minor in parts.items()}
    units = {plan.cart.items[part.index].position: part.pieces for part in cheaper if parts.get(part.index)}
    applied = Applied(plan.offer.id, sum(parts.values()), by_line, units=units)
    return Effect(applied, served(state, taken, parts))


_BY_KIND: Mapping[BenefitKind, Callable[[Plan, State], Effect]] = {
    BenefitKind.PERCENT: _percent,
    BenefitKind.AMOUNT: _amount,
    BenefitKind.FREE_ITEM: _free_item,
    BenefitKind.BUY_X_GET_Y: _buy_x_get_y,
    BenefitKind.N_FOR_M: _n_for_m,
    BenefitKind.CHEAPEST: _cheapest,
    BenefitKind.SHIPPING: _shipping,
    BenefitKind.PER_UNIT: _per_unit,
    BenefitKind.STEPPED: _stepped,
}
