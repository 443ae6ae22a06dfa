"""What an operation costs: one point for each object that it may return, ten for each mutation.

A connection multiplies what it holds by ``first``; a plain list counts as `LIST_SIZE_ASSUMED`. The cost of a fragment
does not depend on where it is spread, so each is measured once: a chain of n fragments takes n steps, not 2^n.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
)
from graphql.type import GraphQLNamedType

from services.gateway.context.errors import QueryLimitExceeded
from services.gateway.graphql.pagination import PAGE_DEFAULT, PAGE_MAX

COST_MAX = 10_000
MUTATION_COST = 10
LIST_SIZE_ASSUMED = 5


def operation_cost(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> int:
    """The cost of a validated operation.

    Raises:
        QueryLimitExceeded: it is above ``COST_MAX``.
    """
    root = schema.get_root_type(operation.operation)
    cost = _Measure(schema, document, _with_defaults(operation, variables)).selections(root, operation.selection_set)
    if operation.operation is OperationType.MUTATION:
        cost += MUTATION_COST * len(operation.selection_set.selections)
    if cost > COST_MAX:
        raise QueryLimitExceeded(dimension="cost", maximum=COST_MAX, requested=cost)
    return max(1, cost)


class _Measure:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._variables = variables
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, int] = {}

    def selections(self, parent: GraphQLNamedType | None, selection_set: SelectionSetNode) -> int:
        """The cost of a selection set. Its nesting is bounded by `limits`, so the recursion is too."""
        total = 0
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                total += self._field(parent, selection)
            elif isinstance(selection, FragmentSpreadNode):
                total += self._fragment(selection.name.value)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                total += self.selections(
                    self._schema.get_type(condition.name.value) if condition else parent, selection.selection_set
                )
        return total

    def _fragment(self, name: str) -> int:
        if name not in self._known:
            fragment = self._fragments[name]
            parent = self._schema.get_type(fragment.type_condition.name.value)
            self._known[name] = self.selections(parent, fragment.selection_set)
        return self._known[name]

    def _field(self, parent: GraphQLNamedType | None, node: FieldNode) -> int:
        if node.selection_set is None or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return 0
        definition = parent.fields.get(node.name.value)
        # Introspection is bounded by a rule of its own and touches no data.
        if definition is None:
            return 1
        named = get_named_type(definition.type)
        if not is_composite_type(named):
            return 0
        return 1 + self._factor(parent, definition, node) * self.selections(named, node.selection_set)

    def _factor(self, parent: GraphQLNamedType, definition: GraphQLField, node: FieldNode) -> int:
        if "first" in definition.args:
            return self._first(node)
        bare = definition.type.of_type if is_non_null_type(definition.type) else definition.type
        # The edges of a connection were counted by its `first`.
        is_plain_list = is_list_type(bare) and not parent.name.endswith("Connection")
        return LIST_SIZE_ASSUMED if is_plain_list else 1

    def _first(self, node: FieldNode) -> int:
        given: Any = PAGE_DEFAULT
        for argument in node.arguments or ():
            if argument.name.value == "first" and isinstance(argument.value, IntValueNode):
                # More digits than any page has are refused later; they need not be read here.
                given = int(argument.value.value[:9])
            elif argument.name.value == "first" and isinstance(argument.value, VariableNode):
                given = self._variables.get(argument.value.name.value, PAGE_DEFAULT)
        is_number = isinstance(given, int) and not isinstance(given, bool)
        return min(max(given, 1), PAGE_MAX) if is_number else PAGE_DEFAULT


def _with_defaults(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Variables with the operation's own defaults of whole numbers, which are all that a cost depends on."""
    defaults = {
        definition.variable.name.value: int(definition.default_value.value[:9])
        for definition in operation.variable_definitions or ()
        if isinstance(definition.default_value, IntValueNode)
    }
    return {**defaults, **variables}
