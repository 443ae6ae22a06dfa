"""What each scalar accepts, and what it says about anything else."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from graphql import GraphQLError

from services.gateway.graphql import scalars


@pytest.mark.parametrize("value", [0, 1, -1, 2**53 - 1, -(2**53 - 1)])
def test_points(value: int) -> None:
    assert scalars.parse_points(value) == value


@pytest.mark.parametrize("value", [2**53, -(2**53), 10**30, 1.0, 1.5, float("nan"), "1", True, None, [1], {}])
def test_not_points(value: object) -> None:
    with pytest.raises(GraphQLError, match=r"Points is a whole number from -9007199254740991 to 9007199254740991"):
        scalars.parse_points(value)


@pytest.mark.parametrize("value", [2**53, 1.0, True, "1"])
def test_points_that_we_may_not_send(value: object) -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        scalars._whole_out(value)  # noqa: SLF001  the library calls it


@pytest.mark.parametrize(
    ("text", "number"), [("0", "0"), ("-12.50", "-12.50"), ("9" * 19, "9" * 19), ("0.000000001", "0.000000001")]
)
def test_decimals_keep_their_digits(text: str, number: str) -> None:
    parsed = scalars.parse_decimal(text)

    assert parsed == Decimal(number)
    assert scalars._decimal_out(parsed) == text  # noqa: SLF001  the library calls it


@pytest.mark.parametrize(
    "value",
    [1, 1.5, True, None, "", " 1", "1 ", "+1", "1.", ".5", "1e3", "NaN", "Infinity", "0x10", "1,000", "١", "9" * 20],
)
def test_not_decimals(value: object) -> None:
    with pytest.raises(GraphQLError, match="Decimal is a string"):
        scalars.parse_decimal(value)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01T09:30:00+08:00", datetime(2026, 3, 1, 1, 30, tzinfo=UTC)),
        ("2026-03-01t09:30:00z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00.5Z", datetime(2026, 3, 1, 9, 30, 0, 500_000, tzinfo=UTC)),
        ("2024-02-29T23:59:59-11:00", datetime(2024, 3, 1, 10, 59, 59, tzinfo=UTC)),
    ],
)
def test_instants_become_utc(text: str, instant: datetime) -> None:
    parsed = scalars.parse_date_time(text)

    assert parsed == instant
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T09:30:00",
        "2026-03-01",
        "2026-02-30T00:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T00:00:60Z",
        "2026-03-01 00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-03-01T00:00:00+99:99",
        1_767_225_600,
        None,
        "",
    ],
)
def test_not_instants(value: object) -> None:
    with pytest.raises(GraphQLError, match="DateTime is an RFC 3339 string"):
        scalars.parse_date_time(value)


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 3, 1, 9, 30, tzinfo=UTC), "2026-03-01T09:30:00.000Z"),
        (datetime(2026, 3, 1, 9, 30, 0, 123_456, tzinfo=UTC), "2026-03-01T09:30:00.123456Z"),
    ],
)
def test_instants_are_written_in_utc(instant: datetime, text: str) -> None:
    assert scalars._date_time_out(instant) == text  # noqa: SLF001  the library calls it


def test_days() -> None:
    assert scalars.parse_date("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize("value", ["2023-02-29", "2024-2-9", "20240229", "2024-W01-1", 5, None])
def test_not_days(value: object) -> None:
    with pytest.raises(GraphQLError, match="Date is a day"):
        scalars.parse_date(value)


@pytest.mark.parametrize("value", ["CNY", "USD", "JPY", "KWD"])
def test_currencies(value: str) -> None:
    assert scalars.parse_currency(value) == value


@pytest.mark.parametrize("value", ["cny", "XXXX", "", "C\u0143Y", 5, None])
def test_not_currencies(value: object) -> None:
    with pytest.raises(GraphQLError, match="Currency is an ISO 4217 code"):
        scalars.parse_currency(value)


@pytest.mark.parametrize("value", ["Mars/Olympus", "asia/shanghai", "../etc/passwd", "", "+08:00", 5])
def test_not_time_zones(value: object) -> None:
    with pytest.raises(GraphQLError, match="Timezone is a name"):
        scalars.parse_timezone(value)


@pytest.mark.parametrize("value", ["en", "zh-CN", "zh-Hant-TW", "es-419"])
def test_locales(value: str) -> None:
    assert scalars.parse_locale(value) == value


@pytest.mark.parametrize("value", ["", "EN", "zh_CN", "zh-cn", "english", "en-", "en-GB-oxendict", 5])
def test_not_locales(value: object) -> None:
    with pytest.raises(GraphQLError, match="Locale is a BCP 47"):
        scalars.parse_locale(value)


@pytest.mark.parametrize("value", ["a", "x" * 255, "01900000-0000-7000-8000-00000000000a", "键"])
def test_idempotency_keys(value: str) -> None:
    assert scalars.parse_idempotency_key(value) == value


@pytest.mark.parametrize("value", ["", "x" * 256, "a\nb", "a\u0000", 5, None])
def test_not_idempotency_keys(value: object) -> None:
    with pytest.raises(GraphQLError, match="IdempotencyKey is a string"):
        scalars.parse_idempotency_key(value)
