from services.demo.dataset import Check, DatasetFiles, verify


def test_every_oddity_is_counted_and_every_wrong_number_is_shown(files: DatasetFiles) -> None:
    checks = {check.name: check for check in verify(files)}

    assert {name: check.found for name, check in checks.items()} == {
        "source: lines": 6,
        "source: baskets": 4,
        "source: households": 2,
        "source: stores": 2,
        "source: products sold": 4,
        "source: sales": 3358,
        "source: amounts further than 1e-6 from a whole cent": 0,
        "source: lines with a negative number": 0,
        "source: lines in another week than the source says": 0,
        "source: baskets of several households, stores or instants": 0,
        "source: products twice in a basket": 0,
        "read: stores": 2,
        "read: households": 2,
        "read: households with demographics": 1,
        "read: products": 5,
        "read: unknown products": 1,
        "read: baskets announced": 4,
        "read: baskets": 4,
        "read: baskets out of order": 0,
        "read: baskets with a total of nothing": 1,
        "read: baskets with coupons above their total": 1,
        "read: first basket": "2017-01-01T12:00:00+00:00",
        "read: last basket": "2017-01-03T23:59:59+00:00",
        "read: lines": 6,
        "read: lines counted as 0 pieces": 2,
        "read: lines of no value": 2,
        "read: lines of no pieces or no value": 2,
        "read: lines over 100 pieces": 1,
        "read: most pieces in a line": 10_601,
        "read: lines of unknown products": 1,
        "read: sales": 3358,
        "read: lines of fuel": 1,
        "read: sales of fuel": 2500,
        "read: sales of gift cards": 0,
        "read: sales of unknown products": 0,
        "read: card discounts": 29,
        "read: coupon matches": 25,
        "read: manufacturer coupons": 250,
    }
    assert {check.passed for name, check in checks.items() if check.found != check.expected} == {False}
    assert checks["source: products twice in a basket"] == Check(
        name="source: products twice in a basket", expected=0, found=0
    )
    assert checks["source: products twice in a basket"].passed
