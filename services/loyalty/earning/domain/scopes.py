"""Lines that count together, with the sums that every rule over them needs: taken once."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.loyalty.earning.domain.lines import PurchaseLine


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """Lines in scope of rules; one object for all rules that have the same ones. Money in the event's minor units.

    ``amounts`` are what earns of each line and, where it is in scope and not zero, of shipping at the end;
    ``weights`` those of the lines that are above zero, else 0: a negative line has no points of its own, it has
    lowered what there is to share. ``base_minor`` is the sum of the lines, ``whole_minor`` with shipping and not
    below zero.
    """

    lines: tuple[PurchaseLine, ...]
    positions: tuple[int, ...]
    amounts: tuple[int, ...]
    weights: tuple[int, ...]
    base_minor: int
    whole_minor: int


def scope_of(lines: Iterable[PurchaseLine], *, shipping_minor: int = 0) -> Scope:
    """The scope of lines, and of shipping."""
    inside = tuple(lines)
    amounts = [line.earning_minor for line in inside]
    base = sum(amounts)
    return Scope(
        lines=inside,
        positions=tuple([line.position for line in inside]),
        amounts=(*amounts, shipping_minor) if shipping_minor else tuple(amounts),
        weights=tuple(amounts if min(amounts, default=0) >= 0 else [max(0, amount) for amount in amounts]),
        base_minor=base,
        whole_minor=max(0, base + shipping_minor),
    )
