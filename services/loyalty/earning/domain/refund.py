"""How much of a purchase has come back: one cumulative state, the same after any split of the same refunds.

Money of a partly returned line is ``net * returned / quantity`` rounded half-up on the running total. A free amount
lowers what remains of all lines in proportion, as if that fraction of the remainder had come back: positive lines by
highest averages (D'Hondt), negative lines likewise. Largest remainder would share as well, but not the running total
of several refunds: a further refund could take a cent back from a line (the Alabama paradox), and shares must never
move backwards. Highest averages are monotone in the total and in each weight (Balinski and Young, *Fair
Representation*, 1982) and never above the line.

A line that is returned after a free amount pays what is still unpaid of the purchase, so that no order of refunds
pays more than the purchase's total.
"""

import dataclasses
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from services.loyalty.earning.domain.lines import PurchaseLine, check_quantity
from services.loyalty.earning.errors import (
    NothingLeftToRefund,
    RefundBelowZero,
    RefundExceedsPurchase,
    RefundLineUnknown,
    RefundQuantityExceedsLine,
)
from services.platform.errors import InvalidInput
from services.platform.money import divide_half_up


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """A quantity of one line that comes back or has come back, counted without sign (see ``returnable``)."""

    position: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class RefundState:
    """All refunds of a purchase in sum: returned quantities by line, and money given back without naming lines."""

    returned: tuple[ReturnedLine, ...] = ()
    free_minor: int = 0


@dataclass(frozen=True, slots=True)
class FullRefund:
    """All that is left comes back."""


@dataclass(frozen=True, slots=True)
class LineRefund:
    """Quantities of some lines come back."""

    lines: tuple[ReturnedLine, ...]


@dataclass(frozen=True, slots=True)
class AmountRefund:
    """An amount of money is given back and no line is named."""

    amount_minor: int


RefundRequest = FullRefund | LineRefund | AmountRefund


@dataclass(frozen=True, slots=True)
class RefundedLine:
    """What one refund does to one line: the quantity that comes back and the money, below zero for a negative line."""

    position: int
    quantity: Decimal
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class RefundOutcome:
    """A refund done: the state after it, the lines it touched, their sum, and the lines as they are left."""

    state: RefundState
    lines: tuple[RefundedLine, ...]
    refunded_minor: int
    remaining: tuple[PurchaseLine, ...]


def returnable(line: PurchaseLine) -> Decimal:
    """How much of a line can be returned in all: its quantity without sign. A line of quantity 0 is one piece."""
    return abs(line.quantity) or Decimal(1)


def apply_refund(lines: Sequence[PurchaseLine], state: RefundState, request: RefundRequest) -> RefundOutcome:
    """Refund a part or the rest of a purchase with these lines and these earlier refunds.

    Raises:
        InvalidInput: no line, a line twice, a quantity or an amount that is not above zero.
        RefundLineUnknown: the purchase has no such line.
        RefundQuantityExceedsLine: less is left of a line.
        RefundExceedsPurchase: less money is left; a purchase with a total of zero or less has none to give.
        RefundBelowZero: the returned lines together would be worth less than nothing, as a discount without its goods.
        NothingLeftToRefund: a full refund of a purchase that has come back already.
    """
    after = _state_after(lines, state, request)
    before_money, after_money = _refunded(lines, state), _refunded(lines, after)
    quantities, quantities_before = _quantities(after), _quantities(state)
    touched = [
        RefundedLine(
            line.position,
            quantities.get(line.position, Decimal(0)) - quantities_before.get(line.position, Decimal(0)),
            after_money[line.position] - before_money[line.position],
        )
        for line in lines
    ]
    return RefundOutcome(
        state=after,
        lines=tuple(line for line in touched if line.quantity or line.refunded_minor),
        refunded_minor=sum(after_money.values()) - sum(before_money.values()),
        remaining=remaining_lines(lines, after),
    )


def remaining_lines(lines: Sequence[PurchaseLine], state: RefundState) -> tuple[PurchaseLine, ...]:
    """The lines as they are left after all refunds: quantity less what was returned, net less what was refunded."""
    money, quantities = _refunded(lines, state), _quantities(state)
    return tuple(
        dataclasses.replace(
            line,
            quantity=line.quantity - quantities.get(line.position, Decimal(0)).copy_sign(line.quantity)
            if line.quantity
            else line.quantity,
            net_minor=line.net_minor - money[line.position],
            amount_minor=_part_left(line, line.amount_minor, line.net_minor - money[line.position]),
            base_minor=_part_left(line, line.base_minor, line.net_minor - money[line.position]),
            is_returned=quantities.get(line.position) == returnable(line),
        )
        for line in lines
    )


def _part_left(line: PurchaseLine, whole: int | None, net_left: int) -> int | None:
    """What is left of another amount of the line: the same part as of the net. Where nothing was paid, all of it."""
    if whole is None or line.net_minor == 0:
        return whole
    sign = 1 if line.net_minor > 0 else -1
    return divide_half_up(sign * whole * net_left, sign * line.net_minor)


def refunded_minor(lines: Sequence[PurchaseLine], state: RefundState) -> int:
    """The money refunded so far, in minor units."""
    return sum(_refunded(lines, state).values())


