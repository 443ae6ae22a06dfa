"""What of a receipt earns: before discounts or after them, with which tax, and less what was paid with points."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.loyalty.programs.domain.policies import BasePolicy, TaxPolicy
from services.platform.money import allocate


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line in minor units: its amount, its own discount, its share of the order's, and the tax on what was paid.

    ``tax_minor`` is a part of the amounts, or comes on top of them, as the receipt says.
    """

    amount_minor: int
    discount_minor: int
    share_minor: int
    tax_minor: int = 0


@dataclass(frozen=True, slots=True)
class EarnBase:
    """What earns, in minor units: of each line in their order, and of shipping."""

    lines: tuple[int, ...]
    shipping_minor: int


def earn_base(
    policy: BasePolicy,
    lines: Sequence[PricedLine],
    *,
    prices_include_tax: bool,
    shipping_minor: int = 0,
    points_minor: int = 0,
    points_by_line: Sequence[int] | None = None,
) -> EarnBase:
    """The base of a receipt. ``points_minor`` of it was paid with points, which earn no points.

    They lower the lines that count above zero, and shipping where it counts, in proportion by largest remainder; what
    is more than there is has no effect. Where ``points_by_line`` tells what they paid, they lower just that. Stored
    value and gift cards are payment and lower nothing.
    """
    bases = [_line_base(policy, line, prices_include_tax=prices_include_tax) for line in lines]
    shipping = shipping_minor if policy.with_shipping else 0
    if points_by_line is not None:
        paid = zip(bases, points_by_line, strict=True)
        return EarnBase(tuple(base - min(max(0, base), points) for base, points in paid), shipping)
    weights = [max(0, base) for base in (*bases, shipping)]
    lowered = min(points_minor, sum(weights))
    if lowered > 0:
        parts = allocate(lowered, weights)
        bases = [base - part for base, part in zip(bases, parts[:-1], strict=True)]
        shipping -= parts[-1]
    return EarnBase(tuple(bases), shipping)


def _line_base(policy: BasePolicy, line: PricedLine, *, prices_include_tax: bool) -> int:
    base = line.amount_minor
    if not policy.before_discounts:
        base -= line.discount_minor + (line.share_minor if policy.order_discount_lowers_lines else 0)
    if policy.tax is TaxPolicy.WITH and not prices_include_tax:
        return base + line.tax_minor
    if policy.tax is TaxPolicy.WITHOUT and prices_include_tax:
        return base - line.tax_minor
    return base
