"""What tills may tell of a sale beyond its lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class TenderKind(StrEnum):
    """What was paid with. Points lower what earns; stored value and gift cards are payment like cash."""

    CASH = "cash"
    CARD = "card"
    MOBILE = "mobile"
    STORED_VALUE = "stored_value"
    GIFT_CARD = "gift_card"
    POINTS = "points"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Tender:
    """``amount_minor`` minor units of the purchase's currency were paid so."""

    kind: TenderKind
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Told:
    """What else a till may tell of a sale; all of it may be left out.

    ``shipping_minor`` is not among the lines nor in their total. ``prices_include_tax`` says whether the lines' tax is
    a part of their amounts (as in China and Europe) or comes on top. ``codes`` were entered, ``staff`` served, and
    ``fields`` are the merchant's own, which the program declares: JSON, checked by `telling.check_fields`.
    """

    shipping_minor: int = 0
    prices_include_tax: bool = True
    tenders: tuple[Tender, ...] = ()
    codes: tuple[str, ...] = ()
    staff: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
