"""Points as money: how many may be paid of a basket, what they are worth, and on which lines that falls.

All of it is exact in whole minor units and whole points. What is paid is the smallest number of points that is worth
what it takes off, so that the cost always follows the discount really given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.loyalty.programs.domain import AboveLimit, PayWithPoints
from services.loyalty.purchases.domain.settlement import spread
from services.platform.money import divide_half_up

PERCENT = 100


class PointsLimit(StrEnum):
    """What keeps a member from paying with more points."""

    NOT_OFFERED = "not_offered"
    """The program offers none, there is no member, the member is inactive, or the currency is not the program's."""
    BALANCE = "balance"
    SHARE = "share"
    """The largest share of a basket."""
    PAYABLE = "payable"
    """What is to be paid for lines that may be paid with points."""
    MINIMUM = "minimum"
    """What could be paid is less than the fewest points."""


@dataclass(frozen=True, slots=True)
class PointsAsked:
    """How much to pay with points: so many, so much money's worth, or, with neither, all that may be."""

    points: int | None = None
    money_minor: int | None = None


@dataclass(frozen=True, slots=True)
class PointsUsable:
    """The most that may be paid: ``points``, worth ``value_minor``. ``limit`` is what bounds it."""

    points: int
    value_minor: int
    limit: PointsLimit


@dataclass(frozen=True, slots=True)
class PointsPayment:
    """``points`` pay ``value_minor``, of which ``by_line`` falls on each line by position."""

    points: int
    value_minor: int
    by_line: Mapping[int, int]


NOTHING = PointsPayment(0, 0, {})


def worth(policy: PayWithPoints, points: int) -> int:
    """What points are worth in minor units, rounded down."""
    return points * policy.money // policy.points


def usable(policy: PayWithPoints, *, total_minor: int, payable_minor: int, available: int) -> PointsUsable:
    """The most points with which a basket can be paid.

    ``total_minor`` is the basket after discounts, ``payable_minor`` what of it may be paid with points, ``available``
    what the member can spend.
    """
    if not policy.is_allowed:
        return PointsUsable(0, 0, PointsLimit.NOT_OFFERED)
    rounded = divide_half_up(max(0, total_minor), policy.cash_rounding) * policy.cash_rounding
    payable = min(max(0, payable_minor), max(0, total_minor), rounded)
    share = max(0, total_minor) * policy.percent_max // PERCENT
    value = min(payable, share)
    most = _most_within(policy, value)
    limit = PointsLimit.SHARE if share < payable else PointsLimit.PAYABLE
    if available < most:
        most, limit = _stepped_down(policy, available), PointsLimit.BALANCE
    points = _fewest_worth(policy, worth(policy, most))
    if points == 0 or most < policy.points_min:
        return PointsUsable(0, 0, PointsLimit.MINIMUM)
    points = max(points, _stepped_up(policy, policy.points_min))
    return PointsUsable(points, worth(policy, points), limit)


def pay(
    policy: PayWithPoints, asked: PointsAsked, most: PointsUsable, *, nets_minor: Mapping[int, int]
) -> PointsPayment | None:
    """What is paid with points; None where more was asked for than may be and the program refuses that.

    ``nets_minor`` are the lines that may be paid with points, by position, as far as they are above zero: they bear
    the payment in proportion by largest remainder. A request below the fewest points is none.
    """
    points = most.points
    if asked.points is not None or asked.money_minor is not None:
        wanted = _most_within(policy, asked.money_minor or 0)
        if asked.points is not None:
            wanted = _stepped_down(policy, asked.points)
        value = worth(policy, wanted)
        if value == 0 or wanted < policy.points_min:
            return NOTHING
        points = max(_fewest_worth(policy, value), _stepped_up(policy, policy.points_min))
    if points > most.points:
        if policy.above_limit is AboveLimit.REFUSE:
            return None
        points = most.points
    if points == 0:
        return NOTHING
    value = worth(policy, points)
    return PointsPayment(points, value, spread(value, nets_minor))


def _stepped_down(policy: PayWithPoints, points: int) -> int:
    return max(0, points) // policy.step_points * policy.step_points


def _stepped_up(policy: PayWithPoints, points: int) -> int:
    return -(-points // policy.step_points) * policy.step_points


def _most_within(policy: PayWithPoints, value_minor: int) -> int:
    """The most points, in steps, that are worth no more than an amount."""
    # worth(p) <= v is p * money < (v + 1) * points.
    return _stepped_down(policy, ((max(0, value_minor) + 1) * policy.points - 1) // policy.money)


def _fewest_worth(policy: PayWithPoints, value_minor: int) -> int:
    """The fewest points, in steps, that are worth at least an amount that some number of steps is worth exactly."""
    return _stepped_up(policy, -(-value_minor * policy.points // policy.money))
