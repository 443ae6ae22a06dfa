"""Reading untrusted JSON values, noting every problem with its place."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, StrEnum
from functools import cache
from itertools import islice
from types import MappingProxyType
from typing import TypeVar

from services.loyalty.programs.domain.bounds import PROBLEMS_MAX
from services.loyalty.programs.errors import DocumentProblem, ProblemCode

_StrEnumT = TypeVar("_StrEnumT", bound=StrEnum)
_SHOWN_MAX = 60


class _Absence(Enum):
    ABSENT = "absent"


NO_FACTS: Mapping[str, str | int] = MappingProxyType({})
ABSENT = _Absence.ABSENT
"""Stands for a key that is not there: its absence has been noted, or is allowed."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def pointer(path: str, steps: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a place below ``path``."""
    escaped = (str(step).replace("~", "~0").replace("/", "~1") for step in steps)
    return "/".join((path, *escaped))


class Reader:
    """Collects the problems of one document, at most ``PROBLEMS_MAX``.

    Its methods give a value back even where they note a problem, so that reading goes on; such a value is of no use
    and never leaves the parser. A value that is ``ABSENT`` is passed over in silence.
    """

    def __init__(self) -> None:
        self._problems: list[DocumentProblem] = []
        self.count = 0
        """How many problems were met, also those that were too many to note."""

    @property
    def problems(self) -> tuple[DocumentProblem, ...]:
        """What was noted so far."""
        return tuple(self._problems)

    def note(self, path: str, code: ProblemCode, facts: Mapping[str, str | int] = NO_FACTS) -> None:
        """Note one problem."""
        self.count += 1
        if len(self._problems) < PROBLEMS_MAX:
            self._problems.append(DocumentProblem(path, code, dict(facts)))

    def members(
        self, value: object, path: str, *, required: Iterable[str], optional: Iterable[str] = ()
    ) -> Mapping[str, object]:
        """An object's values by every expected key, ``ABSENT`` for those that are not there."""
        expected = (*required, *optional)
        if not isinstance(value, Mapping):
            self._wrong_type(value, path, "object")
            return dict.fromkeys(expected, ABSENT)
        for key in required:
            if key not in value:
                self.note(pointer(path, (key,)), ProblemCode.MISSING)
        for key in value:
            if key not in expected:
                self.note(pointer(path, (_shown(str(key)),)), ProblemCode.UNKNOWN_KEY)
        return {key: value.get(key, ABSENT) for key in expected}

    def items(self, value: object, path: str, *, minimum: int = 0, maximum: int) -> Sequence[tuple[str, object]]:
        """An array's values with their places; no more than ``maximum`` are read."""
        if not isinstance(value, list | tuple):
            self._wrong_type(value, path, "array")
            return ()
        if len(value) < minimum:
            self.note(path, ProblemCode.TOO_FEW, {"minimum": minimum})
        if len(value) > maximum:
            self.note(path, ProblemCode.TOO_MANY, {"maximum": maximum})
        return [(pointer(path, (index,)), item) for index, item in enumerate(value[:maximum])]

    def entries(self, value: object, path: str, *, minimum: int, maximum: int) -> Sequence[tuple[str, str, object]]:
        """An object's keys, each with its place and value; no more than ``maximum`` are read."""
        if not isinstance(value, Mapping):
            self._wrong_type(value, path, "object")
            return ()
        if len(value) < minimum:
            self.note(path, ProblemCode.TOO_FEW, {"minimum": minimum})
        if len(value) > maximum:
            self.note(path, ProblemCode.TOO_MANY, {"maximum": maximum})
        return [(str(key), pointer(path, (_shown(str(key)),)), item) for key, item in islice(value.items(), maximum)]

    def one_of(self, value: object, path: str, keys: Sequence[str]) -> tuple[str, object] | None:
        """The only key of an object, which is one of ``keys``, and its value."""
        if not isinstance(value, Mapping):
            self._wrong_type(value, path, "object")
            return None
        known = [key for key in keys if key in value]
        for key in value:
            if key not in keys:
                self.note(pointer(path, (_shown(str(key)),)), ProblemCode.UNKNOWN_KEY)
        if len(known) > 1 or not value:
            self.note(path, ProblemCode.EXACTLY_ONE, {"allowed": ", ".join(keys)})
            return None
        return (known[0], value[known[0]]) if known else None

    def boolean(self, value: object, path: str) -> bool:
        """True or false."""
        if not isinstance(value, bool):
            self._wrong_type(value, path, "boolean")
            return False
        return value

    def integer(self, value: object, path: str, *, minimum: int, maximum: int) -> int:
        """A whole number; true, false and numbers with a point are none."""
        if not isinstance(value, int) or isinstance(value, bool):
            self._wrong_type(value, path, "integer")
            return minimum
        if value < minimum:
            self.note(path, ProblemCode.TOO_SMALL, {"minimum": minimum})
        if value > maximum:
            self.note(path, ProblemCode.TOO_LARGE, {"maximum": maximum})
        return value

    def text(self, value: object, path: str, *, maximum: int) -> str:
        """A text for people or a foreign code: not blank, any script, no control characters."""
        if not isinstance(value, str):
            self._wrong_type(value, path, "string")
            return ""
        if not value.strip():
            self.note(path, ProblemCode.BLANK)
        if len(value) > maximum:
            self.note(path, ProblemCode.TOO_LONG, {"maximum": maximum})
        elif any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
            self.note(path, ProblemCode.FORBIDDEN_CHARACTER)
        return value

    def code(self, value: object, path: str, *, pattern: str, maximum: int) -> str:
        """A text of ``pattern``."""
        if not isinstance(value, str):
            self._wrong_type(value, path, "string")
            return ""
        if len(value) > maximum:
            self.note(path, ProblemCode.TOO_LONG, {"maximum": maximum})
        # The published pattern ends in "$", which in Python also matches before a last line break: match it whole.
        elif not _compiled(pattern).fullmatch(value):
            self.note(path, ProblemCode.BAD_FORMAT, {"pattern": pattern})
        return value

    def choice(self, value: object, path: str, choices: Sequence[_StrEnumT]) -> _StrEnumT:
        """One of the texts of ``choices``."""
        word = self.word(value, path, choices)
        return next(choice for choice in choices if choice == word)

    def word(self, value: object, path: str, words: Sequence[str]) -> str:
        """One of some texts; the first where it is none."""
        if not isinstance(value, str):
            self._wrong_type(value, path, "string")
            return words[0]
        if value not in words:
            self.note(path, ProblemCode.NOT_ALLOWED, {"allowed": ", ".join(words)})
            return words[0]
        return value

    def unique(self, values: Iterable[tuple[str, object]]) -> None:
        """Note every value that stood before, at its place."""
        seen: dict[object, str] = {}
        for path, value in values:
            if value in seen:
                self.note(path, ProblemCode.DUPLICATE, {"first": seen[value]})
            else:
                seen[value] = path

    def _wrong_type(self, value: object, path: str, expected: str) -> None:
        if value is not ABSENT:
            self.note(path, ProblemCode.WRONG_TYPE, {"expected": expected})


def _shown(key: str) -> str:
    return key[:_SHOWN_MAX].encode(errors="replace").decode()
