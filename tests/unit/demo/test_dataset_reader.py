from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from services.demo.dataset import (
    BasketPosition,
    DatasetFiles,
    DatasetMissing,
    SourceBasket,
    SourceHousehold,
    SourceLine,
    SourceStore,
    basket_count,
    baskets,
    households,
    products,
    stores,
)
from services.demo.dataset.files import dataset_in
from services.platform.errors import InvalidInput

MIDNIGHT = datetime(2017, 1, 2, 5, tzinfo=UTC)
BREAD = ("PASTRY", "BREAD", "BREAD:ITALIAN/FRENCH")


def _ids(found: list[SourceBasket]) -> list[str]:
    return [basket.basket_id for basket in found]


def test_stores_and_households_come_in_the_order_of_their_numbers(files: DatasetFiles) -> None:
    assert stores(files) == (SourceStore(code="4", basket_count=1), SourceStore(code="31", basket_count=3))
    assert households(files) == (
        SourceHousehold(code="7", basket_count=2, age=None, income=None, household_size=None, kids_count=None),
        SourceHousehold(code="9", basket_count=2, age="45-54", income="35-49K", household_size="2", kids_count="0"),
    )


def test_products_of_the_catalog_and_those_only_sold_have_a_path(files: DatasetFiles) -> None:
    assert products(files) == {
        "10": BREAD,
        "66": ("FUEL", "COUPON/MISC ITEMS", "GASOLINE-REG UNLEADED"),
        "77": ("UNKNOWN",),
        "90": ("MISCELLANEOUS",),
        "91": BREAD,
    }


def test_baskets_come_by_time_then_by_number(files: DatasetFiles) -> None:
    found = list(baskets(files))

    assert _ids(found) == ["1003", "1001", "1002", "1000"]
    assert basket_count(files) == 4


def test_a_basket_holds_its_lines_in_exact_cents(files: DatasetFiles) -> None:
    basket = next(basket for basket in baskets(files) if basket.basket_id == "1002")

    assert (basket.household_code, basket.store_code, basket.occurred_at) == ("7", "31", MIDNIGHT)
    assert basket.lines == (
        SourceLine(
            sku="10", path=BREAD, quantity=1, net_minor=115, card_discount_minor=0, coupon_match_minor=0, coupon_minor=0
        ),
        SourceLine(
            sku="90",
            path=("MISCELLANEOUS",),
            quantity=2,
            net_minor=398,
            card_discount_minor=29,
            coupon_match_minor=0,
            coupon_minor=0,
        ),
    )
    assert basket.lines[1].gross_minor == 427
    assert basket.net_minor == 513


def test_a_matched_coupon_is_discount_and_a_manufacturers_coupon_is_payment(files: DatasetFiles) -> None:
    line = next(basket for basket in baskets(files) if basket.basket_id == "1001").lines[0]

    assert (line.net_minor, line.discount_minor, line.gross_minor, line.coupon_minor) == (345, 25, 370, 50)


def test_lines_of_no_pieces_and_dust_are_kept_as_nothing(files: DatasetFiles) -> None:
    basket = next(basket for basket in baskets(files) if basket.basket_id == "1003")

    assert [(line.sku, line.quantity, line.net_minor, line.gross_minor) for line in basket.lines] == [
        ("10", 0, 0, 0),
        ("77", 0, 0, 0),
    ]
    assert (basket.net_minor, basket.coupon_minor) == (0, 200)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, MIDNIGHT, ["1003"]),
        (MIDNIGHT, None, ["1001", "1002", "1000"]),
        (MIDNIGHT, MIDNIGHT + timedelta(seconds=1), ["1001", "1002"]),
        (MIDNIGHT.astimezone(timezone(timedelta(hours=-5))), MIDNIGHT + timedelta(days=1), ["1001", "1002"]),
        (MIDNIGHT + timedelta(days=9), None, []),
    ],
)
def test_a_window_is_half_open(
    files: DatasetFiles, since: datetime | None, until: datetime | None, expected: list[str]
) -> None:
    assert _ids(list(baskets(files, since=since, until=until))) == expected
    assert basket_count(files, since=since, until=until) == len(expected)


@pytest.mark.parametrize(("read", "left"), [(1, ["1001", "1002", "1000"]), (2, ["1002", "1000"]), (4, [])])
def test_reading_goes_on_after_a_basket_even_among_those_of_one_instant(
    files: DatasetFiles, read: int, left: list[str]
) -> None:
    position = list(baskets(files))[read - 1].position

    assert _ids(list(baskets(files, after=position))) == left
    assert basket_count(files, after=position) == len(left)


def test_an_instant_without_a_zone_is_refused(files: DatasetFiles) -> None:
    naive = MIDNIGHT.replace(tzinfo=None)

    with pytest.raises(InvalidInput) as since:
        baskets(files, since=naive)
    with pytest.raises(InvalidInput) as after:
        basket_count(files, after=BasketPosition(occurred_at=naive, basket_id="1"))

    assert (since.value.field, after.value.field) == ("since", "after")


def test_a_missing_file_is_named(files: DatasetFiles) -> None:
    files.products.unlink()

    with pytest.raises(DatasetMissing) as refusal:
        dataset_in(Path(files.products).parent)

    assert refusal.value.file == "products.parquet"
