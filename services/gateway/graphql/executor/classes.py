"""Which type an object has: asked of the schema once for each class, remembered where the class alone decides."""

from functools import lru_cache
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLNamedType,
    GraphQLObjectType,
    default_type_resolver,
    is_abstract_type,
    is_object_type,
)
from graphql.pyutils import Undefined, inspect
from strawberry import Schema

from services.gateway.graphql.executor.running import Spot


class Classes:
    """What is known of the classes of the objects in one place of a plan."""

    def __init__(
        self, schema: Schema, type_: Any, spot: Spot, known: Any, functions: dict[str, Any] | None = None
    ) -> None:
        self._schema = schema._schema  # noqa: SLF001  as in the runner
        self._type = type_
        self._spot = spot
        self._known = known
        self._functions = functions
        self._info = _PlaceInfo(self._schema, spot)

    def is_null(self, value: Any) -> bool:
        """Whether there is no object; an object of the type is remembered by its class.

        Raises:
            Exception: the value itself, when it is an error.
            GraphQLError: it is no object of the type.
        """
        if isinstance(value, Exception):
            raise value
        if value is None or value is Undefined:
            return True
        if is_abstract_type(self._type):
            return False
        self._check(self._type, value)
        # Where the type does not look at its objects, no class of theirs matters.
        if self._type.is_type_of is None or _is_decisive(value.__class__):
            self._known.add(type(value))
        return False

    def type_name(self, value: Any) -> str:
        """The name of the object type of a value of an interface or union.

        Raises:
            GraphQLError: it has none that fits.
        """
        resolve_type: Any = self._type.resolve_type or default_type_resolver
        name = resolve_type(value, self._info, self._type)
        runtime_type = self._valid(name, value)
        self._check(runtime_type, value)
        if _is_decisive(value.__class__) and self._functions is not None:
            self._known[type(value)] = self._functions[runtime_type.name]
        return runtime_type.name

    def _check(self, type_: GraphQLObjectType, value: Any) -> None:
        is_type_of: Any = type_.is_type_of
        if is_type_of and not is_type_of(value, self._info):
            raise GraphQLError(f"Expected value of type '{type_}' but got: {inspect(value)}.", self._spot.nodes)

    def _valid(self, name: Any, value: Any) -> GraphQLObjectType:
        """As the library's ``ensure_valid_runtime_type``, word for word."""
        found: GraphQLNamedType | None = self._schema.get_type(name) if isinstance(name, str) else None
        place = f"for field '{self._spot.parent_name}.{self._spot.field_name}'"
        if name is None:
            sentence = (
                f"Abstract type '{self._type}' must resolve to an Object type at runtime {place}."
                f" Either the '{self._type}' type should provide a 'resolve_type' function or each possible type"
                " should provide an 'is_type_of' function."
            )
        elif not isinstance(name, str):
            sentence = (
                f"Abstract type '{self._type}' must resolve to an Object type at runtime {place} with value"
                f" {inspect(value)}, received '{inspect(name)}', which is not a valid Object type name."
            )
        elif found is None:
            sentence = (
                f"Abstract type '{self._type}' was resolved to a type '{name}' that does not exist inside the schema."
            )
        elif not is_object_type(found):
            sentence = f"Abstract type '{self._type}' was resolved to a non-object type '{name}'."
        elif not self._schema.is_sub_type(self._type, found):
            sentence = f"Runtime Object type '{found}' is not a possible type for '{self._type}'."
        else:
            return found
        raise GraphQLError(sentence, self._spot.nodes)


class _PlaceInfo:
    """What the library tells those who find out about types."""

    def __init__(self, schema: Any, spot: Spot) -> None:
        self.schema = schema
        self.field_name = spot.field_name

    @staticmethod
    def is_awaitable(_value: Any) -> bool:
        """No type of ours has to be waited for."""
        return False


@lru_cache(maxsize=1_000)
def _is_decisive(kind: Any) -> bool:
    """Whether all objects of a class have one type: it is a plain type of the schema, or made of one."""
    definition = getattr(kind, "__strawberry_definition__", None)
    return (
        definition is not None
        and definition.is_type_of is None
        and not definition.is_graphql_generic
        and definition.concrete_of is None
    )
