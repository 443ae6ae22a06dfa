"""What an operation selects, by the library's own collection of fields."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    OperationDefinitionNode,
)
from graphql.execution.collect_fields import (
    CollectedFields,
    FieldDetails,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues
from strawberry import Schema

from services.gateway.graphql.executor.calls import Call

Fields: TypeAlias = Mapping[str, Sequence[FieldNode]]
"""By response name, in the order of the answer: all places that select it."""


class Unsupported(Exception):
    """There is something that the library has to do itself."""


class Selecting:
    """One operation, for one choice of what is skipped and included."""

    def __init__(
        self, schema: Schema, document: DocumentNode, operation: OperationDefinitionNode, variables: VariableValues
    ) -> None:
        self.schema = schema
        self.operation = operation
        self._library_schema = schema._schema  # noqa: SLF001  as in the runner
        self.subscription_type = self._library_schema.subscription_type
        self.query_type = self._library_schema.query_type
        self._variables = variables
        self._definitions = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._fragments = {name: FragmentDetails(node) for name, node in self._definitions.items()}
        if operation.directives or any(node.variable_definitions for node in self._definitions.values()):
            raise Unsupported

    def root(self, type_: GraphQLObjectType) -> Fields:
        """The fields of the operation."""
        return _plain(
            collect_fields(
                self._library_schema, self._fragments, self._variables, type_, self.operation, hide_suggestions=True
            )
        )

    def below(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> Fields:
        """The fields of an object of a type, in the places of its own field."""
        return _plain(
            collect_subfields(
                self._library_schema,
                self._fragments,
                self._variables,
                self.operation,
                type_,
                [FieldDetails(node, None) for node in nodes],
                hide_suggestions=True,
            )
        )

    def call(self, definition: GraphQLField, nodes: Sequence[FieldNode], parent: GraphQLObjectType) -> Call:
        """The call of a field's resolver."""
        return Call(
            self.schema,
            definition,
            nodes,
            parent_type=parent,
            operation=self.operation,
            fragments=self._definitions,
        )


def _plain(collected: CollectedFields) -> Fields:
    if collected.new_defer_usages:
        raise Unsupported
    return {name: [details.node for details in found] for name, found in collected.grouped_field_set.items()}
