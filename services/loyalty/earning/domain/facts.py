"""The declared fields that follow from an event itself: its sums, its lines and its time."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from services.loyalty.earning.domain.happening import EarnEvent
from services.loyalty.earning.domain.lines import PurchaseLine
from services.loyalty.programs.domain.conditions.fields import FactValue, time_facts


def event_facts(event: EarnEvent, *, local: datetime, tier_code: str) -> dict[str, FactValue | None]:
    """All that conditions may ask of an event; ``local`` is its instant in the program's zone.

    What the event says itself stands before what it was given: sums are those of the lines that it has now.
    """
    facts = {**event.facts, **time_facts(local), "member.tier": tier_code}
    if event.currency is not None:
        facts |= order_facts(event.lines, currency=event.currency)
    return facts


def order_facts(lines: Sequence[PurchaseLine], *, currency: str) -> dict[str, FactValue | None]:
    """What the lines of an order sum up to, money in its minor units."""
    total = sum(line.net_minor for line in lines)
    subtotal = sum(_amount(line) for line in lines)
    return {
        "order.total": total,
        "order.subtotal": subtotal,
        "order.discount": subtotal - total,
        "order.itemCount": sum((line.quantity for line in lines if line.quantity > 0), Decimal(0)),
        "order.lineCount": len(lines),
        "order.currency": currency,
        "order.skus": tuple(dict.fromkeys(line.sku for line in lines)),
        "order.products": tuple(dict.fromkeys(line.product for line in lines if line.product is not None)),
        "order.categories": tuple(dict.fromkeys(line.category for line in lines if line.category)),
    }


def line_facts(line: PurchaseLine) -> dict[str, FactValue | None]:
    """What conditions may ask of one line."""
    return {
        "line.sku": line.sku,
        "line.product": line.product,
        "line.category": line.category,
        "line.quantity": line.quantity,
        "line.amount": _amount(line),
        "line.discount": _amount(line) - line.net_minor,
        "line.net": line.net_minor,
    }


def _amount(line: PurchaseLine) -> int:
    return line.net_minor if line.amount_minor is None else line.amount_minor
