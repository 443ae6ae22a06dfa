"""The JSON Schema that a merchant declares for the data of an event: a bounded part of the language.

An object of named properties; texts, whole numbers, truth values, lists and objects inside it. Nothing refers to
anything else, and a pattern is such that matching it takes one pass (`_PATTERN`): letters, classes and fixed counts,
and one part of varying length.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from services.loyalty.programs.domain import bounds
from services.loyalty.programs.domain.codec import Codec, Definitions, Schema
from services.loyalty.programs.domain.reading import ABSENT, Reader, pointer
from services.loyalty.programs.errors import ProblemCode

_TYPES: Final = ("string", "integer", "boolean", "array", "object")
_FORMATS: Final = ("date", "date-time")
_WORDS: Final = ("title", "description")
_KEYWORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("minLength", "maxLength", "enum", "pattern", "format"),
    "integer": ("minimum", "maximum", "enum"),
    "boolean": (),
    "array": ("items", "minItems", "maxItems", "uniqueItems"),
    "object": ("properties", "required", "additionalProperties"),
}
_LETTER = r"[A-Za-z0-9 _.:,;@#%&=!'\"<>~`-]"
_ESCAPED = r"\\[.dwsDWS\\/()\[\]{}+*?|^$-]"
_CLASS = r"\[\^?(?:[A-Za-z0-9 _:,;.@#%&=-]|\\[dws\]\\^-])+\]"
_ATOM = rf"(?:{_LETTER}|{_ESCAPED}|{_CLASS})"
_FIXED = rf"(?:{_ATOM}(?:\{{\d{{1,3}}\}})?)*"
_PATTERN = re.compile(rf"\^{_FIXED}(?:{_ATOM}(?:[*+?]|\{{\d{{1,3}},\d{{0,3}}\}}))?{_FIXED}\$")


class EventSchema(Codec[dict[str, Any]]):
    """The schema of an event's data. It is kept as it was written, its keys in alphabetical order."""

    def read(self, reader: Reader, value: object, path: str) -> dict[str, Any]:
        if value is ABSENT:
            return {}
        before = reader.count
        _Walk(reader).schema(value, path, depth=1, types=("object",))
        if reader.count != before:
            return {}
        read: dict[str, Any] = json.loads(json.dumps(value, sort_keys=True))
        return read

    def write(self, value: dict[str, Any]) -> Any:
        return json.loads(json.dumps(value, sort_keys=True))

    def schema(self, _definitions: Definitions, /) -> Schema:
        return {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"const": "object"}},
        }


class _Walk:
    """Reads a schema and notes what it may not say."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def schema(self, value: object, path: str, *, depth: int, types: tuple[str, ...] = _TYPES) -> None:
        if depth > bounds.EVENT_SCHEMA_DEPTH_MAX:
            self._reader.note(path, ProblemCode.TOO_DEEP, {"maximum": bounds.EVENT_SCHEMA_DEPTH_MAX})
            return
        if not isinstance(value, Mapping):
            self._reader.members(value, path, required=("type",))
            return
        kind = self._reader.word(value.get("type", ABSENT), pointer(path, ("type",)), types)
        given = self._reader.members(value, path, required=("type",), optional=(*_KEYWORDS[kind], *_WORDS))
        for keyword, content in given.items():
            if content is not ABSENT and keyword != "type":
                self._keyword(kind, keyword, content, pointer(path, (keyword,)), depth)
        self._ordered(given, path)

    def _keyword(self, kind: str, keyword: str, value: object, path: str, depth: int) -> None:
        reader = self._reader
        checks: Mapping[str, Callable[[], object]] = {
            "title": lambda: reader.text(value, path, maximum=bounds.EVENT_TEXT_MAX),
            "description": lambda: reader.text(value, path, maximum=bounds.EVENT_TEXT_MAX),
            "minLength": lambda: reader.integer(value, path, minimum=0, maximum=bounds.EVENT_TEXT_MAX),
            "maxLength": lambda: reader.integer(value, path, minimum=0, maximum=bounds.EVENT_TEXT_MAX),
            "minItems": lambda: reader.integer(value, path, minimum=0, maximum=bounds.EVENT_ITEMS_MAX),
            "maxItems": lambda: reader.integer(value, path, minimum=0, maximum=bounds.EVENT_ITEMS_MAX),
            "minimum": lambda: reader.integer(value, path, minimum=-bounds.POINTS_MAX, maximum=bounds.POINTS_MAX),
            "maximum": lambda: reader.integer(value, path, minimum=-bounds.POINTS_MAX, maximum=bounds.POINTS_MAX),
            "uniqueItems": lambda: reader.boolean(value, path),
            "additionalProperties": lambda: reader.boolean(value, path),
            "format": lambda: reader.word(value, path, _FORMATS),
            "pattern": lambda: self._pattern(value, path),
            "items": lambda: self.schema(value, path, depth=depth + 1),
            "properties": lambda: self._properties(value, path, depth),
            "required": lambda: self._texts(value, path),
            "enum": lambda: self._enumeration(kind, value, path),
        }
        checks[keyword]()

    def _pattern(self, value: object, path: str) -> None:
        text = self._reader.text(value, path, maximum=bounds.EVENT_PATTERN_MAX)
        if isinstance(value, str) and len(text) <= bounds.EVENT_PATTERN_MAX and not _is_safe(text):
            self._reader.note(path, ProblemCode.UNSAFE_PATTERN)

    def _properties(self, value: object, path: str, depth: int) -> None:
        for key, place, content in self._reader.entries(value, path, minimum=0, maximum=bounds.EVENT_PROPERTIES_MAX):
            self._reader.code(key, place, pattern=bounds.FIELD_NAME_PATTERN, maximum=bounds.CODE_MAX)
            self.schema(content, place, depth=depth + 1)

    def _texts(self, value: object, path: str) -> None:
        items = self._reader.items(value, path, maximum=bounds.EVENT_PROPERTIES_MAX)
        texts = [(place, self._reader.text(item, place, maximum=bounds.CODE_MAX)) for place, item in items]
        self._reader.unique((place, text) for place, text in texts if text)

    def _enumeration(self, kind: str, value: object, path: str) -> None:
        items = self._reader.items(value, path, minimum=1, maximum=bounds.EVENT_ITEMS_MAX)
        for place, item in items:
            if kind == "string":
                self._reader.text(item, place, maximum=bounds.EVENT_TEXT_MAX)
            else:
                self._reader.integer(item, place, minimum=-bounds.POINTS_MAX, maximum=bounds.POINTS_MAX)

    def _ordered(self, given: Mapping[str, object], path: str) -> None:
        for low, high in (("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum")):
            least, most = given.get(low, ABSENT), given.get(high, ABSENT)
            if isinstance(least, int) and isinstance(most, int) and most < least:
                self._reader.note(pointer(path, (high,)), ProblemCode.TOO_SMALL, {"minimum": least})


def _is_safe(pattern: str) -> bool:
    if not _PATTERN.fullmatch(pattern):
        return False
    try:
        re.compile(pattern)
    except re.error:  # such as a range that ends before it begins
        return False
    return True
