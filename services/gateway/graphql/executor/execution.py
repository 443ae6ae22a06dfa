"""Executing an operation: by its plan where there is one, else by the library, which is the measure of both."""

import inspect

from graphql import DocumentNode, ExecutionResult, OperationDefinitionNode, execute
from strawberry import Schema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from services.gateway.execution.operation import Operation
from services.gateway.graphql.executor.plan import Plans


async def execute_operation(
    schema: Schema,
    document: DocumentNode,
    plans: Plans,
    node: OperationDefinitionNode,
    context: Operation,
    *,
    root: object = None,
) -> ExecutionResult:
    """The result of one operation of a document whose plans are kept in ``plans``."""
    planned = plans.of(schema, document, node)
    variables = planned.variables(context.raw_variables)
    if isinstance(variables, list):
        return ExecutionResult(None, variables)
    variant = planned.variant(variables)
    result = await variant.execute(context, variables, root) if variant is not None else None
    return result if result is not None else await by_library(schema, document, node, context, root=root)


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
