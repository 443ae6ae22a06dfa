"""Conditions in JSON: ``{"all": […]}``, ``{"any": […]}``, ``{"not": …}``, a comparison, or ``{"expression": "…"}``."""

from collections.abc import Mapping
from typing import Any

from services.loyalty.programs.domain import bounds
from services.loyalty.programs.domain.codec import Choice, Code, Codec, Definitions, Named, Schema
from services.loyalty.programs.domain.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Expression,
    Not,
    Operator,
    Scalar,
)
from services.loyalty.programs.domain.reading import ABSENT, Reader, pointer
from services.loyalty.programs.errors import ProblemCode

_FIELD = Code(bounds.FIELD_NAME_PATTERN, bounds.FIELD_NAME_MAX)
_OPERATOR = Choice(Operator)
_KEYS = ("all", "any", "not", "expression")
_COMPARISON_KEYS = ("field", "op", "value")
_NOTHING = AllOf(())
_REF = "#/$defs/condition"


class _ConditionCodec(Codec[Condition]):
    """A tree of bounded depth and size. Whether its fields exist and are compared rightly is checked afterwards."""

    def read(self, reader: Reader, value: object, path: str) -> Condition:
        return _Tree(reader).read(value, path, depth=1)

    def write(self, value: Condition) -> Any:
        match value:
            case AllOf(conditions):
                return {"all": [self.write(condition) for condition in conditions]}
            case AnyOf(conditions):
                return {"any": [self.write(condition) for condition in conditions]}
            case Not(condition):
                return {"not": self.write(condition)}
            case Expression(source):
                return {"expression": source}
            case Comparison(field, operator, given):
                return {"field": field, "op": operator.value, "value": _plain(given)}

    def schema(self, definitions: Definitions, /) -> Schema:
        several = {"type": "array", "maxItems": bounds.CONDITION_NODES_MAX, "items": {"$ref": _REF}}
        text = {"type": "string", "minLength": 1, "maxLength": bounds.CONDITION_TEXT_MAX, "pattern": r"\S"}
        number = {"type": "integer", "minimum": -bounds.POINTS_MAX, "maximum": bounds.POINTS_MAX}
        scalar: Schema = {"anyOf": [{"type": "boolean"}, number, text]}
        listed = {"type": "array", "minItems": 1, "maxItems": bounds.CONDITION_VALUES_MAX}
        path = {"type": "array", "minItems": 1, "maxItems": bounds.CATEGORY_DEPTH_MAX, "items": text}
        comparison = {
            "field": {"description": "A declared field, such as `order.total`.", **_FIELD.schema(definitions)},
            "op": {"description": "How it is compared; the field's type says which it takes.",
                   **_OPERATOR.schema(definitions)},
            "value": {
                "description": "What it is compared with; decimals, dates and times are texts.",
                "anyOf": [*scalar["anyOf"], listed | {"items": scalar}, listed | {"items": path}],
            },
        }  # fmt: skip
        expression = {
            "description": "The same in the Common Expression Language.",
            **text,
            "maxLength": bounds.EXPRESSION_MAX,
        }
        return {
            "description": "What must hold: a tree of comparisons, at most "
            f"{bounds.CONDITION_DEPTH_MAX} deep with {bounds.CONDITION_NODES_MAX} conditions, or an expression.",
            "oneOf": [
                _closed({"all": {"description": "Every one holds."} | several}),
                _closed({"any": {"description": "At least one holds."} | several}),
                _closed({"not": {"description": "It does not hold.", "$ref": _REF}}),
                _closed({"expression": expression}),
                _closed(comparison),
            ],
        }


class _Tree:
    """Reads one condition and counts its parts."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._nodes = 0

    def read(self, value: object, path: str, *, depth: int) -> Condition:
        self._nodes += 1
        if depth > bounds.CONDITION_DEPTH_MAX:
            self._reader.note(path, ProblemCode.TOO_DEEP, {"maximum": bounds.CONDITION_DEPTH_MAX})
            return _NOTHING
        if self._nodes > bounds.CONDITION_NODES_MAX:
            if self._nodes == bounds.CONDITION_NODES_MAX + 1:
                self._reader.note(path, ProblemCode.TOO_MANY, {"maximum": bounds.CONDITION_NODES_MAX})
            return _NOTHING
        if isinstance(value, Mapping) and any(key in value for key in _COMPARISON_KEYS):
            return self._comparison(value, path)
        given = self._reader.one_of(value, path, (*_KEYS, "field"))
        return _NOTHING if given is None else self._combined(*given, path, depth)

    def _combined(self, key: str, content: object, path: str, depth: int) -> Condition:
        place = pointer(path, (key,))
        if key == "expression":
            return Expression(self._reader.text(content, place, maximum=bounds.EXPRESSION_MAX))
        if key == "not":
            return Not(self.read(content, place, depth=depth + 1))
        items = self._reader.items(content, place, maximum=bounds.CONDITION_NODES_MAX)
        inner = tuple(self.read(item, item_place, depth=depth + 1) for item_place, item in items)
        return AllOf(inner) if key == "all" else AnyOf(inner)

    def _comparison(self, value: object, path: str) -> Comparison:
        members = self._reader.members(value, path, required=_COMPARISON_KEYS)
        return Comparison(
            _FIELD.read(self._reader, members["field"], pointer(path, ("field",))),
            _OPERATOR.read(self._reader, members["op"], pointer(path, ("op",))),
            self._value(members["value"], pointer(path, ("value",))),
        )

    def _value(self, value: object, path: str) -> Scalar | tuple[Scalar, ...] | tuple[tuple[str, ...], ...]:
        if not isinstance(value, list | tuple):
            return False if value is ABSENT else self._scalar(value, path)
        items = self._reader.items(value, path, minimum=1, maximum=bounds.CONDITION_VALUES_MAX)
        if items and isinstance(items[0][1], list | tuple):
            return tuple(self._path(item, place) for place, item in items)
        return tuple(self._scalar(item, place) for place, item in items)

    def _path(self, value: object, path: str) -> tuple[str, ...]:
        steps = self._reader.items(value, path, minimum=1, maximum=bounds.CATEGORY_DEPTH_MAX)
        return tuple(self._reader.text(step, place, maximum=bounds.CONDITION_TEXT_MAX) for place, step in steps)

    def _scalar(self, value: object, path: str) -> Scalar:
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            return self._reader.integer(value, path, minimum=-bounds.POINTS_MAX, maximum=bounds.POINTS_MAX)
        if isinstance(value, str):
            return self._reader.text(value, path, maximum=bounds.CONDITION_TEXT_MAX)
        self._reader.note(path, ProblemCode.WRONG_TYPE, {"expected": "string, integer or boolean"})
        return False


def _plain(value: Scalar | tuple[Scalar, ...] | tuple[tuple[str, ...], ...]) -> Any:
    if isinstance(value, tuple):
        return [list(item) if isinstance(item, tuple) else item for item in value]
    return value


def _closed(properties: dict[str, Any]) -> Schema:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


CONDITION: Codec[Condition] = Named("condition", _ConditionCodec())
