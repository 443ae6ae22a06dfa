"""The scalars of the schema: what each accepts, to the letter, and what it says about anything else."""

import re
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NewType

import strawberry
from babel.numbers import list_currencies
from graphql import GraphQLError, IntValueNode, StringValueNode, ValueNode, value_from_ast_untyped
from graphql.language import print_ast
from strawberry.types.scalar import ScalarDefinition

from services.platform.money import AMOUNT_MAX

Points = NewType("Points", int)
WholeNumber = NewType("WholeNumber", int)
Currency = NewType("Currency", str)
Timezone = NewType("Timezone", str)
Locale = NewType("Locale", str)
IdempotencyKey = NewType("IdempotencyKey", str)
JsonDocument = NewType("JsonDocument", object)

IDEMPOTENCY_KEY_LENGTH_MAX = 255

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,19}(?:\.\d{1,9})?", re.ASCII)
_LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|\d{3}))?", re.ASCII)
_CURRENCIES = frozenset(list_currencies())


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > AMOUNT_MAX:
        raise GraphQLError(f"{name} is a whole number from -{AMOUNT_MAX} to {AMOUNT_MAX}, written without a fraction.")
    return value


def parse_points(value: object) -> Points:
    """A whole number of points in the unit's smallest part."""
    return Points(_whole(value, "Points"))


def parse_whole_number(value: object) -> WholeNumber:
    """A whole number that every JSON reader keeps exact."""
    return WholeNumber(_whole(value, "WholeNumber"))


