"""Reading the Parquet files by duckdb, in order and in bounded memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from services.demo.dataset.domain import (
    UNKNOWN_PATH,
    BasketPosition,
    BasketTotal,
    CategoryPath,
    SourceBasket,
    SourceHousehold,
    SourceLine,
    SourceStore,
    category_path,
)
from services.demo.dataset.errors import DatasetMissing
from services.demo.dataset.files import DatasetFiles
from services.platform.errors import InvalidInput

_ROWS_PER_FETCH = 4096
# One thread and no spill file: the sorted year takes some 150 MB, beside the servers of a laptop. Everything that we
# use is linked into duckdb; it shall not look for extensions on the network.
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "512MB",
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}

# Amounts are dollars in binary floating point, all within 1e-11 of a whole cent (some are dust of 1e-15 for nothing).
# Converted here, once, so that no float enters Python.
_LINES = """
SELECT basket_id, household_id, store_id, transaction_timestamp, product_id, quantity,
       CAST(round(sales_value * 100) AS BIGINT),
       CAST(round(retail_disc * 100) AS BIGINT),
       CAST(round(coupon_match_disc * 100) AS BIGINT),
       CAST(round(coupon_disc * 100) AS BIGINT)
FROM read_parquet($transactions)
WHERE {window}
ORDER BY transaction_timestamp, basket_id, product_id
"""
_WINDOW = """
    ($since IS NULL OR transaction_timestamp >= $since)
    AND ($until IS NULL OR transaction_timestamp < $until)
    AND ($after IS NULL OR transaction_timestamp > $after
         OR (transaction_timestamp = $after AND basket_id > $after_basket))
"""


@contextmanager
def scan(query: str, parameters: Mapping[str, Any]) -> Iterator[Iterator[tuple[Any, ...]]]:
    """The rows of ``query``, fetched as they are asked for.

    Raises:
        DatasetMissing: duckdb is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415  not in the requirements of the product
    except ImportError as error:
        raise DatasetMissing(package="duckdb") from error
    connection = duckdb.connect(":memory:", config=_SETTINGS)
    try:
        connection.execute("SET enable_progress_bar = false")
        result = connection.execute(query, dict(parameters))
        yield _rows(result)
    finally:
        connection.close()


def _rows(result: Any) -> Iterator[tuple[Any, ...]]:
    while page := result.fetchmany(_ROWS_PER_FETCH):
        yield from page


def stores(files: DatasetFiles) -> tuple[SourceStore, ...]:
    """The 457 stores in the order of their numbers."""
    query = """
        SELECT store_id, count(DISTINCT basket_id) FROM read_parquet($transactions) GROUP BY store_id ORDER BY store_id
    """
    with scan(query, {"transactions": str(files.transactions)}) as rows:
        return tuple(SourceStore(code=str(code), basket_count=count) for code, count in rows)


def households(files: DatasetFiles) -> tuple[SourceHousehold, ...]:
    """The 2,469 households in the order of their numbers; 801 of them with demographics."""
    query = """
        SELECT household_id, bought.baskets, age, income, household_size, kids_count
        FROM (SELECT household_id, count(DISTINCT basket_id) AS baskets
              FROM read_parquet($transactions) GROUP BY household_id) AS bought
        LEFT JOIN read_parquet($demographics) USING (household_id)
        ORDER BY household_id
    """
    parameters = {"transactions": str(files.transactions), "demographics": str(files.demographics)}
    with scan(query, parameters) as rows:
        return tuple(
            SourceHousehold(
                code=str(code), basket_count=count, age=age, income=income, household_size=size, kids_count=kids
            )
            for code, count, age, income, size, kids in rows
        )


def products(files: DatasetFiles) -> Mapping[str, CategoryPath]:
    """Category path by product code: the catalog's 92,331 products and the 17 that were sold without being in it."""
    query = """
        SELECT product_id, department, product_category, product_type
        FROM read_parquet($products) FULL JOIN (SELECT DISTINCT product_id FROM read_parquet($transactions))
        USING (product_id)
        ORDER BY product_id
    """
    paths: dict[str, CategoryPath] = {}
    # Some 2,900 paths serve all products: each is kept once.
    kept: dict[CategoryPath, CategoryPath] = {}
    with scan(query, {"transactions": str(files.transactions), "products": str(files.products)}) as rows:
        for code, department, category, product_type in rows:
            path = (
                UNKNOWN_PATH
                if department is None
                else category_path(department=department, category=category, product_type=product_type)
            )
            paths[str(code)] = kept.setdefault(path, path)
    return MappingProxyType(paths)


