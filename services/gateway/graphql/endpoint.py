"""POST /graphql: from a JSON body to a GraphQL answer (GraphQL over HTTP, draft of 2025)."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import ExecutionResult, OperationDefinitionNode, execute
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry import Schema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from services.gateway.context.errors import EdgeError, IntrospectionForbidden, RequestMalformed
from services.gateway.context.request import RequestContext, request_context
from services.gateway.context.services import GatewayServices
from services.gateway.execution.operation import Operation
from services.gateway.execution.threads import Seats
from services.gateway.graphql.answers import answer_errors, describe, internal
from services.gateway.graphql.cost import operation_cost
from services.gateway.graphql.documents import Documents, Prepared
from services.platform.actors import ActorKind

RESPONSE_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The members of a request body."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None


class GraphQLEndpoint:
    """Answers GraphQL requests; the middlewares before it have bounded the body and found out who asks."""

    def __init__(self, schema: Schema, services: GatewayServices, seats: Seats, verb_seats: Seats) -> None:
        self._schema = schema._schema  # noqa: SLF001  Strawberry offers no other way to the graphql-core schema
        self._services = services
        self._seats = seats
        self._verb_seats = verb_seats
        self._documents = Documents(self._schema)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        context = request_context(scope)
        media_type = _media_type(request.headers)
        # Clients of the older media type take any other status for a failure of the network.
        refused = 200 if media_type == PLAIN_JSON else 400
        try:
            has_run, content = await self._answer(read_request(await request.body()), context)
            status = 200 if has_run else refused
        except RequestMalformed as error:
            status, content = 400, {"errors": [describe(error, context.locale)]}
        except EdgeError as error:
            status, content = refused, {"errors": [describe(error, context.locale)]}
        except Exception as error:  # noqa: BLE001  the edge: whatever it is, the client gets an answer without innards
            status, content = 500, {"errors": [internal(context, error)]}
        answer = Response(
            orjson.dumps(content),
            status_code=status,
            media_type=f"{media_type}; charset=utf-8",
            headers={"Cache-Control": "no-store"},
        )
        await answer(scope, receive, send)

    async def _answer(self, asked: GraphQLRequest, context: RequestContext) -> tuple[bool, dict[str, Any]]:
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


def read_request(body: bytes) -> GraphQLRequest:
    """The request in a body.

    Raises:
        RequestMalformed: not JSON, not an object, or a member of a wrong kind.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestMalformed(reason="NOT_JSON") from error
    if not isinstance(document, dict):
        raise RequestMalformed(reason="NOT_AN_OBJECT")
    query, variables, name = document.get("query"), document.get("variables"), document.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise RequestMalformed(reason="QUERY_MISSING")
    if variables is not None and not isinstance(variables, dict):
        raise RequestMalformed(reason="VARIABLES_NOT_AN_OBJECT")
    if name is not None and not isinstance(name, str):
        raise RequestMalformed(reason="OPERATION_NAME_NOT_A_STRING")
    if not isinstance(document.get("extensions"), dict | None):
        raise RequestMalformed(reason="EXTENSIONS_NOT_AN_OBJECT")
    if b"\\u0000" in body:
        _refuse_nul([document])
    return GraphQLRequest(query=query, variables=variables or {}, operation_name=name)


def _refuse_nul(values: list[Any]) -> None:
    """No text of ours may hold NUL, which PostgreSQL can't store."""
    while values:
        value = values.pop()
        if isinstance(value, str) and "\0" in value:
            raise RequestMalformed(reason="NUL_CHARACTER")
        if isinstance(value, dict):
            values.extend(value)
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)


def _media_type(headers: Headers) -> str:
    """The newer media type where the client names it first, or alone."""
    accepted = [part.partition(";")[0].strip().lower() for part in headers.get("Accept", "").split(",")]
    for media_type in accepted:
        if media_type in (RESPONSE_JSON, PLAIN_JSON):
            return media_type
    return PLAIN_JSON
