"""What an operation costs: one point for each object that it may return, ten for each mutation.

A connection multiplies what it holds by ``first``; a plain list counts as `LIST_SIZE_ASSUMED`. What a condition leaves
out costs nothing; of several types that an object may be, what is asked of each is added up. The cost of a fragment
does not depend on where it is spread, so each is measured once: a chain of n fragments takes n steps, not 2^n.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
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
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
)
from graphql.type import GraphQLNamedType

from services.gateway.context.errors import QueryLimitExceeded
from services.gateway.graphql.limits import INTROSPECTION_FIELDS
from services.gateway.graphql.pagination import PAGE_DEFAULT, PAGE_MAX

COST_MAX = 10_000
MUTATION_COST = 10
INTROSPECTION_COST = 500
"""The schema is large: telling the whole of it takes as long as a page of hundreds of objects."""
LIST_SIZE_ASSUMED = 5
LIST_ITEMS_MAX = 1_000
"""Of any list among the variables; most fields take fewer, and say so themselves."""
REMEMBERED_MAX = 200


@dataclass(frozen=True, slots=True)
class _Given:
    """The variables that a cost depends on: sizes of pages, and conditions."""

    sizes: tuple[tuple[str, int], ...]
    conditions: tuple[tuple[str, bool], ...]


class Costs:
    """What one document's operations cost, remembered for the variables that a cost depends on."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._document = document
        self._sizes, self._conditions = _variables_that_matter(document)
        self._bulk = _bulk_inputs(document)
        self._known: dict[tuple[str, _Given], int] = {}

    def of(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
        """The cost of a validated operation.

        Raises:
            QueryLimitExceeded: it is above ``COST_MAX``, or a list is longer than ``LIST_ITEMS_MAX``.
        """
        _check_lists(variables)
        given = self._given(operation, variables)
        key = operation.name.value if operation.name else "", given
        cost = self._known.get(key)
        if cost is None:
            measure = _Measure(self._schema, self._document, given)
            cost = max(1, measure.selections(self._schema.get_root_type(operation.operation), operation.selection_set))
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            self._known[key] = cost
        cost += MUTATION_COST * sum(max(0, _length(value, name, variables) - 1) for name, value in self._bulk)
        if cost > COST_MAX:
            raise QueryLimitExceeded(dimension="cost", maximum=COST_MAX, requested=cost)
        return cost

    def _given(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> _Given:
        if not self._sizes and not self._conditions:
            return NOTHING
        values = {**_defaults(operation), **variables}
        return _Given(
            tuple((name, _size(values.get(name))) for name in self._sizes),
            tuple((name, values.get(name) is True) for name in self._conditions),
        )


NOTHING = _Given((), ())

BULK = {"recordPurchases": "purchases"}
"""Mutations that do as much as there are items in a list of their input; each item costs as a mutation of its own."""


def _bulk_inputs(document: DocumentNode) -> tuple[tuple[str, ValueNode], ...]:
    """What bulk mutations are given, with the name of the list in it."""
    return tuple(
        (BULK[selection.name.value], argument.value)
        for selection in _all_selections(document)
        if isinstance(selection, FieldNode) and selection.name.value in BULK
        for argument in selection.arguments or ()
    )


def _length(value: ValueNode, name: str, variables: Mapping[str, Any]) -> int:
    """How many items a list within an input has; a value that is none is refused later."""
    if isinstance(value, ObjectValueNode):
        return sum(_length(field.value, "", variables) for field in value.fields or () if field.name.value == name)
    if isinstance(value, ListValueNode):
        return len(value.values or ())
    if not isinstance(value, VariableNode):
        return 0
    given = variables.get(value.name.value)
    items = given.get(name) if name and isinstance(given, dict) else given
    return len(items) if isinstance(items, list) else 0


def operation_cost(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> int:
    """`Costs.of`, for a document that is seen once.

    Raises:
        QueryLimitExceeded: it is above ``COST_MAX``.
    """
    return Costs(schema, document).of(operation, variables)


class _Measure:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, given: _Given) -> None:
        self._schema = schema
        self._sizes = dict(given.sizes)
        self._conditions = dict(given.conditions)
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, int] = {}

    def selections(self, parent: GraphQLNamedType | None, selection_set: SelectionSetNode) -> int:
        """The cost of a selection set. Its nesting is bounded by `limits`, so the recursion is too."""
        total = 0
        for selection in selection_set.selections:
            if not self._is_included(selection):
                continue
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

    def _is_included(self, selection: SelectionNode) -> bool:
        return all(
            self._condition(directive) is (directive.name.value == "include")
            for directive in selection.directives or ()
            if directive.name.value in ("include", "skip")
        )

    def _condition(self, directive: DirectiveNode) -> bool:
        for argument in directive.arguments or ():
            if isinstance(argument.value, BooleanValueNode):
                return argument.value.value
            if isinstance(argument.value, VariableNode):
                return self._conditions[argument.value.name.value]
        return False

    def _fragment(self, name: str) -> int:
        if name not in self._known:
            fragment = self._fragments[name]
            parent = self._schema.get_type(fragment.type_condition.name.value)
            self._known[name] = self.selections(parent, fragment.selection_set)
        return self._known[name]

    def _field(self, parent: GraphQLNamedType | None, node: FieldNode) -> int:
        if node.name.value in INTROSPECTION_FIELDS:
            return INTROSPECTION_COST
        own = MUTATION_COST if parent is self._schema.mutation_type else 0
        if node.selection_set is None or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return own
        definition = parent.fields.get(node.name.value)
        if definition is None:
            return own
        named = get_named_type(definition.type)
        if not is_composite_type(named):
            return own
        return own + 1 + self._factor(parent, definition, node) * self.selections(named, node.selection_set)

    def _factor(self, parent: GraphQLNamedType, definition: GraphQLField, node: FieldNode) -> int:
        if "first" in definition.args:
            return self._first(node)
        bare = definition.type.of_type if is_non_null_type(definition.type) else definition.type
        # The edges of a connection were counted by its `first`.
        is_plain_list = is_list_type(bare) and not parent.name.endswith("Connection")
        return LIST_SIZE_ASSUMED if is_plain_list else 1

    def _first(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value != "first":
                continue
            if isinstance(argument.value, IntValueNode):
                return _size(_number(argument.value))
            if isinstance(argument.value, VariableNode):
                return self._sizes[argument.value.name.value]
        return PAGE_DEFAULT


def _check_lists(variables: Mapping[str, Any]) -> None:
    """Their nesting was bounded before, and so was the number of values."""
    values = list(variables.values())
    while values:
        value = values.pop()
        if isinstance(value, dict):
            values.extend(value.values())
        elif isinstance(value, list):
            if len(value) > LIST_ITEMS_MAX:
                raise QueryLimitExceeded(dimension="listItems", maximum=LIST_ITEMS_MAX, requested=len(value))
            values.extend(value)


def _variables_that_matter(document: DocumentNode) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the variables that are sizes of pages, and of those that are conditions."""
    sizes, conditions = set[str](), set[str]()
    for selection in _all_selections(document):
        if isinstance(selection, FieldNode):
            sizes |= _names(argument for argument in selection.arguments or () if argument.name.value == "first")
        for directive in selection.directives or ():
            conditions |= _names(directive.arguments or ())
    return tuple(sorted(sizes)), tuple(sorted(conditions))


def _all_selections(document: DocumentNode) -> Iterator[SelectionNode]:
    stack: list[SelectionNode] = []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            stack.extend(definition.selection_set.selections)
    while stack:
        selection = stack.pop()
        yield selection
        inner = getattr(selection, "selection_set", None)
        if inner is not None:
            stack.extend(inner.selections)


def _names(arguments: Iterator[ArgumentNode] | tuple[ArgumentNode, ...]) -> set[str]:
    return {argument.value.name.value for argument in arguments if isinstance(argument.value, VariableNode)}


def _defaults(operation: OperationDefinitionNode) -> Mapping[str, int | bool]:
    """The operation's own defaults for variables, as far as a cost can depend on them."""
    found: dict[str, int | bool] = {}
    for definition in operation.variable_definitions or ():
        value = definition.default_value
        if isinstance(value, IntValueNode):
            found[definition.variable.name.value] = _number(value)
        elif isinstance(value, BooleanValueNode):
            found[definition.variable.name.value] = value.value
    return found


def _number(node: IntValueNode) -> int:
    # More digits than any page has are refused later; they need not be read here.
    return int(node.value[:9])


def _size(value: object) -> int:
    """The size of a page as it is counted; a value that is none is refused later."""
    if isinstance(value, bool) or not isinstance(value, int):
        return PAGE_DEFAULT
    return min(max(value, 1), PAGE_MAX)
