"""Reading inputs: what the libraries do for each value by looking at its type, decided once for each type.

`coercer` does as graphql-core's `coerce_input_value`, `Converters` as Strawberry's `convert_argument`. Where a value is
refused, the library is asked as well: its complaint is the one that is told.
"""

from collections.abc import Callable
from dataclasses import MISSING
from functools import cache
from typing import Any, TypeAlias

from graphql import GraphQLInputType, is_input_object_type, is_list_type, is_non_null_type, is_required_input_field
from graphql.pyutils import Undefined
from graphql.type import GraphQLInputField, GraphQLInputObjectType, GraphQLLeafType
from graphql.utilities import coerce_input_value
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry import Schema, Some
from strawberry.scalars import is_scalar
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.lazy_type import LazyType

Reader: TypeAlias = Callable[[Any], Any]


class NotCompiled(Exception):
    """A type of which only the library knows how it is read, or a value that it has to look at."""


@cache
def coercer(type_: GraphQLInputType) -> Reader:
    """What makes a JSON value one of the type, or ``Undefined`` where it is none."""
    if is_non_null_type(type_):
        return _required(_present(type_.of_type))
    return _nullable(_present(type_))


def _present(type_: Any) -> Reader:
    if is_list_type(type_):
        return _list(type_)
    if is_input_object_type(type_):
        return _Object(type_)
    return _leaf(type_)


def _required(present: Reader) -> Reader:
    return lambda value: Undefined if value is None or value is Undefined else present(value)


def _field(name: str, field: GraphQLInputField) -> tuple[str, str, Reader, bool, Any]:
    is_required, default = is_required_input_field(field), coerce_default_value(field)
    return name, field.out_name or name, coercer(field.type), is_required, default


def _nullable(present: Reader) -> Reader:
    return lambda value: None if value is None or value is Undefined else present(value)


def _list(type_: Any) -> Reader:
    item = coercer(type_.of_type)

    def read(value: Any) -> Any:
        if value.__class__ is not list:
            return coerce_input_value(value, type_)
        items = []
        for each in value:
            coerced = item(each)
            if coerced is Undefined:
                return Undefined
            items.append(coerced)
        return items

    return read


def _leaf(type_: GraphQLLeafType) -> Reader:
    coerce = type_.coerce_input_value

    def read(value: Any) -> Any:
        try:
            return coerce(value)
        except Exception:  # noqa: BLE001  a scalar may refuse as it likes; the library then says why
            return Undefined

    return read


class _Object:
    """Reads an input object; its fields are looked at when it is first read, since types may name each other."""

    def __init__(self, type_: GraphQLInputObjectType) -> None:
        self._type = type_
        self._fields: list[tuple[str, str, Reader, bool, Any]] | None = None

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return Undefined
        if self._fields is None:
            self._fields = [
                (
                    name,
                    field.out_name or name,
                    coercer(field.type),
                    is_required_input_field(field),
                    coerce_default_value(field),
                )
                for name, field in self._type.fields.items()
            ]
        found: dict[str, Any] = {}
        given = 0
        for name, out_name, read, is_required, default in self._fields:
            if name in value:
                given += 1
                coerced = read(value[name])
                if coerced is Undefined:
                    return Undefined
                found[out_name] = coerced
            elif is_required:
                return Undefined
            elif default is not Undefined:
                found[out_name] = default
        if given != len(value):
            return Undefined
        if self._type.is_one_of and not (given == len(found) == 1 and None not in found.values()):
            return Undefined
        return self._type.out_type(found)


@cache
def converters(schema: Schema) -> "Converters":
    """What makes the values that resolvers of a schema take."""
    return Converters(schema)


class Converters:
    """What makes coerced values the Python values that resolvers take, by their Strawberry types."""

    def __init__(self, schema: Schema) -> None:
        self._config = schema.config
        self._scalars = schema.schema_converter.scalar_registry
        self._objects: dict[Any, Reader] = {}

    def of(self, type_: Any) -> Reader:
        """The reader of a type.

        Raises:
            NotCompiled: the library has to read it; a reader raises it as well, of a value that the library refuses.
        """
        if isinstance(type_, StrawberryMaybe):
            return _some(self.of(type_.of_type), is_nullable=isinstance(type_.of_type, StrawberryOptional))
        if isinstance(type_, StrawberryOptional):
            return self.of(type_.of_type)
        if isinstance(type_, LazyType):
            return self.of(type_.resolve_type())
        if isinstance(type_, StrawberryList):
            return _items(self.of(type_.of_type))
        if is_scalar(type_, self._scalars) or isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_):
            return _same
        return self._object(type_)

    def _object(self, type_: Any) -> Reader:
        if not has_object_definition(type_) or type_.__strawberry_definition__.from_input is not None:
            raise NotCompiled
        if type_ in self._objects:
            return self._objects[type_]
        definition = type_.__strawberry_definition__
        fields: list[tuple[str, str, Reader]] = []
        absent = {
            field.python_name: None
            for field in definition.fields
            if field.default_value is MISSING and field.default_factory is MISSING
        }

        def read(value: Any) -> Any:
            if value is None:
                return None
            given = absent.copy()
            for name, python_name, convert in fields:
                if name in value:
                    given[python_name] = convert(value[name])
            return type_(**given)

        # It is known before its fields are, since types may name each other.
        self._objects[type_] = read
        for field in definition.fields:
            convert = self.of(field.resolve_type(type_definition=definition))
            fields.append((self._config.name_converter.from_field(field), field.python_name, convert))
        return read


def _items(item: Reader) -> Reader:
    if item is _same:
        # A copy: the default of a list is one list for all requests.
        return lambda value: None if value is None else list(value)
    return lambda value: None if value is None else [item(each) for each in value]


def _same(value: Any) -> Any:
    return value


def _some(inner: Reader, *, is_nullable: bool) -> Reader:
    def read(value: Any) -> Any:
        if value is None and not is_nullable:
            raise NotCompiled
        return Some(inner(value))

    return read
