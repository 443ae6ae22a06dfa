"""POST /graphql: from a JSON body to a GraphQL answer (GraphQL over HTTP, draft of 2025)."""

from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.context.errors import EdgeError, RequestMalformed
from services.gateway.context.request import request_context
from services.gateway.graphql.answers import describe, internal
from services.gateway.graphql.runner import GraphQLRequest, Runner

RESPONSE_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"


class GraphQLEndpoint:
    """Answers GraphQL requests; the middlewares before it have bounded the body and found out who asks."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        context = request_context(scope)
        media_type = _media_type(request.headers)
        # Clients of the older media type take any other status for a failure of the network.
        refused = 200 if media_type == PLAIN_JSON else 400
        try:
            has_run, content = await self._runner.run(read_request(await request.body()), context)
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
