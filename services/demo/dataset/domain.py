"""What a till of the chain wrote down, in the terms of a purchase."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

CURRENCY: Final = "USD"
SHOP_ZONE: Final = "America/New_York"
"""The source's own week numbers begin at midnight on Monday in this zone, all year: summer time included."""

CategoryPath: TypeAlias = tuple[str, ...]
"""Department, category, product type; shorter where the source knows less."""

UNKNOWN_PATH: Final[CategoryPath] = ("UNKNOWN",)
"""The path of a product that was sold and is in no catalog. Most of them are scanned coupons and corrections."""

UNSPECIFIED: Final = "UNSPECIFIED"
FUEL: Final = "FUEL"
GIFT_CARDS: Final = "GIFT CARDS"


def category_path(*, department: str, category: str | None, product_type: str | None) -> CategoryPath:
    """The path by which rules find a product.

    Gasoline and gift cards each become one department. The source keeps 1,700 sales of gasoline and all gift cards
    under MISCELLANEOUS or supplies, where no rule about fuel or gift cards could name them.
    """
    if product_type is not None and product_type.startswith("GASOLINE"):
        department = FUEL
    elif product_type is not None and "GIFT CARD" in product_type:
        department = GIFT_CARDS
    if product_type is not None:
        return (department, category or UNSPECIFIED, product_type)
    return (department,) if category is None else (department, category)


@dataclass(frozen=True, slots=True)
class SourceStore:
    """A store and its number of baskets in the year (from 1 to 4,194)."""

    code: str
    basket_count: int


@dataclass(frozen=True, slots=True)
class SourceHousehold:
    """A household and what is known of it, in the words of the source (``age`` "45-54"); a third told something."""

    code: str
    basket_count: int
    age: str | None
    income: str | None
    household_size: str | None
    kids_count: str | None


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One product of a basket, amounts in cents. A basket never holds a product twice: the sku names the line.

    ``net_minor`` is what the store receives: the shelf price less the card discount and less the store's match of a
    coupon. ``coupon_minor`` is the manufacturer's coupon, which is a means of payment: the manufacturer pays that part
    of ``net_minor``. It can exceed ``net_minor``, since a scanned coupon may be a line of its own at no price.

    ``quantity`` is as recorded: pieces, for most fuel thousandths of a gallon, and 0 where nothing was counted (a
    coupon, a correction).
    """

    sku: str
    path: CategoryPath
    quantity: int
    net_minor: int
    card_discount_minor: int
    coupon_match_minor: int
    coupon_minor: int

    @property
    def discount_minor(self) -> int:
        """What the store gave up: card discount and coupon match."""
        return self.card_discount_minor + self.coupon_match_minor

    @property
    def gross_minor(self) -> int:
        """The shelf price of the line."""
        return self.net_minor + self.discount_minor


@dataclass(frozen=True, slots=True)
class BasketPosition:
    """A place in the order of baskets: by time, then by basket number."""

    occurred_at: datetime
    basket_id: str


@dataclass(frozen=True, slots=True)
class BasketTotal:
    """What a basket came to, in cents, by SQL alone: ``net_minor`` is ``SourceBasket.net_minor``."""

    household_code: str
    net_minor: int


@dataclass(frozen=True, slots=True)
class SourceBasket:
    """One visit to a till; ``lines`` in the order of product numbers. 478 baskets have a total of nothing."""

    basket_id: str
    household_code: str
    store_code: str
    occurred_at: datetime
    lines: tuple[SourceLine, ...]

    @property
    def position(self) -> BasketPosition:
        """Hand it back as ``after`` to go on with the next basket."""
        return BasketPosition(occurred_at=self.occurred_at, basket_id=self.basket_id)

    @property
    def net_minor(self) -> int:
        """What the store receives for the basket, in cents."""
        return sum(line.net_minor for line in self.lines)

    @property
    def coupon_minor(self) -> int:
        """The part of the basket that manufacturers pay by coupon, in cents; in 19 baskets more than its total."""
        return sum(line.coupon_minor for line in self.lines)
