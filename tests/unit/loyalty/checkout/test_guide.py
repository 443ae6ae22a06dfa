"""The worked examples of docs/guides/checkout.md."""

from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from services.loyalty.checkout.domain import PointsAsked, pay, usable
from services.loyalty.earning.domain import (
    AmountRefund,
    LineRefund,
    RefundRequest,
    RefundState,
    ReturnedLine,
    apply_refund,
    remaining_lines,
)
from services.loyalty.programs.domain import PayWithPoints
from services.loyalty.purchases.domain.settlement import PaidPoints, SettledBack, Settlement, settled_back, spread
from tests.support.builders.programs import line

GUIDE = Path(__file__).parents[4] / "docs/guides/checkout.md"


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    section = GUIDE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def minor(text: str) -> int:
    return int(Decimal(text) * 100)


def asked_of(text: str) -> PointsAsked:
    if text == "all":
        return PointsAsked()
    return PointsAsked(money_minor=minor(text)) if "." in text else PointsAsked(points=int(text))


@pytest.mark.parametrize("row", table("Paying with points"), ids=" ".join)
def test_paying_with_points(row: list[str]) -> None:
    rate, fewest, step, share, cart, payable, has, asked, pays, worth = row
    points, money = rate.split(" = ")
    policy = PayWithPoints(
        is_allowed=True,
        points=int(points),
        money=minor(money),
        points_min=int(fewest),
        step_points=int(step),
        percent_max=int(share),
    )

    most = usable(policy, total_minor=minor(cart), payable_minor=minor(payable), available=int(has))
    payment = pay(policy, asked_of(asked), most, nets_minor={1: minor(payable)})

    assert payment is not None
    assert (payment.points, payment.value_minor) == (int(pays), minor(worth))


@pytest.mark.parametrize("row", table("What comes back"), ids=" ".join)
def test_what_comes_back(row: list[str]) -> None:
    bought, paid_with, points, returned, back = row
    lines = [line(place, minor(text)) for place, text in enumerate(bought.split(", "), start=1)]
    value = minor(paid_with)
    paid = PaidPoints("points", int(points), value, spread(value, {each.position: each.net_minor for each in lines}))
    state = RefundState()

    for text in returned.split(", "):
        state = apply_refund(lines, state, request_of(text)).state

    remaining = remaining_lines(lines, state)
    left_minor = sum(each.net_minor for each in remaining)
    found = settled_back(
        Settlement(UUID(int=1), paid, ()),
        bought=lines,
        remaining=remaining,
        left_minor=left_minor,
        before=SettledBack(),
    )
    assert found.points == int(back)


def request_of(text: str) -> RefundRequest:
    if text.endswith(" x"):
        return LineRefund((ReturnedLine(int(text.removesuffix(" x")), Decimal(1)),))
    return AmountRefund(minor(text))
