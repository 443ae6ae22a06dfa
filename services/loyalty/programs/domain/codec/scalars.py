"""Codecs of single values."""

import re
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar
from zoneinfo import available_timezones

from services.loyalty.programs.domain import bounds
from services.loyalty.programs.domain.codec.base import Codec, Definitions, Schema
from services.loyalty.programs.domain.reading import Reader
from services.loyalty.programs.errors import ProblemCode
from services.platform.errors import InvalidInput
from services.platform.money import exponent

ChoiceT = TypeVar("ChoiceT", bound=StrEnum)

DATE_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
CURRENCY_PATTERN = r"^[A-Z]{3}$"


class Integer(Codec[int]):
    """A whole number within bounds."""

    def __init__(self, minimum: int, maximum: int) -> None:
        self._minimum = minimum
        self._maximum = maximum

    def read(self, reader: Reader, value: object, path: str) -> int:
        return reader.integer(value, path, minimum=self._minimum, maximum=self._maximum)

    def write(self, value: int) -> Any:
        return value

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {"type": "integer", "minimum": self._minimum, "maximum": self._maximum}


class Boolean(Codec[bool]):
    """True or false."""

    def read(self, reader: Reader, value: object, path: str) -> bool:
        return reader.boolean(value, path)

    def write(self, value: bool) -> Any:  # noqa: FBT001 - the writer's one argument is the value
        return value

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {"type": "boolean"}


class Text(Codec[str]):
    """Words for people, or a foreign code."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum

    def read(self, reader: Reader, value: object, path: str) -> str:
        return reader.text(value, path, maximum=self._maximum)

    def write(self, value: str) -> Any:
        return value

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {"type": "string", "minLength": 1, "maxLength": self._maximum, "pattern": r"\S"}


class Code(Codec[str]):
    """A text of a pattern."""

    def __init__(self, pattern: str, maximum: int = bounds.CODE_MAX) -> None:
        self._pattern = pattern
        self._maximum = maximum

    def read(self, reader: Reader, value: object, path: str) -> str:
        return reader.code(value, path, pattern=self._pattern, maximum=self._maximum)

    def write(self, value: str) -> Any:
        return value

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {"type": "string", "maxLength": self._maximum, "pattern": self._pattern}


class Choice(Codec[ChoiceT]):
    """One of the texts of an enumeration."""

    def __init__(self, choices: type[ChoiceT], *, without: tuple[ChoiceT, ...] = ()) -> None:
        self._choices = tuple(choice for choice in choices if choice not in without)

    def read(self, reader: Reader, value: object, path: str) -> ChoiceT:
        return reader.choice(value, path, self._choices)

    def write(self, value: ChoiceT) -> Any:
        return value.value

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {"type": "string", "enum": [choice.value for choice in self._choices]}


class Word(Codec[str]):
    """One of some texts that no enumeration lists alone."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = words

    def read(self, reader: Reader, value: object, path: str) -> str:
        return reader.word(value, path, self._words)

    def write(self, value: str) -> Any:
        return value

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {"type": "string", "enum": list(self._words)}


class DecimalText(Codec[Decimal]):
    """An exact decimal above zero, as text; written without idle zeros."""

    def __init__(self, pattern: str, step: Decimal, maximum: Decimal) -> None:
        self._pattern = pattern
        self._step = step
        self._maximum = maximum

    def read(self, reader: Reader, value: object, path: str) -> Decimal:
        text = reader.code(value, path, pattern=self._pattern, maximum=bounds.CODE_MAX)
        if not re.fullmatch(self._pattern, text) or len(text) > bounds.CODE_MAX or "\n" in text:
            return Decimal(1)
        number = Decimal(text)
        if number > self._maximum:
            reader.note(path, ProblemCode.TOO_LARGE, {"maximum": f"{self._maximum:f}"})
        if number == 0:
            reader.note(path, ProblemCode.TOO_SMALL, {"minimum": f"{self._step:f}"})
        return number

    def write(self, value: Decimal) -> Any:
        return f"{value.normalize():f}"

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {"type": "string", "maxLength": bounds.CODE_MAX, "pattern": self._pattern}


class Date(Codec[date]):
    """A day of the calendar, ``2026-11-11``."""

    def read(self, reader: Reader, value: object, path: str) -> date:
        text = reader.code(value, path, pattern=DATE_PATTERN, maximum=bounds.CODE_MAX)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            if re.fullmatch(DATE_PATTERN[:-1], text):
                reader.note(path, ProblemCode.NO_SUCH_DATE)
            return date(bounds.YEAR_MIN, 1, 1)
        if not bounds.YEAR_MIN <= day.year <= bounds.YEAR_MAX:
            reader.note(path, ProblemCode.YEAR_OUT_OF_RANGE, {"minimum": bounds.YEAR_MIN, "maximum": bounds.YEAR_MAX})
        return day

    def write(self, value: date) -> Any:
        return value.isoformat()

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {"type": "string", "format": "date", "maxLength": bounds.CODE_MAX, "pattern": DATE_PATTERN}


class TimeOfDay(Codec[time]):
    """A minute of the day, ``17:30``."""

    def read(self, reader: Reader, value: object, path: str) -> time:
        text = reader.code(value, path, pattern=TIME_PATTERN, maximum=bounds.CODE_MAX)
        return time.fromisoformat(text) if re.fullmatch(TIME_PATTERN[:-1], text) else time()

    def write(self, value: time) -> Any:
        return value.isoformat(timespec="minutes")

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {"type": "string", "maxLength": bounds.CODE_MAX, "pattern": TIME_PATTERN}


class Currency(Codec[str]):
    """An ISO 4217 code."""

    def read(self, reader: Reader, value: object, path: str) -> str:
        currency = reader.text(value, path, maximum=bounds.TEXT_MAX)
        if isinstance(value, str) and currency.strip():
            try:
                exponent(currency)
            except InvalidInput:
                reader.note(path, ProblemCode.UNKNOWN_CURRENCY)
        return currency

    def write(self, value: str) -> Any:
        return value

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {"type": "string", "pattern": CURRENCY_PATTERN}


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


class Zone(Codec[str]):
    """A name of the IANA time zone database."""

    def read(self, reader: Reader, value: object, path: str) -> str:
        zone = reader.text(value, path, maximum=bounds.TEXT_MAX)
        if isinstance(value, str) and zone.strip() and zone not in _zones():
            reader.note(path, ProblemCode.UNKNOWN_TIMEZONE)
        return zone

    def write(self, value: str) -> Any:
        return value

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {"type": "string", "minLength": 1, "maxLength": bounds.TEXT_MAX, "pattern": r"\S"}
