"""From what a client asks to the members of a GraphQL answer; HTTP and WebSocket stand before it."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult, OperationDefinitionNode, execute
from strawberry import Schema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from services.gateway.context.errors import IntrospectionForbidden
from services.gateway.context.request import RequestContext
from services.gateway.context.services import GatewayServices
from services.gateway.execution.operation import Operation
from services.gateway.execution.threads import Seats
from services.gateway.graphql.answers import answer_errors
from services.gateway.graphql.cost import operation_cost
from services.gateway.graphql.documents import Documents, Prepared
from services.platform.actors import ActorKind


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The members of a request body."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None


class Runner:
    """Prepares, measures and executes operations of one schema."""

    def __init__(self, schema: Schema, services: GatewayServices, seats: Seats, verb_seats: Seats) -> None:
        self._schema = schema._schema  # noqa: SLF001  Strawberry offers no other way to the graphql-core schema
        self._services = services
        self._seats = seats
        self._verb_seats = verb_seats
        self._documents = Documents(self._schema)

    async def run(self, asked: GraphQLRequest, context: RequestContext) -> tuple[bool, dict[str, Any]]:
        """Whether anything was executed, and the answer's members.

        Raises:
            EdgeError: it is refused before anything runs.
        """
        prepared, errors = self._documents.prepare(asked.query)
        if prepared is None:
            return False, {"errors": answer_errors(errors, context)}
        operation_node = prepared.operation(asked.operation_name)
        self._check_introspection(prepared, context)
        cost = operation_cost(self._schema, prepared.document, operation_node, asked.variables)
        result = await self._execute(prepared, operation_node, asked, context)
        if context.tenant is not None:
            self._services.cost_meter.add(context.tenant.home, cost)
        content: dict[str, Any] = {}
        if result.errors:
            content["errors"] = answer_errors(result.errors, context)
        has_run = result.data is not None or any(error.path for error in result.errors or ())
        if has_run:
            content["data"] = result.data
        content["extensions"] = {"cost": {"requested": cost}}
        return has_run, content

    async def _execute(
        self,
        prepared: Prepared,
        operation_node: OperationDefinitionNode,
        asked: GraphQLRequest,
        context: RequestContext,
    ) -> ExecutionResult:
        operation = Operation(
            self._services, self._seats, context, raw_variables=asked.variables, verb_seats=self._verb_seats
        )
        try:
            result = execute(
                self._schema,
                prepared.document,
                context_value=operation,
                variable_values=dict(asked.variables),
                operation_name=operation_node.name.value if operation_node.name else None,
                executor_class=StrawberryGraphQLCoreExecutionContext,
                hide_suggestions=True,
                operation_extensions={},
            )
            return await result if inspect.isawaitable(result) else result
        finally:
            await operation.close()

    def _check_introspection(self, prepared: Prepared, context: RequestContext) -> None:
        is_stranger = context.principal.actor.kind is ActorKind.PUBLIC
        if prepared.has_introspection and is_stranger and self._services.settings.environment == "production":
            raise IntrospectionForbidden
