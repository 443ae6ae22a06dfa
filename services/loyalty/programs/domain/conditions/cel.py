"""Expressions of the Common Expression Language: the only module that knows the library.

An expression sees flat variables that are declared, and of the language only what cannot cost much: comparisons,
logic, whole-number arithmetic, texts' beginnings and ends, membership, and "exists" and "all" over a list, not one in
another. There are no regular expressions, maps, floating numbers, conversions, joined texts or lists. What is handed
in is bounded as well (`TEXT_MAX`, `LIST_MAX`): the library counts iterations, not bytes.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

from cel_expr_python import cel

from services.loyalty.programs.domain.conditions.declared import Field, ValueType
from services.loyalty.programs.domain.conditions.fields import Facts, FactValue

SOURCE_BYTES_MAX = 2_000
TEXT_MAX = 200
LIST_MAX = 50
DECIMAL_SCALE = 10_000
_INT_MAX = 2**63 - 1

_ALLOWED = """
name: conditions
stdlib:
  include_macros: ["exists", "all"]
  include_functions:
    - name: "_==_"
    - name: "_!=_"
    - name: "_<_"
      overloads: [{id: less_int64}, {id: less_string}]
    - name: "_<=_"
      overloads: [{id: less_equals_int64}, {id: less_equals_string}]
    - name: "_>_"
      overloads: [{id: greater_int64}, {id: greater_string}]
    - name: "_>=_"
      overloads: [{id: greater_equals_int64}, {id: greater_equals_string}]
    - name: "_&&_"
    - name: "_||_"
    - name: "!_"
    - name: "_?_:_"
    - name: "-_"
      overloads: [{id: negate_int64}]
    - name: "_+_"
      overloads: [{id: add_int64}]
    - name: "_-_"
      overloads: [{id: subtract_int64}]
    - name: "_*_"
      overloads: [{id: multiply_int64}]
    - name: "_/_"
      overloads: [{id: divide_int64}]
    - name: "_%_"
      overloads: [{id: modulo_int64}]
    - name: "_[_]"
      overloads: [{id: index_list}]
    - name: "@in"
      overloads: [{id: in_list}]
    - name: "size"
      overloads: [{id: size_string}, {id: string_size}, {id: size_list}, {id: list_size}]
    - name: "startsWith"
    - name: "endsWith"
    - name: "contains"
    - name: "@not_strictly_false"
