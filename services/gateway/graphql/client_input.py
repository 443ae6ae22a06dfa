"""The ``input`` of a mutation as the client sent it, before any default: what its idempotency key stands for."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from services.gateway.graphql.fields import Info
from services.platform.idempotency.service import request_hash

ABSENT = object()
INTEGER_DIGITS_MAX = 18


def input_hash(info: Info) -> bytes:
    """The hash of the present mutation's ``input``.

    The same input hashes alike whether it was written into the document or sent as a variable. Defaults of the
    operation's own variables belong to what the client sent; defaults of the schema do not.
    """
    return request_hash(_input(info))


def item_hashes(info: Info, name: str) -> list[bytes]:
    """The hash of each item of a list in the present mutation's ``input``: what it would be as an input of its own."""
    items: Any = _input(info).get(name)
    # GraphQL takes a single value for a list of one.
    return [request_hash(item) for item in (items if isinstance(items, list) else [items])]


def _input(info: Info) -> Mapping[str, Any]:
    raw = info._raw_info  # noqa: SLF001  Strawberry wraps the field's nodes without offering them
    variables = {**_operation_defaults(raw.operation.variable_definitions or ()), **info.context.raw_variables}
    for argument in raw.field_nodes[0].arguments or ():
        if argument.name.value == "input":
            value = _plain(argument.value, variables)
            return value if isinstance(value, Mapping) else {}
    return {}


def _operation_defaults(definitions: Any) -> dict[str, Any]:
    return {
        definition.variable.name.value: _plain(definition.default_value, {})
        for definition in definitions
        if definition.default_value is not None
    }


def _plain(node: ValueNode, variables: Mapping[str, Any]) -> Any:
    """A literal as the JSON value that a client would have sent in its place. Its nesting is bounded by `limits`."""
    match node:
        case VariableNode():
            return variables.get(node.name.value, ABSENT)
        case ListValueNode():
            return [item for item in (_plain(value, variables) for value in node.values or ()) if item is not ABSENT]
        case ObjectValueNode():
            fields = ((field.name.value, _plain(field.value, variables)) for field in node.fields or ())
            return {name: value for name, value in fields if value is not ABSENT}
        case _:
            return _plain_leaf(node)


def _plain_leaf(node: ValueNode) -> Any:
    match node:
        case NullValueNode():
            return None
        case IntValueNode() if len(node.value) <= INTEGER_DIGITS_MAX:
            return int(node.value)
        case BooleanValueNode() | IntValueNode() | FloatValueNode() | StringValueNode() | EnumValueNode():
            return node.value
        case _:
            message = f"no value: {node.kind}"
            raise TypeError(message)
