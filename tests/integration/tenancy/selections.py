"""Selection sets that ask for everything: what is not asked for can't be seen leaking."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from tests.integration.tenancy.targets import Target

PAGE = 5
"""How many items of every connection; each tenant has fewer of everything."""
CONTAINERS = ("Connection", "Edge", "Payload")
"""Types that only hold others: opened wherever they come."""


@dataclass(slots=True)
class _Node:
    """A selection on a type, filled breadth first."""

    type: GraphQLNamedType
    depth: int
    disputed: frozenset[str] = frozenset()
    """Fields whose types differ among the members of a union: GraphQL asks for other names then."""
    fields: dict[str, "_Node | None"] = field(default_factory=dict)
    on: list["_Node"] = field(default_factory=list)


def everything(schema: GraphQLSchema, type_: GraphQLNamedType, *, depth_max: int = 11) -> str:
    """A selection set in which each object type is opened where it is first met, and listed by its scalars elsewhere.

    Empty for scalars. Fields that cannot be asked without an argument are targets of their own.
    """
    if is_leaf_type(type_):
        return ""
    root = _Node(type_, 1)
    waiting = deque([root])
    opened: set[str] = set()
    while waiting:
        node = waiting.popleft()
        for child in _open(schema, node, opened):
            if child.depth <= depth_max:
                waiting.append(child)
    return _written(root)


def field_text(step_name: str, arguments: str, selection: str) -> str:
    """One field with its arguments and selection."""
    return f"{step_name}{f'({arguments})' if arguments else ''}{f' {selection}' if selection else ''}"


def document(schema: GraphQLSchema, target: Target, arguments: str, declared: str, root_arguments: str = "") -> str:
    """The operation that asks a target for everything. ``root_arguments`` are those of the way's first step."""
    named = get_named_type(target.step.field.type)
    # Below another list everything would be asked for too often; what is deep in it is a target of its own.
    text = field_text(target.step.name, arguments, everything(schema, named, depth_max=11 if target.is_root else 8))
    for index, step in reversed(list(enumerate(target.trail[:-1]))):
        given = root_arguments if index == 0 else f"first: {PAGE}" if "first" in step.field.args else ""
        after = target.trail[index + 1]
        inner = text if after.owner == step.returns else f"... on {after.owner} {{ {text} }}"
        text = field_text(step.name, given, f"{{ {inner} }}")
    kind = "mutation" if target.is_mutation else "query"
    return f"{kind} {target.step.name}{f'({declared})' if declared else ''} {{ {text} }}"


def _open(schema: GraphQLSchema, node: _Node, opened: set[str]) -> list[_Node]:
    """Fill one selection; the selections in it that are still to be filled."""
    children: list[_Node] = []
    if isinstance(node.type, GraphQLUnionType | GraphQLInterfaceType):
        members = schema.get_possible_types(node.type)
        node.on = [_Node(member, node.depth, _disputed(members)) for member in members]
        return node.on
    assert isinstance(node.type, GraphQLObjectType)
    is_opened = node.type.name in opened and not node.type.name.endswith(CONTAINERS)
    opened.add(node.type.name)
    for name, definition in node.type.fields.items():
        if any(is_required_argument(argument) for argument in definition.args.values()):
            continue
        named = get_named_type(definition.type)
        asked = f"{node.type.name}_{name}: {name}" if name in node.disputed else name
        if is_leaf_type(named):
            node.fields[asked] = None
        elif not is_opened:
            child = _Node(named, node.depth + 1)
            node.fields[_with_page(asked, definition)] = child
            children.append(child)
    return children


def _disputed(members: Sequence[GraphQLObjectType]) -> frozenset[str]:
    types = defaultdict(set)
    for member in members:
        for name, definition in member.fields.items():
            types[name].add(str(definition.type))
    return frozenset(name for name, found in types.items() if len(found) > 1)


def _with_page(name: str, definition: GraphQLField) -> str:
    return f"{name}(first: {PAGE})" if "first" in definition.args else name


def _written(node: _Node) -> str:
    parts = ["__typename"]
    for name, child in node.fields.items():
        if child is None:
            parts.append(name)
        elif child.fields or child.on:
            parts.append(f"{name} {_written(child)}")
    parts += [f"... on {member.type.name} {_written(member)}" for member in node.on]
    return f"{{ {' '.join(parts)} }}"
