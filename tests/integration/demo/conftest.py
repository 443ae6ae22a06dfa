from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from services.demo.chain import Chain, make_chain
from services.demo.dataset import DatasetFiles
from services.demo.dataset.files import dataset_in
from services.platform.db.engine import Database
from tests.support.tenants import DatabaseUrls

# Household 50 reads e-mail, 100 does so in Chinese, 7 does not. Basket 1002 wishes for $5 off, 1004 for a coffee,
# 1005 for $3 off: each number leaves the rest of a division by four.
_TRANSACTIONS = """
SELECT * FROM (VALUES
    (50,  31, 1004, 10, 2, 120.50, 4.5, 0.0, 0.5, TIMESTAMP '2017-01-01 12:00:00', 1),
    (7,   31, 1002, 10, 1, 1.15,   0.0, 0.0, 0.0, TIMESTAMP '2017-01-02 05:00:00', 2),
    (7,   31, 1002, 80, 4, 9.99,   1.0, 0.0, 0.0, TIMESTAMP '2017-01-02 05:00:00', 2),
    (100, 4,  1001, 66, 10601, 25.0, 0.0, 0.0, 0.0, TIMESTAMP '2017-01-02 05:00:00', 2),
    (50,  4,  1005, 77, 0, 0.0,    0.0, 2.0, 0.0, TIMESTAMP '2017-01-03 23:59:59', 2)
) AS line (household_id, store_id, basket_id, product_id, quantity, sales_value, retail_disc, coupon_disc,
           coupon_match_disc, transaction_timestamp, week)
"""
_PRODUCTS = """
SELECT * FROM (VALUES
    (10, 'PASTRY', 'BREAD', 'BREAD:ITALIAN/FRENCH'),
    (66, 'MISCELLANEOUS', 'COUPON/MISC ITEMS', 'GASOLINE-REG UNLEADED'),
    (80, 'PRODUCE', 'TROPICAL FRUIT', 'BANANAS')
) AS product (product_id, department, product_category, product_type)
"""
_DEMOGRAPHICS = """
SELECT 50 AS household_id, '45-54' AS age, '35-49K' AS income, '2' AS household_size, '0' AS kids_count
"""


@pytest.fixture
def files(tmp_path: Path) -> DatasetFiles:
    """Four baskets of three households in two stores; the last has a total of nothing."""
    contents = {"transactions": _TRANSACTIONS, "products": _PRODUCTS, "demographics": _DEMOGRAPHICS}
    connection = duckdb.connect(":memory:")
    for name, query in contents.items():
        connection.execute(f"COPY ({query}) TO '{tmp_path / name}.parquet' (FORMAT parquet)")
    connection.close()
    return dataset_in(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def opened(database: Database, database_urls: DatabaseUrls, files: DatasetFiles, home: Path) -> Callable[[], Chain]:
    """Makes the chain, or finds it again."""
    return lambda: make_chain(database, direct_url=database_urls.owner, home=home, files=files)


@pytest.fixture
def chain(opened: Callable[[], Chain]) -> Chain:
    return opened()
