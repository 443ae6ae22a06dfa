"""How a subscription begins: its one field becomes a stream of events."""

import inspect
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from services.gateway.context.errors import QueryInvalid
from services.gateway.execution.operation import Operation
from services.gateway.graphql.feed import LiveFeed


def is_subscription(node: OperationDefinitionNode) -> bool:
    """Whether an operation is answered again and again."""
    return node.operation is OperationType.SUBSCRIPTION


def refuse_subscription(node: OperationDefinitionNode) -> None:
    """For carriers that carry one answer.

    Raises:
        QueryInvalid
    """
    if is_subscription(node):
        raise QueryInvalid(detail="subscriptions are sent over a WebSocket, with the subprotocol graphql-transport-ws")


async def open_source(
    schema: GraphQLSchema,
    document: DocumentNode,
    node: OperationDefinitionNode,
    operation: Operation,
    feed: LiveFeed,
) -> tuple[AsyncGenerator[Any, None] | None, Sequence[GraphQLError]]:
    """The events of a subscription, or why there are none; its access is checked, and its arguments are read."""
    executor = StrawberryGraphQLCoreExecutionContext.build(
        schema,
        document,
        root_value=feed,
        context_value=operation,
        raw_variable_values=dict(operation.raw_variables),
        operation_name=node.name.value if node.name else None,
        hide_suggestions=True,
        operation_extensions={},
    )
    if isinstance(executor, list):
        return None, executor
    found: Any = create_source_event_stream(executor)
    if inspect.isawaitable(found):
        found = await found
    return (None, found.errors or ()) if isinstance(found, ExecutionResult) else (found, ())
