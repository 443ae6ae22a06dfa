"""A year of a real grocery chain: *The Complete Journey*, read from the Parquet files of its Python package.

``SOURCE.md`` beside this file says where the data come from, what is odd about them and what we make of it.
"""

from services.demo.dataset.domain import (
    CURRENCY,
    SHOP_ZONE,
    UNKNOWN_PATH,
    BasketPosition,
    BasketTotal,
    CategoryPath,
    SourceBasket,
    SourceHousehold,
    SourceLine,
    SourceStore,
)
from services.demo.dataset.errors import DatasetMissing
from services.demo.dataset.files import DatasetFiles, installed_dataset
from services.demo.dataset.reader import basket_count, basket_totals, baskets, households, products, stores
from services.demo.dataset.verification import Check, verify

__all__ = [
    "CURRENCY",
    "SHOP_ZONE",
    "UNKNOWN_PATH",
    "BasketPosition",
    "BasketTotal",
    "CategoryPath",
    "Check",
    "DatasetFiles",
    "DatasetMissing",
    "SourceBasket",
    "SourceHousehold",
    "SourceLine",
    "SourceStore",
    "basket_count",
    "basket_totals",
    "baskets",
    "households",
    "installed_dataset",
    "products",
    "stores",
    "verify",
]
