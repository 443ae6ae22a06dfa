from pathlib import Path

import duckdb
import pytest

from services.demo.dataset.files import DatasetFiles, dataset_in

_TRANSACTIONS = """
SELECT * FROM (VALUES
    (7, 31, 1002, 90, 2,     3.98, 0.29, 0.0, 0.0,  TIMESTAMP '2017-01-02 05:00:00', 2),
    (7, 31, 1002, 10, 1,     1.15, 0.0,  0.0, 0.0,  TIMESTAMP '2017-01-02 05:00:00', 2),
    (9, 31, 1001, 10, 3,     3.45, 0.0,  0.5, 0.25, TIMESTAMP '2017-01-02 05:00:00', 2),
    (7, 4,  1000, 66, 10601, 25.0, 0.0,  0.0, 0.0,  TIMESTAMP '2017-01-03 23:59:59', 2),
    (9, 31, 1003, 77, 0,     0.0,  0.0,  2.0, 0.0,  TIMESTAMP '2017-01-01 12:00:00', 1),
    (9, 31, 1003, 10, 0, 1.7763568394002505e-15, 5.55e-17, 0.0, 0.0, TIMESTAMP '2017-01-01 12:00:00', 1)
) AS line (household_id, store_id, basket_id, product_id, quantity, sales_value, retail_disc, coupon_disc,
           coupon_match_disc, transaction_timestamp, week)
"""
_PRODUCTS = """
SELECT * FROM (VALUES
    (10, 'PASTRY', 'BREAD', 'BREAD:ITALIAN/FRENCH'),
    (66, 'MISCELLANEOUS', 'COUPON/MISC ITEMS', 'GASOLINE-REG UNLEADED'),
    (90, 'MISCELLANEOUS', NULL, NULL),
    (91, 'PASTRY', 'BREAD', 'BREAD:ITALIAN/FRENCH')
) AS product (product_id, department, product_category, product_type)
"""
_DEMOGRAPHICS = """
SELECT 9 AS household_id, '45-54' AS age, '35-49K' AS income, '2' AS household_size, '0' AS kids_count
"""


@pytest.fixture
def files(tmp_path: Path) -> DatasetFiles:
    """Four baskets of two households, with one of every oddity of the source."""
    contents = {"transactions": _TRANSACTIONS, "products": _PRODUCTS, "demographics": _DEMOGRAPHICS}
    connection = duckdb.connect(":memory:")
    for name, query in contents.items():
        connection.execute(f"COPY ({query}) TO '{tmp_path / name}.parquet' (FORMAT parquet)")
    connection.close()
    return dataset_in(tmp_path)