def parse_decimal(value: object) -> Decimal:
    """An exact decimal number, given as a string."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise GraphQLError('Decimal is a string such as "12.50": up to 19 digits, then up to 9 after a point.')
    return Decimal(value)


def parse_date_time(value: object) -> datetime:
    """An instant (RFC 3339); the offset from UTC is required."""
    sentence = 'DateTime is an RFC 3339 string with an offset from UTC, such as "2026-03-01T09:30:00+08:00".'
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        raise GraphQLError(sentence)
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise GraphQLError(sentence) from error


def parse_date(value: object) -> date:
    """A day of the calendar."""
    sentence = 'Date is a day of the calendar as YYYY-MM-DD, such as "2026-03-01".'
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise GraphQLError(sentence)
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise GraphQLError(sentence) from error


def parse_currency(value: object) -> Currency:
    """An ISO 4217 code."""
    if not isinstance(value, str) or value not in _CURRENCIES:
        raise GraphQLError('Currency is an ISO 4217 code in capitals, such as "CNY" or "USD".')
    return Currency(value)


def parse_timezone(value: object) -> Timezone:
    """A name of the IANA time zone database."""
    if not isinstance(value, str) or value not in _timezones():
        raise GraphQLError('Timezone is a name of the IANA time zone database, such as "Asia/Shanghai".')
    return Timezone(value)


def parse_locale(value: object) -> Locale:
    """A BCP 47 language tag: language, perhaps script, perhaps region."""
    if not isinstance(value, str) or not _LOCALE.fullmatch(value):
        raise GraphQLError('Locale is a BCP 47 language tag, such as "en" or "zh-CN".')
    return Locale(value)


def parse_idempotency_key(value: object) -> IdempotencyKey:
    """What makes a repeat of a mutation recognizable."""
    is_usable = isinstance(value, str) and 0 < len(value) <= IDEMPOTENCY_KEY_LENGTH_MAX and value.isprintable()
    if not is_usable or not isinstance(value, str):
        raise GraphQLError(f"IdempotencyKey is a string of 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} printable characters.")
    return IdempotencyKey(value)


def _whole_out(value: Any) -> int:
    # A programming error, not the client's: so no GraphQLError, which would be told to the client.
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > AMOUNT_MAX:
        message = f"not a whole number within 2^53 - 1: {value!r}"
        raise ValueError(message)
    return value


def _decimal_out(value: Any) -> str:
    return format(value, "f")


def _date_time_out(value: Any) -> str:
    text: str = value.astimezone(UTC).isoformat(timespec="microseconds" if value.microsecond % 1000 else "milliseconds")
    return text.replace("+00:00", "Z")


def _date_out(value: Any) -> str:
    text: str = value.isoformat()
    return text


def _scalar(
    name: str,
    description: str,
    *,
    parse: Callable[[object], object],
    serialize: Callable[[Any], object],
    literal: type[ValueNode] = StringValueNode,
    specified_by: str | None = None,
) -> ScalarDefinition:
    def parse_literal(node: ValueNode, _variables: Mapping[str, Any] | None = None) -> object:
        # Without this a bare word (an enum literal) would pass for a string.
        if not isinstance(node, literal):
            return parse(Ellipsis)
        return parse(_digits(node.value) if isinstance(node, IntValueNode) else getattr(node, "value", print_ast(node)))

    definition: ScalarDefinition = strawberry.scalar(
        name=name,
        description=description,
        parse_value=parse,
        parse_literal=parse_literal,
        serialize=serialize,
        specified_by_url=specified_by,
    )
    return definition


def _digits(text: str) -> int | str:
    """An integer literal; one too long for any amount stays text: Python refuses to read thousands of digits."""
    return int(text) if len(text) <= len(str(AMOUNT_MAX)) + 1 else text


def _json_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> object:
    return value_from_ast_untyped(node, dict(variables or {}))


SCALARS: Mapping[object, ScalarDefinition] = {
    Points: _scalar(
        "Points",
        "A whole number of points in the smallest part of the point unit, as a JSON integer from -(2^53 - 1) to"
        " 2^53 - 1. A unit with scale 2 counts hundredths.",
        parse=parse_points,
        serialize=_whole_out,
        literal=IntValueNode,
    ),
    WholeNumber: _scalar(
        "WholeNumber",
        "A whole number as a JSON integer from -(2^53 - 1) to 2^53 - 1.",
        parse=parse_whole_number,
        serialize=_whole_out,
        literal=IntValueNode,
    ),
    Decimal: _scalar(
        "Decimal",
        'An exact decimal number as a string, such as "12.50". Never a JSON number, which readers would round.',
        parse=parse_decimal,
        serialize=_decimal_out,
    ),
    datetime: _scalar(
        "DateTime",
        "An instant as an RFC 3339 string. Input must carry an offset from UTC; output is always in UTC (Z).",
        parse=parse_date_time,
        serialize=_date_time_out,
        specified_by="https://scalars.graphql.org/andimarek/date-time",
    ),
    date: _scalar(
        "Date",
        "A day of the calendar as YYYY-MM-DD.",
        parse=parse_date,
        serialize=_date_out,
        specified_by="https://scalars.graphql.org/andimarek/local-date",
    ),
    Currency: _scalar("Currency", 'An ISO 4217 currency code, such as "CNY".', parse=parse_currency, serialize=str),
    Timezone: _scalar(
        "Timezone",
        'A name of the IANA time zone database, such as "Asia/Shanghai".',
        parse=parse_timezone,
        serialize=str,
    ),
    Locale: _scalar("Locale", 'A BCP 47 language tag, such as "en" or "zh-CN".', parse=parse_locale, serialize=str),
    IdempotencyKey: _scalar(
        "IdempotencyKey",
        "Chosen by the caller, 1 to 255 printable characters, unique for one intended effect (a UUID does well). The"
        " same key with the same input gives the stored answer for ever; with other input it is refused.",
        parse=parse_idempotency_key,
        serialize=str,
    ),
    JsonDocument: strawberry.scalar(
        name="JSON",
        description="Any JSON value. Where it is a program document, its schema is published with the API.",
        parse_value=lambda value: value,
        parse_literal=_json_literal,
        serialize=lambda value: value,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
    ),
}
