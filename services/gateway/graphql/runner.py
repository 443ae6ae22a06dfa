"""From what a client asks to the members of a GraphQL answer; HTTP and WebSocket stand before it."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult, OperationDefinitionNode
from strawberry import Schema

from services.gateway.context.errors import EdgeError, IntrospectionForbidden
from services.gateway.context.request import RequestContext
from services.gateway.context.services import GatewayServices
from services.gateway.execution.batching import Batches
from services.gateway.execution.operation import Operation
from services.gateway.execution.threads import Seating
from services.gateway.graphql.answers import answer_errors
from services.gateway.graphql.documents import Documents, Prepared
from services.gateway.graphql.executor.execution import execute_operation
from services.gateway.graphql.feed import LiveFeed
from services.gateway.graphql.observation import Observation
from services.gateway.graphql.rates import Budget
from services.gateway.graphql.subscriptions import is_subscription, open_source, refuse_subscription
from services.gateway.graphql.trusted import trusted_documents
from services.platform.actors import ActorKind


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The members of a request body."""

    query: str | None
    """The document, None where only its hash is given."""
    variables: Mapping[str, Any]
    operation_name: str | None
    document_id: str | None = None
    """SHA-256 of the document, in lower case hexadecimal digits."""


class Runner:
    """Prepares, measures and executes operations of one schema."""

    def __init__(
        self,
        schema: Schema,
        services: GatewayServices,
        seating: Seating,
    ) -> None:
        self._strawberry = schema
        self._schema = schema._schema  # noqa: SLF001  Strawberry offers no other way to the graphql-core schema
        self._services = services
        self._seating = seating
        self._batches = Batches(services.database, seating.work)
        settings = services.settings
        self._documents = Documents(
            self._schema, trusted_documents(settings), trusted_only=settings.documents == "trusted"
        )

    async def run(self, asked: GraphQLRequest, context: RequestContext) -> tuple[bool, dict[str, Any]]:
        """Whether anything was executed, and the answer's members.

        Raises:
            EdgeError: it is refused before anything runs.
        """
        with Observation() as observation:
            has_run, content = await self._run(asked, context, observation)
            observation.answered(content)
            return has_run, content

    async def _run(
        self, asked: GraphQLRequest, context: RequestContext, observation: Observation
    ) -> tuple[bool, dict[str, Any]]:
        with Budget(self._services.buckets, context) as budget:
            prepared, errors = self._documents.find(asked.query, asked.document_id)
            if prepared is None:
                return False, {"errors": answer_errors(errors, context)}
            operation_node = prepared.operation(asked.operation_name)
            observation.begins(operation_node, context)
            refuse_subscription(operation_node)
            self._check_introspection(prepared, context)
            budget.charge(prepared.costs.of(operation_node, asked.variables))
        return await self._answer(prepared, operation_node, asked, context, budget)

    async def _answer(
        self,
        prepared: Prepared,
        operation_node: OperationDefinitionNode,
        asked: GraphQLRequest,
        context: RequestContext,
        budget: Budget,
        *,
        event: object = None,
    ) -> tuple[bool, dict[str, Any]]:
        """Execute and count; ``event`` is a subscription's, which is the operation's root."""
        result = await self._execute(prepared, operation_node, asked, context, root=event)
        if context.tenant is not None:
            self._services.cost_meter.add(context.tenant.home, budget.cost)
        content: dict[str, Any] = {}
        if result.errors:
            content["errors"] = answer_errors(result.errors, context)
        has_run = result.data is not None or any(error.path for error in result.errors or ())
        if has_run:
            content["data"] = result.data
        content["extensions"] = {"cost": budget.told()}
        return has_run, content

    async def answers(
        self, asked: GraphQLRequest, current: Callable[[], RequestContext], feed: LiveFeed
    ) -> AsyncGenerator[tuple[bool, dict[str, Any]], None]:
        """As `run` for whoever listens on: one answer, or, of a subscription, one for each event.

        Each event is an operation of its own in the context that ``current`` gives then.

        Raises:
            EdgeError, InvalidInput: it is refused, or can't go on.
        """
        prepared = node = None
        with suppress(EdgeError):  # whatever is wrong with it, `run` says so, and it is paid for
            prepared, _ = self._documents.find(asked.query, asked.document_id)
            node = prepared.operation(asked.operation_name) if prepared else None
        if prepared is None or node is None or not is_subscription(node):
            yield await self.run(asked, current())
            return
        self._check_introspection(prepared, current())
        cost = prepared.costs.of(node, asked.variables)
        with Budget(self._services.buckets, current()) as budget:
            budget.charge(cost)
        begin = self._operation(asked, current())
        try:
            source, errors = await open_source(self._schema, prepared.document, node, begin, feed)
            if source is None:
                yield False, {"errors": answer_errors(errors, begin.request)}
                return
            async with aclosing(source):
                async for event in source:
                    context = current()
                    with Observation() as observation:
                        observation.begins(node, context)
                        with Budget(self._services.buckets, context) as budget:
                            budget.charge(cost)
                        has_run, content = await self._answer(prepared, node, asked, context, budget, event=event)
                        observation.answered(content)
                    yield has_run, content
        finally:
            await begin.close()

    async def _execute(
        self,
        prepared: Prepared,
        operation_node: OperationDefinitionNode,
        asked: GraphQLRequest,
        context: RequestContext,
        *,
        root: object,
    ) -> ExecutionResult:
        operation = self._operation(asked, context)
        try:
            return await execute_operation(
                self._strawberry,
                prepared.document,
                prepared.plans,
                operation_node,
                operation,
                root=root,
            )
        finally:
            self._documents.weigh(prepared)
            await operation.close()

    def _operation(self, asked: GraphQLRequest, context: RequestContext) -> Operation:
        return Operation(
            self._services,
            self._seating.work,
            context,
            raw_variables=asked.variables,
            verb_seats=self._seating.verbs,
            slow_seats=self._seating.slow,
            report_seats=self._seating.reports,
            batches=self._batches,
        )

    def _check_introspection(self, prepared: Prepared, context: RequestContext) -> None:
        is_stranger = context.principal.actor.kind is ActorKind.PUBLIC
        if prepared.has_introspection and is_stranger and self._services.settings.environment == "production":
            raise IntrospectionForbidden