"""

_TOKEN = re.compile(
    r"""
      (?P<blank> \s+ | //[^\n]* )
    | (?P<bytes> [rR]?[bB][rR]?(?="|') )
    | (?P<text> [rR](?: \"{3}.*?\"{3} | \'{3}.*?\'{3} | "[^"\n]*" | '[^'\n]*' )
              | \"{3}(?:[^\\]|\\.)*?\"{3} | \'{3}(?:[^\\]|\\.)*?\'{3}
              | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    | (?P<number> 0[xX][0-9a-fA-F]+[uU]? | [0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[uU]? | \.[0-9]+ )
    | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<mark> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_MACROS = ("exists", "all")
_CALLABLE = frozenset({*_MACROS, "size", "startsWith", "endsWith", "contains", "in"})
_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '([^']*)'")

_TYPES: Mapping[ValueType, Any] = {
    ValueType.BOOLEAN: cel.Type.BOOL,
    ValueType.INTEGER: cel.Type.INT,
    ValueType.DECIMAL: cel.Type.INT,
    ValueType.MONEY: cel.Type.INT,
    ValueType.TEXT: cel.Type.STRING,
    ValueType.DATE: cel.Type.STRING,
    ValueType.TIME: cel.Type.STRING,
    ValueType.TEXTS: cel.Type.List(cel.Type.STRING),
    ValueType.PATH: cel.Type.List(cel.Type.STRING),
    ValueType.PATHS: cel.Type.List(cel.Type.List(cel.Type.STRING)),
}


class Unsound(StrEnum):
    """Why an expression cannot be used; the facts that go with it are named in brackets."""

    TOO_LONG = "too_long"  # [maximum], bytes
    SYNTAX = "syntax"  # [line, column, detail]
    UNKNOWN_NAME = "unknown_name"  # [line, column, name, nearest]
    TYPES = "types"  # [line, column, operator, types]
    NOT_ALLOWED = "not_allowed"  # [line, column, what]
    NOT_BOOLEAN = "not_boolean"  # [type]
    TOO_DEEP = "too_deep"


@dataclass
class ExpressionUnsound(Exception):
    """An expression that cannot be used, with its place in the source (from 1) among the facts."""

    reason: Unsound
    facts: Mapping[str, str | int] = field(default_factory=dict)


class Untold(StrEnum):
    """Why an expression had no answer."""

    NOT_KNOWN = "not_known"
    TOO_LARGE = "too_large"
    """A text or list among the facts is longer than expressions may see."""
    DIVISION_BY_ZERO = "division_by_zero"
    OVERFLOW = "overflow"
    NO_SUCH_ITEM = "no_such_item"
    TOO_MUCH_WORK = "too_much_work"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CompiledExpression:
    """An expression that was found sound. ``ask`` answers true, false, or None; ``why_untold`` says why None."""

    source: str
    fields: tuple[Field, ...]
    ask: Callable[[Facts], bool | None]
    why_untold: Callable[[Facts], tuple[Untold, tuple[str, ...]] | None]


def fields_named(source: str, fields: Iterable[Field]) -> tuple[Field, ...]:
    """The fields whose flat names (or ``has_`` names) occur in the source."""
    names = {token for kind, token, _ in _tokens(source) if kind == "name"}
    return tuple(each for each in fields if each.flat_name in names or each.presence_name in names)


def compile_source(source: str, fields: Sequence[Field]) -> CompiledExpression:
    """Check and compile an expression over these fields.

    Raises:
        ExpressionUnsound: it cannot be used; the first reason, by place.
    """
    if len(source.encode(errors="replace")) > SOURCE_BYTES_MAX:
        raise ExpressionUnsound(Unsound.TOO_LONG, {"maximum": SOURCE_BYTES_MAX})
    _check_tokens(source)
    used = fields_named(source, fields)
    variables: dict[str, Any] = {each.flat_name: _TYPES[each.type] for each in used}
    variables.update({each.presence_name: cel.Type.BOOL for each in used})
    environment = cel.NewEnv(variables=variables, config=_configuration())
    try:
        expression = environment.compile(source)
    except RuntimeError as error:
        raise _unsound(str(error), fields) from error
    if expression.return_type() != cel.Type.BOOL:
        raise ExpressionUnsound(Unsound.NOT_BOOLEAN, {"type": str(expression.return_type().name()).lower()})
    return _compiled(source, used, environment, expression)


@cache
def _configuration() -> Any:
    return cel.NewEnvConfigFromYaml(_ALLOWED)


def _compiled(source: str, used: tuple[Field, ...], environment: Any, expression: Any) -> CompiledExpression:
    readers = [(each.name, each.flat_name, each.presence_name, _READERS[each.type]) for each in used]

    def values(facts: Facts) -> dict[str, Any]:
        handed: dict[str, Any] = {}
        for name, flat, presence, read in readers:
            fact = facts.get(name)
            handed[presence] = fact is not None
            value = None if fact is None else read(fact)
            if value is not None:
                handed[flat] = value
        return handed

    def ask(facts: Facts) -> bool | None:
        try:
            answer = expression.eval(environment.Activation(values(facts))).plain_value()
        except RuntimeError:  # the budget of iterations is used up
            return None
        return answer if isinstance(answer, bool) else None

    def why_untold(facts: Facts) -> tuple[Untold, tuple[str, ...]] | None:
        handed = values(facts)
        try:
            answer = expression.eval(environment.Activation(handed)).plain_value()
        except RuntimeError as error:
            answer = str(error)
        if isinstance(answer, bool):
            return None
        too_large = tuple(n for n, flat, _, _ in readers if facts.get(n) is not None and flat not in handed)
        unknown = tuple(n for n, _, _, _ in readers if facts.get(n) is None)
        return _untold(str(answer), too_large, unknown)

    return CompiledExpression(source, used, ask, why_untold)


def _untold(message: str, too_large: tuple[str, ...], unknown: tuple[str, ...]) -> tuple[Untold, tuple[str, ...]]:
    if "No value with name" in message:
        return (Untold.TOO_LARGE, too_large) if too_large and not unknown else (Untold.NOT_KNOWN, unknown)
    for words, reason in (
        ("divide by zero", Untold.DIVISION_BY_ZERO),
        ("modulus by zero", Untold.DIVISION_BY_ZERO),
        ("overflow", Untold.OVERFLOW),
        ("Index error", Untold.NO_SUCH_ITEM),
        ("Iteration budget", Untold.TOO_MUCH_WORK),
    ):
        if words in message:
            return reason, ()
    return Untold.FAILED, ()


def _whole(value: FactValue) -> int | None:
    return value if isinstance(value, int) and abs(value) <= _INT_MAX else None


def _ten_thousandths(value: FactValue) -> int | None:
    if not isinstance(value, Decimal | int):
        return None
    scaled = Decimal(value) * DECIMAL_SCALE
    return int(scaled) if scaled == int(scaled) and abs(scaled) <= _INT_MAX else None


def _is_utf8(value: str) -> bool:
    """Whether the library can be given it: halves of surrogate pairs have no bytes."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= TEXT_MAX and _is_utf8(value) else None


def _short_list(value: object) -> list[str] | None:
    if not isinstance(value, tuple) or len(value) > LIST_MAX:
        return None
    items = [item for item in map(_short, value) if item is not None]
    return items if len(items) == len(value) else None


def _short_lists(value: object) -> list[list[str]] | None:
    if not isinstance(value, tuple) or len(value) > LIST_MAX:
        return None
    lists = [items for items in map(_short_list, value) if items is not None]
    return lists if len(lists) == len(value) else None


_READERS: Mapping[ValueType, Callable[[FactValue], Any]] = {
    ValueType.BOOLEAN: lambda value: value if isinstance(value, bool) else None,
    ValueType.INTEGER: _whole,
    ValueType.DECIMAL: _ten_thousandths,
    ValueType.MONEY: _whole,
    ValueType.TEXT: _short,
    ValueType.DATE: lambda value: value.isoformat() if isinstance(value, date) else None,
    ValueType.TIME: lambda value: value.isoformat("minutes") if isinstance(value, time) else None,
    ValueType.TEXTS: _short_list,
    ValueType.PATH: _short_list,
    ValueType.PATHS: _short_lists,
}


def _tokens(source: str) -> Iterator[tuple[str, str, int]]:
    """The tokens with their kind and place, without blanks and comments."""
    for match in _TOKEN.finditer(source):
        if match.lastgroup != "blank":
            yield str(match.lastgroup), match.group(), match.start()


def _check_tokens(source: str) -> None:
    """Refuse what the library would take but an expression here may not have."""
    inside_macros: list[bool] = []
    last_kind, last, last_start = "", "", 0
    for kind, text, start in _tokens(source):
        what, at = _not_allowed(kind, text), start
        if (kind, text) == ("mark", "("):
            if last_kind == "name" and last not in _CALLABLE:
                what, at = last[:TEXT_MAX], last_start
            elif last in _MACROS and any(inside_macros):
                what = "nested"
            inside_macros.append(last in _MACROS)
        elif (kind, text) == ("mark", ")") and inside_macros:
            inside_macros.pop()
        if what is not None:
            raise ExpressionUnsound(Unsound.NOT_ALLOWED, {**_place(source, at), "what": what})
        last_kind, last, last_start = kind, text, start


def _not_allowed(kind: str, text: str) -> str | None:
    if kind == "number":  # whole ones only, decimal or hexadecimal
        return None if text.isdigit() or (text[:2].lower() == "0x" and text[-1] not in "uU") else "number"
    if kind == "mark" and text in "{}":
        return "braces"
    if not _is_utf8(text):
        return "character"
    return "bytes" if kind == "bytes" else None


def _place(source: str, start: int) -> dict[str, str | int]:
    before = source[:start]
    return {"line": before.count("\n") + 1, "column": start - (before.rfind("\n") + 1) + 1}


def _unsound(message: str, fields: Sequence[Field]) -> ExpressionUnsound:
    found = _ERROR.search(message)
    if "recursion" in message:
        return ExpressionUnsound(Unsound.TOO_DEEP)
    if found is None:
        return ExpressionUnsound(Unsound.SYNTAX, {"line": 1, "column": 1, "detail": message[:200]})
    place: dict[str, str | int] = {"line": max(1, int(found[1])), "column": max(1, int(found[2]))}
    detail = found[3]
    undeclared, overload = _UNDECLARED.search(detail), _OVERLOAD.search(detail)
    if undeclared is not None:
        names = [each.flat_name for each in fields]
        near = difflib.get_close_matches(undeclared[1], names, n=1)
        return ExpressionUnsound(Unsound.UNKNOWN_NAME, {**place, "name": undeclared[1], "nearest": "".join(near)})
    if overload is not None:
        shown = overload[1].strip("_@")
        return ExpressionUnsound(Unsound.TYPES, {**place, "operator": shown, "types": overload[2].strip("()")})
    return ExpressionUnsound(Unsound.SYNTAX, {**place, "detail": detail[:200]})
