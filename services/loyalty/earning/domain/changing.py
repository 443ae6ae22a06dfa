"""An event as it would be with some facts otherwise: what is said of its sums is done to its lines."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from services.loyalty.earning.domain.happening import EarnEvent
from services.loyalty.earning.domain.lines import PurchaseLine
from services.loyalty.earning.domain.smallest_change import Change

BASE = "base"
"""The pseudo field of what a rule counts of its lines, in minor units."""


@dataclass
class _Event:
    """An event in the making."""

    facts: dict[str, Any]
    lines: list[PurchaseLine]
    tier_code: str
    occurred_at: datetime
    currency: str | None
    added: dict[str, Any] = field(default_factory=dict)


def changed(
    event: EarnEvent, changes: Iterable[Change], *, tier_code: str, positions: tuple[int, ...] = ()
) -> tuple[EarnEvent, str]:
    """The event with the changes made, and the tier then. ``positions`` are the lines that a change of `BASE` concerns.

    More to pay is paid for the dearest line, less comes off line by line; fields of a line make a line more.
    """
    made = _Event(dict(event.facts), list(event.lines), tier_code, event.occurred_at, event.currency)
    for change in changes:
        name = change.field
        if name == "time":
            assert isinstance(change.wanted, datetime)
            made.occurred_at = change.wanted.astimezone(UTC)
        elif name == "member.tier":
            made.tier_code = str(change.wanted)
        elif name.startswith("line."):
            made.added[name] = change.wanted
        elif name == BASE:
            _pay(made, _more(change), only=positions)
        elif name in _OF_LINES and event.currency is not None:
            _OF_LINES[name](made, change)
        else:
            made.facts[name] = change.wanted
    if made.added:
        made.lines.append(_line(made))
    after = replace(
        event, facts=made.facts, lines=tuple(made.lines), occurred_at=made.occurred_at, currency=made.currency
    )
    return after, made.tier_code


def _more(change: Change) -> int:
    actual, wanted = change.actual, change.wanted
    return int(wanted if isinstance(wanted, int) else 0) - int(actual if isinstance(actual, int) else 0)


def _pay(made: _Event, more: int, *, only: tuple[int, ...] = ()) -> None:
    """Raise or lower what lines cost, before and after discounts alike."""
    left = more
    for place, line in sorted(enumerate(made.lines), key=lambda each: -each[1].net_minor):
        if left == 0 or (only and line.position not in only):
            continue
        step = left if left > 0 else max(left, -max(0, line.net_minor))
        made.lines[place] = replace(
            line,
            net_minor=line.net_minor + step,
            amount_minor=None if line.amount_minor is None else line.amount_minor + step,
            base_minor=None if line.base_minor is None else line.base_minor + step,
        )
        left -= step


def _discount(made: _Event, change: Change) -> None:
    more, line = _more(change), max(made.lines, key=lambda each: each.net_minor)
    amount = line.net_minor if line.amount_minor is None else line.amount_minor
    base = None if line.base_minor is None else line.base_minor - more
    lowered = replace(line, net_minor=line.net_minor - more, amount_minor=amount, base_minor=base)
    made.lines[made.lines.index(line)] = lowered


def _count_items(made: _Event, change: Change) -> None:
    left = Decimal(str(change.wanted or 0)) - Decimal(str(change.actual or 0))
    for place, line in enumerate(made.lines):
        if left and line.quantity > 0:
            step = left if left > 0 else max(left, -line.quantity)
            made.lines[place] = replace(line, quantity=line.quantity + step)
            left -= step


def _count_lines(made: _Event, change: Change) -> None:
    more = _more(change)
    made.lines = made.lines[:more] if more < 0 else made.lines
    for _ in range(more):
        made.lines.append(_empty(made))


def _set_currency(made: _Event, change: Change) -> None:
    made.currency = str(change.wanted)


def _listed(name: str, of: Callable[[PurchaseLine], Any], make: Callable[[PurchaseLine, Any], PurchaseLine]) -> Any:
    def change_lines(made: _Event, change: Change) -> None:
        wanted: Any = change.wanted or ()
        have = {of(line) for line in made.lines}
        made.lines = [line for line in made.lines if not of(line) or of(line) in wanted]
        made.lines += [make(_empty(made), value) for value in wanted if value not in have]

    change_lines.__name__ = name
    return change_lines


_OF_LINES: dict[str, Callable[[_Event, Change], None]] = {
    "order.total": lambda made, change: _pay(made, _more(change)),
    "order.subtotal": lambda made, change: _pay(made, _more(change)),
    "order.discount": _discount,
    "order.itemCount": _count_items,
    "order.lineCount": _count_lines,
    "order.currency": _set_currency,
    "order.skus": _listed("skus", lambda line: line.sku, lambda line, value: replace(line, sku=value)),
    "order.products": _listed("products", lambda line: line.product, lambda line, value: replace(line, product=value)),
    "order.categories": _listed(
        "categories", lambda line: line.category, lambda line, value: replace(line, category=value)
    ),
}


def _empty(made: _Event) -> PurchaseLine:
    position = max((line.position for line in made.lines), default=0) + 1
    return PurchaseLine(position=position, sku="", category=(), quantity=Decimal(0), net_minor=0)


def new_line_facts() -> dict[str, Any]:
    """The facts of a line that is not there yet, of which nothing is known but that it costs nothing."""
    return {
        "line.sku": "",
        "line.product": None,
        "line.category": (),
        "line.quantity": Decimal(1),
        "line.amount": 0,
        "line.discount": 0,
        "line.net": 0,
    }


def _line(made: _Event) -> PurchaseLine:
    facts = {**new_line_facts(), **made.added}
    net, discount = int(facts["line.net"]), int(facts["line.discount"])
    if "line.amount" in made.added and "line.net" not in made.added:
        net = int(facts["line.amount"]) - discount
    return replace(
        _empty(made),
        sku=facts["line.sku"] or "",
        product=facts["line.product"],
        category=facts["line.category"] or (),
        quantity=facts["line.quantity"],
        net_minor=net,
        amount_minor=net + discount,
    )
