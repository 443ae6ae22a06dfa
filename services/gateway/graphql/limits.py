"""Bounds of a document that hold before it is validated.

Every node is visited once, fragments too, and without recursion over the document, so that no document can make the
check itself expensive.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    ListValueNode,
    NameNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
)

from services.gateway.context.errors import QueryLimitExceeded, RequestMalformed

LENGTH_MAX = 65_536
"""Characters of a document. Values belong into variables, and comments are read too."""
TOKENS_MAX = 2_000
OPERATIONS_MAX = 10
FRAGMENTS_MAX = 50
ALIASES_MAX = 50
INTROSPECTION_ALIASES_MAX = 5
"""Without aliases equal fields are answered once, so that the schema is told about as often as this."""
DIRECTIVES_PER_NODE_MAX = 5
ROOT_FIELDS_MAX = 20
DEPTH_MAX = 15
"""Fields within fields; fragments add nothing to it, since they only say again where one is."""
NESTING_MAX = 60
"""Braces within braces, which bounds every recursion over a document that comes later."""
VALUE_DEPTH_MAX = 10
DIGITS_MAX = 100
"""Of a number in a document; no type of ours takes one of half that length."""

INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})


class _Place(NamedTuple):
    """Where a node stands in its definition."""

    depth: int = 0
    nesting: int = 0
    value_depth: int = 0
    is_introspection: bool = False


@dataclass(slots=True)
class _Definition:
    """What one operation or fragment holds: its own depth, and which fragments it spreads how deep."""

    depth: int = 0
    spreads: list[tuple[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Tally:
    aliases: int = 0
    has_introspection: bool = False
    definitions: dict[str, _Definition] = field(default_factory=dict)


def check_document(document: DocumentNode) -> bool:
    """Whether the document asks for the schema (introspection).

    Raises:
        QueryLimitExceeded: it is beyond one of the bounds.
        RequestMalformed: a string holds a NUL character, which no text of ours may.
    """
    _bound("operations", OPERATIONS_MAX, _count(document, OperationDefinitionNode))
    _bound("fragments", FRAGMENTS_MAX, _count(document, FragmentDefinitionNode))
    tally = _Tally()
    for index, node in enumerate(document.definitions):
        name = node.name.value if isinstance(node, FragmentDefinitionNode) else f"#{index}"
        if isinstance(node, OperationDefinitionNode):
            _bound("rootFields", ROOT_FIELDS_MAX, len(node.selection_set.selections))
        _walk(node, tally, tally.definitions.setdefault(name, _Definition()))
    _bound("aliases", ALIASES_MAX, tally.aliases)
    if tally.has_introspection:
        _bound("introspectionAliases", INTROSPECTION_ALIASES_MAX, tally.aliases)
    _bound("depth", DEPTH_MAX, max((_depth(name, tally.definitions, {}) for name in tally.definitions), default=0))
    return tally.has_introspection


def _bound(dimension: str, maximum: int, requested: int) -> None:
    if requested > maximum:
        raise QueryLimitExceeded(dimension=dimension, maximum=maximum, requested=requested)


def _count(document: DocumentNode, kind: type[Node]) -> int:
    return sum(isinstance(definition, kind) for definition in document.definitions)


def _walk(root: Node, tally: _Tally, definition: _Definition) -> None:
    """Visit every node below ``root`` once."""
    stack = [(root, _Place(is_introspection=_is_about_the_schema(root)))]
    while stack:
        node, place = stack.pop()
        _bound("directives", DIRECTIVES_PER_NODE_MAX, len(getattr(node, "directives", None) or ()))
        if isinstance(node, StringValueNode) and "\0" in node.value:
            raise RequestMalformed(reason="NUL_CHARACTER")
        if isinstance(node, IntValueNode | FloatValueNode):
            _bound("digits", DIGITS_MAX, len(node.value))
        if isinstance(node, FragmentSpreadNode):
            definition.spreads.append((node.name.value, place.depth))
        elif isinstance(node, FieldNode):
            tally.aliases += node.alias is not None
            tally.has_introspection |= node.name.value in INTROSPECTION_FIELDS
        place = _below(node, place)
        definition.depth = max(definition.depth, place.depth)
        stack.extend((child, place) for child in _children(node))


def _below(node: Node, place: _Place) -> _Place:
    """Where the children of a node stand.

    Raises:
        QueryLimitExceeded: too deep.
    """
    if isinstance(node, ListValueNode | ObjectValueNode):
        _bound("valueDepth", VALUE_DEPTH_MAX, place.value_depth + 1)
        return place._replace(value_depth=place.value_depth + 1)
    if isinstance(node, SelectionSetNode):
        _bound("nesting", NESTING_MAX, place.nesting + 1)
        return place._replace(nesting=place.nesting + 1)
    if isinstance(node, FieldNode):
        # The schema's own depth is bounded by a rule of the library.
        is_introspection = place.is_introspection or node.name.value in INTROSPECTION_FIELDS
        depth = place.depth if is_introspection else place.depth + 1
        _bound("depth", DEPTH_MAX, depth)
        return _Place(depth, place.nesting, place.value_depth, is_introspection)
    return place


def _is_about_the_schema(node: Node) -> bool:
    return isinstance(node, FragmentDefinitionNode) and node.type_condition.name.value.startswith("__")


def _children(node: Node) -> Iterator[Node]:
    for key in node.keys:
        value = getattr(node, key, None)
        if isinstance(value, NameNode):
            continue
        if isinstance(value, Node):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, Node))


def _depth(name: str, definitions: dict[str, _Definition], known: dict[str, int]) -> int:
    """The depth of a definition with its fragments. The recursion is over fragment names only, which are bounded."""
    if name in known:
        return known[name]
    # A cycle ends here; validation refuses it by its own rule.
    known[name] = 0
    definition = definitions.get(name)
    if definition is not None:
        reached = (depth + _depth(spread, definitions, known) for spread, depth in definition.spreads)
        known[name] = max((definition.depth, *reached))
    return known[name]
