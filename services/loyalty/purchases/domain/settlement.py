"""What of a purchase was settled by other means than money: points that paid, and coupons that lowered the price.

What comes back of it is a state that follows from what is left of the lines, so that returns in any steps end the same.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.loyalty.earning.domain import PurchaseLine
from services.platform.money import allocate


@dataclass(frozen=True, slots=True)
class PaidPoints:
    """``points`` of a unit that paid ``value_minor``, of which ``by_line`` fell on lines by position.

    ``released`` more had paid at first, and came back when the sale was rung up anew for less.
    """

    unit: str
    points: int
    value_minor: int
    by_line: Mapping[int, int]
    released: int = 0


@dataclass(frozen=True, slots=True)
class UsedCoupon:
    """A coupon that took ``amount_minor`` off: ``by_line`` by position, and ``shipping_minor``.

    ``budget_id`` names what paid for it.
    """

    coupon_id: UUID
    definition_id: UUID
    version_id: UUID
    amount_minor: int
    by_line: Mapping[int, int]
    shipping_minor: int = 0
    code: str | None = None
    budget_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """All of it. ``owner_id`` is the cart under whose name coupons and budgets were taken."""

    owner_id: UUID
    paid: PaidPoints | None
    coupons: tuple[UsedCoupon, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to give back."""
        return self.paid is None and not self.coupons


@dataclass(frozen=True, slots=True)
class SettledBack:
    """What has come back of a settlement in all: points and their worth, and of each coupon's amount, by coupon.

    ``is_whole`` tells that nothing is left, no goods that were free either: the coupons can be used again.
    """

    points: int = 0
    value_minor: int = 0
    coupons: Mapping[UUID, int] | None = None
    is_whole: bool = False

    def of(self, coupon_id: UUID) -> int:
        """What has come back of a coupon's amount."""
        return (self.coupons or {}).get(coupon_id, 0)


def spread(value_minor: int, nets_minor: Mapping[int, int]) -> dict[int, int]:
    """An amount over the lines that bear it, by position: those above zero, in proportion by largest remainder."""
    positions = [position for position, net in sorted(nets_minor.items()) if net > 0]
    if not positions or value_minor == 0:
        return {}
    parts = allocate(value_minor, [nets_minor[position] for position in positions])
    return {position: part for position, part in zip(positions, parts, strict=True) if part}


def amended(settlement: Settlement, *, nets_minor: Mapping[int, int], total_minor: int) -> Settlement:
    """What settles a sale that was rung up anew: points pay no more than there is, and all falls on its lines."""
    paid = settlement.paid
    if paid is not None:
        value = min(paid.value_minor, max(0, total_minor))
        points = allocate(paid.points, (value, paid.value_minor - value))[0] if paid.value_minor else 0
        released = paid.released + paid.points - points
        paid = PaidPoints(paid.unit, points, value, spread(value, nets_minor), released)
    coupons = tuple(
        dataclasses.replace(each, by_line=spread(each.amount_minor - each.shipping_minor, nets_minor))
        for each in settlement.coupons
    )
    return Settlement(settlement.owner_id, paid, coupons)


def settled_back(
    settlement: Settlement,
    *,
    bought: Sequence[PurchaseLine],
    remaining: Sequence[PurchaseLine],
    left_minor: int,
    before: SettledBack,
) -> SettledBack:
    """What has come back in all, where ``remaining`` is left of the lines that were ``bought`` and ``left_minor`` paid.

    Of a line's payment and discounts the same part comes back as of its net, or of its quantity where nothing was
    paid; points in proportion to the worth that has come back, and never fewer than paid for more than is left: beside
    a negative line, points would become money. All of it is largest remainder on running totals, and never less than
    has come back ``before``.
    """
    left = {line.position: line for line in remaining}
    parts = {line.position: _part_left(line, left[line.position]) for line in bought}
    is_whole = before.is_whole or all(part == 0 for part, _ in parts.values())
    coupons = {
        each.coupon_id: each.amount_minor if is_whole else _back(each.by_line, parts) for each in settlement.coupons
    }
    paid = settlement.paid
    if paid is None:
        return SettledBack(0, 0, coupons, is_whole)
    left_paid = 0 if is_whole else max(0, left_minor)
    value = max(_back(paid.by_line, parts), paid.value_minor - left_paid, before.value_minor)
    points = allocate(paid.points, (value, paid.value_minor - value))[0] if paid.value_minor else 0
    return SettledBack(points, value, coupons, is_whole)


def settlement_json(settlement: Settlement) -> dict[str, Any]:
    """What is kept of it."""
    paid = settlement.paid
    return {
        "owner": str(settlement.owner_id),
        "paid": None
        if paid is None
        else [paid.unit, paid.points, paid.value_minor, _numbers_json(paid.by_line), paid.released],
        "coupons": [
            [
                str(each.coupon_id),
                str(each.definition_id),
                str(each.version_id),
                each.amount_minor,
                _numbers_json(each.by_line),
                each.shipping_minor,
                each.code,
                None if each.budget_id is None else str(each.budget_id),
            ]
            for each in settlement.coupons
        ],
    }


def parse_settlement(data: Mapping[str, Any]) -> Settlement:
    """What `settlement_json` wrote."""
    paid = data["paid"]
    return Settlement(
        owner_id=UUID(data["owner"]),
        paid=None if paid is None else PaidPoints(paid[0], paid[1], paid[2], _numbers(paid[3]), paid[4]),
        coupons=tuple(
            UsedCoupon(
                coupon_id=UUID(coupon),
                definition_id=UUID(definition),
                version_id=UUID(version),
                amount_minor=amount,
                by_line=_numbers(by_line),
                shipping_minor=shipping,
                code=code,
                budget_id=None if budget is None else UUID(budget),
            )
            for coupon, definition, version, amount, by_line, shipping, code, budget in data["coupons"]
        ),
    )


def back_json(back: SettledBack) -> dict[str, Any]:
    """What is kept of what came back."""
    coupons = {str(coupon_id): amount for coupon_id, amount in (back.coupons or {}).items()}
    return {"points": back.points, "value": back.value_minor, "coupons": coupons, "whole": back.is_whole}


def parse_back(data: Mapping[str, Any] | None) -> SettledBack:
    """What `back_json` wrote; nothing where nothing has come back."""
    if data is None:
        return SettledBack()
    coupons = {UUID(coupon_id): amount for coupon_id, amount in data["coupons"].items()}
    return SettledBack(data["points"], data["value"], coupons, data["whole"])


def _part_left(line: PurchaseLine, left: PurchaseLine) -> tuple[int, int]:
    """What is left of a line, as a fraction."""
    if left.is_returned:
        return 0, 1
    if line.net_minor > 0:
        return min(max(0, left.net_minor), line.net_minor), line.net_minor
    (part, part_of), (whole, whole_of) = left.quantity.as_integer_ratio(), line.quantity.as_integer_ratio()
    return (part * whole_of, whole * part_of) if whole > 0 else (1, 1)


def _back(by_line: Mapping[int, int], parts: Mapping[int, tuple[int, int]]) -> int:
    return sum(
        allocate(amount, (parts[position][1] - parts[position][0], parts[position][0]))[0]
        for position, amount in by_line.items()
    )


def _numbers_json(numbers: Mapping[int, int]) -> list[list[int]]:
    return [[position, amount] for position, amount in sorted(numbers.items())]


def _numbers(data: Sequence[Sequence[int]]) -> dict[int, int]:
    return {each[0]: each[1] for each in data}