def basket_count(
    files: DatasetFiles,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    after: BasketPosition | None = None,
) -> int:
    """How many baskets ``baskets`` gives for the same arguments."""
    query = f"SELECT count(DISTINCT basket_id) FROM read_parquet($transactions) WHERE {_WINDOW}"
    with scan(query, _window(files, since=since, until=until, after=after)) as rows:
        return int(next(rows)[0])


def basket_totals(files: DatasetFiles, *, last: BasketPosition) -> dict[str, BasketTotal]:
    """The total of each basket up to ``last``, itself included, by its number."""
    query = """
        SELECT basket_id, min(household_id), sum(CAST(round(sales_value * 100) AS BIGINT))
        FROM read_parquet($transactions)
        WHERE transaction_timestamp < $last OR (transaction_timestamp = $last AND basket_id <= $last_basket)
        GROUP BY basket_id
    """
    parameters = {
        "transactions": str(files.transactions),
        "last": _stored_instant(last.occurred_at, field="last"),
        "last_basket": int(last.basket_id),
    }
    with scan(query, parameters) as rows:
        return {str(basket): BasketTotal(str(household), int(net)) for basket, household, net in rows}


def baskets(
    files: DatasetFiles,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    after: BasketPosition | None = None,
) -> Iterator[SourceBasket]:
    """Baskets of ``[since, until)`` in the order of time, then of basket number; only those past ``after``.

    One ordered scan: the first basket comes after a fraction of a second, and no more than a page of rows is held in
    Python (duckdb holds its sorted columns).

    Raises:
        InvalidInput: an instant without a time zone.
    """
    parameters = _window(files, since=since, until=until, after=after)
    return _grouped(parameters, paths=products(files))


def _grouped(parameters: Mapping[str, Any], *, paths: Mapping[str, CategoryPath]) -> Iterator[SourceBasket]:
    with scan(_LINES.format(window=_WINDOW), parameters) as rows:
        head: tuple[int, int, int, datetime] | None = None
        lines: list[SourceLine] = []
        for basket, household, store, instant, *line in rows:
            if head is not None and head[0] != basket:
                yield _basket(head, lines)
                lines = []
            head = (basket, household, store, instant)
            lines.append(_line(line, paths=paths))
        if head is not None:
            yield _basket(head, lines)


def _basket(head: tuple[int, int, int, datetime], lines: list[SourceLine]) -> SourceBasket:
    basket, household, store, instant = head
    return SourceBasket(
        basket_id=str(basket),
        household_code=str(household),
        store_code=str(store),
        occurred_at=instant.replace(tzinfo=UTC),
        lines=tuple(lines),
    )


def _line(columns: list[int], *, paths: Mapping[str, CategoryPath]) -> SourceLine:
    product, quantity, net, card_discount, coupon_match, coupon = columns
    sku = str(product)
    return SourceLine(
        sku=sku,
        path=paths[sku],
        quantity=quantity,
        net_minor=net,
        card_discount_minor=card_discount,
        coupon_match_minor=coupon_match,
        coupon_minor=coupon,
    )


def _window(
    files: DatasetFiles, *, since: datetime | None, until: datetime | None, after: BasketPosition | None
) -> dict[str, Any]:
    return {
        "transactions": str(files.transactions),
        "since": _stored_instant(since, field="since"),
        "until": _stored_instant(until, field="until"),
        "after": _stored_instant(after.occurred_at if after else None, field="after"),
        "after_basket": int(after.basket_id) if after else None,
    }


def _stored_instant(instant: datetime | None, *, field: str) -> datetime | None:
    """The source writes UTC without saying so."""
    if instant is None:
        return None
    if instant.tzinfo is None:
        raise InvalidInput(field=field, reason="NO_TIME_ZONE")
    return instant.astimezone(UTC).replace(tzinfo=None)