def refundable_minor(lines: Sequence[PurchaseLine], state: RefundState) -> int:
    """The money that can still be refunded, in minor units; 0 for a purchase with a total of zero or less."""
    return max(0, sum(line.net_minor for line in lines) - refunded_minor(lines, state))


def _state_after(lines: Sequence[PurchaseLine], state: RefundState, request: RefundRequest) -> RefundState:
    match request:
        case FullRefund():
            return _return_rest(lines, state)
        case LineRefund(returned):
            return _return_lines(lines, state, returned)
        case AmountRefund(amount_minor):
            return _give_amount(lines, state, amount_minor)


def _return_rest(lines: Sequence[PurchaseLine], state: RefundState) -> RefundState:
    rest = tuple(ReturnedLine(line.position, returnable(line)) for line in lines)
    if _quantities(state) == {line.position: line.quantity for line in rest}:
        raise NothingLeftToRefund
    return RefundState(rest, state.free_minor)


def _return_lines(lines: Sequence[PurchaseLine], state: RefundState, returned: Sequence[ReturnedLine]) -> RefundState:
    if not returned or len({item.position for item in returned}) != len(returned):
        raise InvalidInput(field="lines", reason="DUPLICATE_POSITION" if returned else "EMPTY")
    by_position = {line.position: line for line in lines}
    quantities = _quantities(state)
    for index, item in enumerate(returned):
        line = by_position.get(item.position)
        if line is None:
            raise RefundLineUnknown(position=item.position)
        check_quantity(item.quantity, field=f"lines.{index}.quantity")
        if item.quantity <= 0:
            raise InvalidInput(field=f"lines.{index}.quantity", reason="NOT_POSITIVE")
        before = quantities.get(item.position, Decimal(0))
        left = returnable(line) - before
        if item.quantity > left:
            raise RefundQuantityExceedsLine(position=item.position, returnable=left, requested=item.quantity)
        quantities[item.position] = before + item.quantity
    after = RefundState(
        tuple(ReturnedLine(line.position, quantities[line.position]) for line in lines if line.position in quantities),
        state.free_minor,
    )
    _refuse_beyond_total(lines, state, after)
    return after


def _refuse_beyond_total(lines: Sequence[PurchaseLine], state: RefundState, after: RefundState) -> None:
    total = sum(line.net_minor for line in lines)
    value = sum(_returned_values(lines, after).values())
    step = value - sum(_returned_values(lines, state).values())
    if value > max(0, total):
        raise RefundExceedsPurchase(refundable_minor=refundable_minor(lines, state), requested_minor=step)
    if value < min(0, total):
        raise RefundBelowZero(refunded_minor=step)


def _give_amount(lines: Sequence[PurchaseLine], state: RefundState, amount_minor: int) -> RefundState:
    if amount_minor <= 0:
        raise InvalidInput(field="amount", reason="NOT_POSITIVE")
    left = refundable_minor(lines, state)
    if amount_minor > left:
        raise RefundExceedsPurchase(refundable_minor=left, requested_minor=amount_minor)
    return RefundState(state.returned, state.free_minor + amount_minor)


def _quantities(state: RefundState) -> dict[int, Decimal]:
    return {item.position: item.quantity for item in state.returned}


def _returned_values(lines: Sequence[PurchaseLine], state: RefundState) -> dict[int, int]:
    quantities = _quantities(state)
    values: dict[int, int] = {}
    for line in lines:
        returned, whole = (
            quantities.get(line.position, Decimal(0)).as_integer_ratio(),
            returnable(line).as_integer_ratio(),
        )
        values[line.position] = divide_half_up(line.net_minor * returned[0] * whole[1], returned[1] * whole[0])
    return values


def _refunded(lines: Sequence[PurchaseLine], state: RefundState) -> Mapping[int, int]:
    """The money refunded by line position: the value of what was returned, and the line's share of the free amount."""
    values = _returned_values(lines, state)
    left = {line.position: line.net_minor - values[line.position] for line in lines}
    whole = sum(left.values())
    free = min(state.free_minor, max(0, whole))
    if free == 0:
        return values
    negative = sum(-net for net in left.values() if net < 0)
    # The fraction free / whole of every line goes; negative lines give their part up, and positive lines bear it.
    given_up = negative * free // whole
    borne = _highest_averages(free + given_up, {position: net for position, net in left.items() if net > 0})
    released = _highest_averages(given_up, {position: -net for position, net in left.items() if net < 0})
    return {position: value + borne.get(position, 0) - released.get(position, 0) for position, value in values.items()}


def _highest_averages(total: int, weights: Mapping[int, int]) -> dict[int, int]:
    """Share ``total`` (not above the sum of the positive ``weights``), ties to the earlier key."""
    whole = sum(weights.values())
    if whole == 0:
        return {}
    # Every share is at least its quota rounded down; fewer parts are left than there are keys.
    shares = {key: total * weight // whole for key, weight in weights.items()}
    queue = [(-Fraction(weight, shares[key] + 1), key) for key, weight in weights.items()]
    heapq.heapify(queue)
    for _ in range(total - sum(shares.values())):
        _, key = queue[0]
        shares[key] += 1
        heapq.heapreplace(queue, (-Fraction(weights[key], shares[key] + 1), key))
    return shares
