import pytest

from services.demo.dataset.domain import category_path


@pytest.mark.parametrize(
    ("department", "category", "product_type", "expected"),
    [
        ("GROCERY", "FRZN ICE", "ICE - CRUSHED/CUBED", ("GROCERY", "FRZN ICE", "ICE - CRUSHED/CUBED")),
        ("MISCELLANEOUS", None, None, ("MISCELLANEOUS",)),
        ("DRUG GM", "CANDY", None, ("DRUG GM", "CANDY")),
        ("DRUG GM", None, "JUICE", ("DRUG GM", "UNSPECIFIED", "JUICE")),
        ("MISCELLANEOUS", "FUEL", "GASOLINE-REG UNLEADED", ("FUEL", "FUEL", "GASOLINE-REG UNLEADED")),
        (
            "MISCELLANEOUS",
            "COUPON/MISC ITEMS",
            "MASTERCARD GIFT CARD",
            ("GIFT CARDS", "COUPON/MISC ITEMS", "MASTERCARD GIFT CARD"),
        ),
        (
            "FLORAL",
            "GIFT & FRUIT BASKETS",
            "GIFT BASKETS W/FOOD",
            ("FLORAL", "GIFT & FRUIT BASKETS", "GIFT BASKETS W/FOOD"),
        ),
    ],
)
def test_a_category_path_is_as_deep_as_the_source_knows(
    department: str, category: str | None, product_type: str | None, expected: tuple[str, ...]
) -> None:
    assert category_path(department=department, category=category, product_type=product_type) == expected
