"""Executing an operation: by its plan where there is one, else by the library, which is the measure of both."""

import inspect
from typing import Any, Protocol

from graphql import DocumentNode, ExecutionResult, OperationDefinitionNode, execute
from graphql.execution.values import VariableValues
from strawberry import Schema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from services.gateway.execution.operation import Operation
from services.gateway.graphql.executor.plan import Plans


class Shortcut(Protocol):
    """A way around the execution of one operation."""

    async def data(self, operation: Operation, variables: VariableValues) -> dict[str, Any] | None:
        """What execution would give; None where it has to be done."""


async def execute_operation(
    schema: Schema,
    document: DocumentNode,
    plans: Plans,
    node: OperationDefinitionNode,
    context: Operation,
    *,
    root: object = None,
    shortcut: Shortcut | None = None,
) -> ExecutionResult:
    """The result of one operation of a document whose plans are kept in ``plans``; by its shortcut where that will."""
    planned = plans.of(schema, document, node)
    variables = planned.variables(context.raw_variables)
    if isinstance(variables, list):
        return ExecutionResult(None, variables)
    data = await shortcut.data(context, variables) if shortcut is not None else None
    if data is not None:
        return ExecutionResult(data, None)
    plan = planned.plan(variables)
    if plan is None:
        return await by_library(schema, document, node, context, root=root)
    return await plan.execute(context, variables, root)


async def by_library(
    schema: Schema,
    document: DocumentNode,
    node: OperationDefinitionNode,
    context: Operation,
    *,
    root: object = None,
) -> ExecutionResult:
    """The same by graphql-core."""
    result = execute(
        schema._schema,  # noqa: SLF001  Strawberry offers no other way to the graphql-core schema
        document,
        root_value=root,
        context_value=context,
        variable_values=dict(context.raw_variables),
        operation_name=node.name.value if node.name else None,
        executor_class=StrawberryGraphQLCoreExecutionContext,
        hide_suggestions=True,
        operation_extensions={},
    )
    return await result if inspect.isawaitable(result) else result
