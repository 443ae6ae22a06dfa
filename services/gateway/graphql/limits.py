"""Bounds of a document that hold before it is validated.

Every node is visited once, fragments too, and without recursion over the document, so that no document can make the
check itself expensive.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
)

from services.gateway.context.errors import QueryLimitExceeded, RequestMalformed

TOKENS_MAX = 2_000
OPERATIONS_MAX = 10
FRAGMENTS_MAX = 50
ALIASES_MAX = 50
DIRECTIVES_PER_NODE_MAX = 5
DEPTH_MAX = 15
VALUE_DEPTH_MAX = 10
ROOT_FIELDS_MAX = 20

INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})


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
    for index, definition in enumerate(document.definitions):
        is_fragment = isinstance(definition, FragmentDefinitionNode)
        name = definition.name.value if isinstance(definition, FragmentDefinitionNode) else f"#{index}"
        _walk(definition, tally, tally.definitions.setdefault(name, _Definition()))
        if not is_fragment and isinstance(definition, OperationDefinitionNode):
            _bound("rootFields", ROOT_FIELDS_MAX, len(definition.selection_set.selections))
    _bound("aliases", ALIASES_MAX, tally.aliases)
    _bound("depth", DEPTH_MAX, max((_depth(name, tally.definitions, {}) for name in tally.definitions), default=0))
    return tally.has_introspection


def _bound(dimension: str, maximum: int, requested: int) -> None:
    if requested > maximum:
        raise QueryLimitExceeded(dimension=dimension, maximum=maximum, requested=requested)


def _count(document: DocumentNode, kind: type[Node]) -> int:
    return sum(isinstance(definition, kind) for definition in document.definitions)


def _walk(root: Node, tally: _Tally, definition: _Definition) -> None:
    """Visit every node below ``root`` once. A stack entry is a node, its selection depth and its value depth."""
    stack: list[tuple[Node, int, int]] = [(root, 0, 0)]
    while stack:
        node, depth, value_depth = stack.pop()
        _bound("directives", DIRECTIVES_PER_NODE_MAX, len(getattr(node, "directives", None) or ()))
        if isinstance(node, StringValueNode) and "\0" in node.value:
            raise RequestMalformed(reason="NUL_CHARACTER")
        if isinstance(node, FragmentSpreadNode):
            definition.spreads.append((node.name.value, depth))
        elif isinstance(node, SelectionSetNode):
            depth += 1
            definition.depth = max(definition.depth, depth)
            _bound("depth", DEPTH_MAX, depth)
        elif isinstance(node, ListValueNode | ObjectValueNode):
            value_depth += 1
            _bound("valueDepth", VALUE_DEPTH_MAX, value_depth)
        elif isinstance(node, FieldNode):
            tally.aliases += node.alias is not None
            if node.name.value in INTROSPECTION_FIELDS:
                tally.has_introspection = True
        stack.extend((child, depth, value_depth) for child in _children(node))


def _children(node: Node) -> Iterator[Node]:
    for key in node.keys:
        value = getattr(node, key, None)
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
