"""Proof that the installed files are the year that we describe, and that our reading of them loses nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.demo.dataset.domain import FUEL, GIFT_CARDS, SHOP_ZONE, UNKNOWN_PATH, SourceBasket, SourceLine
from services.demo.dataset.files import DatasetFiles
from services.demo.dataset.reader import basket_count, baskets, households, products, scan, stores

_MANY_PIECES = 100


@dataclass(frozen=True, slots=True)
class Check:
    """One number as we state it and as it was found. Amounts are cents."""

    name: str
    expected: int | str
    found: int | str

    @property
    def passed(self) -> bool:
        return self.expected == self.found


# What the files say by SQL alone, without our reading of them.
_SOURCE_FACTS: dict[str, tuple[int | str, str]] = {
    "lines": (1_469_307, "count(*)"),
    "baskets": (155_848, "count(DISTINCT basket_id)"),
    "households": (2_469, "count(DISTINCT household_id)"),
    "stores": (457, "count(DISTINCT store_id)"),
    "products sold": (68_509, "count(DISTINCT product_id)"),
    "sales": (459_603_958, "sum(CAST(round(sales_value * 100) AS BIGINT))"),
    "amounts further than 1e-6 from a whole cent": (
        0,
        """count(*) FILTER (greatest(
            abs(sales_value * 100 - round(sales_value * 100)), abs(retail_disc * 100 - round(retail_disc * 100)),
            abs(coupon_disc * 100 - round(coupon_disc * 100)),
            abs(coupon_match_disc * 100 - round(coupon_match_disc * 100))) > 1e-6)""",
    ),
    "lines with a negative number": (
        0,
        "count(*) FILTER (least(quantity, sales_value, retail_disc, coupon_disc, coupon_match_disc) < 0)",
    ),
    "lines in another week than the source says": (
        0,
        # Week 1 ends on Sunday, 1 January 2017; weeks begin on Monday at midnight of the shop's zone.
        f"""count(*) FILTER (week <> 1 + date_diff('day', DATE '2016-12-26',
            CAST(timezone('{SHOP_ZONE}', timezone('UTC', transaction_timestamp)) AS DATE)) // 7)""",
    ),
    "baskets of several households, stores or instants": (
        0,
        "count(DISTINCT hash(basket_id, household_id, store_id, transaction_timestamp)) - count(DISTINCT basket_id)",
    ),
    "products twice in a basket": (0, "count(*) - count(DISTINCT hash(basket_id, product_id))"),
}

_READ_FACTS: dict[str, int | str] = {
    "stores": 457,
    "households": 2_469,
    "households with demographics": 801,
    "products": 92_348,
    "unknown products": 17,
    "baskets announced": 155_848,
    "baskets": 155_848,
    "baskets out of order": 0,
    "baskets with a total of nothing": 478,
    "baskets with coupons above their total": 19,
    "first basket": "2017-01-01T11:53:26+00:00",
    "last basket": "2018-01-01T04:01:20+00:00",
    "lines": 1_469_307,
    "lines counted as 0 pieces": 8_869,
    "lines of no value": 11_246,
    "lines of no pieces or no value": 11_275,
    "lines over 100 pieces": 13_510,
    "most pieces in a line": 89_638,
    "lines of unknown products": 4_836,
    "sales": 459_603_958,
    "lines of fuel": 14_697,
    "sales of fuel": 38_404_407,
    "sales of gift cards": 1_262_415,
    "sales of unknown products": 17_257,
    "card discounts": 79_165_064,
    "coupon matches": 454_265,
    "manufacturer coupons": 2_635_990,
}


def verify(files: DatasetFiles) -> tuple[Check, ...]:
    """Every number that the demo and its reconciliation rely on; reads the whole year once (some ten seconds)."""
    return (*_source_checks(files), *_read_checks(files))


def _source_checks(files: DatasetFiles) -> tuple[Check, ...]:
    expressions = ", ".join(expression for _, expression in _SOURCE_FACTS.values())
    with scan(f"SELECT {expressions} FROM read_parquet($file)", {"file": str(files.transactions)}) as rows:
        values = next(rows)
    return tuple(
        Check(name=f"source: {name}", expected=expected, found=int(value))
        for (name, (expected, _)), value in zip(_SOURCE_FACTS.items(), values, strict=True)
    )


def _read_checks(files: DatasetFiles) -> tuple[Check, ...]:
    known = households(files)
    paths = products(files)
    found: dict[str, int | str] = {
        "stores": len(stores(files)),
        "households": len(known),
        "households with demographics": sum(household.age is not None for household in known),
        "products": len(paths),
        "unknown products": sum(path == UNKNOWN_PATH for path in paths.values()),
        "baskets announced": basket_count(files),
        **_walk(baskets(files)),
    }
    return tuple(
        Check(name=f"read: {name}", expected=expected, found=found.get(name, 0))
        for name, expected in _READ_FACTS.items()
    )


def _walk(year: Iterable[SourceBasket]) -> dict[str, int | str]:
    counts: Counter[str] = Counter()
    first: SourceBasket | None = None
    last: SourceBasket | None = None
    for basket in year:
        first = first or basket
        counts["baskets"] += 1
        counts["baskets out of order"] += last is not None and _order(last) >= _order(basket)
        counts["baskets with a total of nothing"] += basket.net_minor <= 0
        counts["baskets with coupons above their total"] += basket.coupon_minor > basket.net_minor
        for line in basket.lines:
            _count_line(counts, line)
        last = basket
    ends = {"first basket": first, "last basket": last}
    return {**counts, **{name: basket.occurred_at.isoformat() if basket else "" for name, basket in ends.items()}}


def _order(basket: SourceBasket) -> tuple[datetime, int]:
    return basket.occurred_at, int(basket.basket_id)


def _count_line(counts: Counter[str], line: SourceLine) -> None:
    counts["lines"] += 1
    counts["lines counted as 0 pieces"] += line.quantity == 0
    counts["lines of no value"] += line.net_minor <= 0
    counts["lines of no pieces or no value"] += line.quantity <= 0 or line.net_minor <= 0
    counts["lines over 100 pieces"] += line.quantity > _MANY_PIECES
    counts["most pieces in a line"] = max(counts["most pieces in a line"], line.quantity)
    counts["sales"] += line.net_minor
    counts["card discounts"] += line.card_discount_minor
    counts["coupon matches"] += line.coupon_match_minor
    counts["manufacturer coupons"] += line.coupon_minor
    if line.path == UNKNOWN_PATH:
        counts["lines of unknown products"] += 1
        counts["sales of unknown products"] += line.net_minor
    elif line.path[0] == FUEL:
        counts["lines of fuel"] += 1
        counts["sales of fuel"] += line.net_minor
    elif line.path[0] == GIFT_CARDS:
        counts["sales of gift cards"] += line.net_minor
