"""A cart of which not everything is handed over: what is sold, and what of discounts and points goes with it.

Every amount of a line is split into what is delivered and what is not by largest remainder, so that the two always sum
to what was quoted; what a till would see is the sum of the parts.
"""

import dataclasses
from collections.abc import Mapping
from decimal import Decimal

from services.loyalty.checkout.domain.payment import PointsPayment
from services.loyalty.checkout.domain.pricing import Lowered, Priced, paid_with
from services.loyalty.coupons.domain import Applied
from services.loyalty.purchases.domain.receipt import ReceiptLine
from services.loyalty.purchases.domain.settlement import spread
from services.platform.errors import InvalidInput
from services.platform.money import allocate

_Parts = Mapping[int, tuple[int, int]]


def delivered(priced: Priced, quantities: Mapping[int, Decimal]) -> Priced:
    """The part of a priced cart that was handed over, with its lines numbered anew.

    ``quantities`` are by position, without sign; a position that is not there was not delivered. Shipping stays.

    Raises:
        InvalidInput: UNKNOWN for a position that the cart has not, OUT_OF_RANGE for more than was ordered or less than
            nothing, COUNT_OUT_OF_RANGE where nothing was delivered.
    """
    lines = {line.position: line for line in priced.lowered.receipt.lines}
    for position, quantity in quantities.items():
        if position not in lines:
            raise InvalidInput(field="delivered", reason="UNKNOWN", limit=str(position))
        if not quantity.is_finite() or not 0 <= quantity <= _whole(lines[position]):
            raise InvalidInput(field="delivered", reason="OUT_OF_RANGE", limit=str(_whole(lines[position])))
    given = {position: quantities.get(position, Decimal(0)) for position in lines}
    parts = {position: _part(line, given[position]) for position, line in lines.items()}
    kept = [position for position, quantity in given.items() if quantity]
    if not kept:
        raise InvalidInput(field="delivered", reason="COUNT_OUT_OF_RANGE", limit=str(len(lines)))
    numbers = {position: number for number, position in enumerate(kept, start=1)}
    coupons = priced.lowered.discounting
    applied = tuple(_applied(one, parts, numbers) for one in coupons.applied)
    # One that takes nothing off what was handed over is not used up.
    discounting = dataclasses.replace(coupons, applied=tuple(one for one in applied if one.amount_minor))
    receipt = dataclasses.replace(
        priced.lowered.receipt,
        discount_minor=sum(allocate(_share(lines[position]), parts[position])[0] for position in kept),
        lines=tuple(
            dataclasses.replace(
                _delivered_line(lines[position], parts[position]),
                position=numbers[position],
                quantity=_signed(given[position], lines[position]),
            )
            for position in kept
        ),
    )
    by_line = _of_lines(priced.payment.by_line, parts, numbers)
    value = min(sum(by_line.values()), max(0, receipt.total_minor))
    if value < sum(by_line.values()):
        # Beside a negative line points would pay for more than there is.
        by_line = spread(value, {line.position: line.net_minor for line in receipt.lines if line.position in by_line})
    whole = priced.payment.value_minor
    points = allocate(priced.payment.points, (value, whole - value))[0] if whole else 0
    lowered = Lowered(priced.lowered.before, receipt, discounting)
    return paid_with(lowered, priced.usable, PointsPayment(points, value, by_line))


def _whole(line: ReceiptLine) -> Decimal:
    return abs(line.quantity) or Decimal(1)


def _signed(quantity: Decimal, line: ReceiptLine) -> Decimal:
    return quantity.copy_sign(line.quantity) if line.quantity else line.quantity


def _part(line: ReceiptLine, quantity: Decimal) -> tuple[int, int]:
    """Two whole numbers that are to each other as what is delivered to what is not."""
    (part, part_of), (whole, whole_of) = quantity.as_integer_ratio(), _whole(line).as_integer_ratio()
    return part * whole_of, whole * part_of - part * whole_of


def _delivered_line(line: ReceiptLine, part: tuple[int, int]) -> ReceiptLine:
    if part[1] == 0:
        return line
    net, discount, share = (allocate(amount, part)[0] for amount in (line.net_minor, line.discount_minor, _share(line)))
    return dataclasses.replace(
        line,
        amount_minor=net + discount + share,
        discount_minor=discount,
        net_minor=net,
        tax_minor=allocate(line.tax_minor, part)[0],
    )


def _share(line: ReceiptLine) -> int:
    return line.amount_minor - line.discount_minor - line.net_minor


def _applied(one: Applied, parts: _Parts, numbers: Mapping[int, int]) -> Applied:
    by_line = _of_lines(one.by_line, parts, numbers)
    amount = sum(by_line.values()) + one.shipping_minor
    return dataclasses.replace(one, amount_minor=amount, by_line=by_line, units={})


def _of_lines(amounts: Mapping[int, int], parts: _Parts, numbers: Mapping[int, int]) -> dict[int, int]:
    shares = {
        numbers[position]: allocate(amount, parts[position])[0]
        for position, amount in amounts.items()
        if position in numbers
    }
    return {number: share for number, share in shares.items() if share}
