"""POST /graphql: from a body to a GraphQL answer (GraphQL over HTTP, draft of 2025)."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.context.errors import EdgeError, RequestKeyRepeated, RequestMalformed
from services.gateway.context.request import PLAIN_JSON, request_context
from services.gateway.graphql.answers import describe, internal
from services.gateway.graphql.requests import read_json, read_request
from services.gateway.graphql.runner import Runner
from services.gateway.middleware.refusals import STATUS, headers_of

BAD_REQUEST = 400


class GraphQLEndpoint:
    """Answers GraphQL requests; the middlewares before it have bounded the body and found out who asks."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = request_context(scope)
        # Clients of the older media type take any other status for a failure of the network.
        refused = 200 if context.media_type == PLAIN_JSON else BAD_REQUEST
        headers = {"Cache-Control": "no-store"}
        try:
            asked = read_request(read_json(await Request(scope, receive).body()))
            has_run, content = await self._runner.run(asked, context)
            status = 200 if has_run else refused
        except EdgeError as error:
            headers = headers_of(error)
            status, content = STATUS[type(error)], {"errors": [describe(error, context.locale)]}
            if status == BAD_REQUEST and not isinstance(error, RequestMalformed | RequestKeyRepeated):
                status = refused
        except Exception as error:  # noqa: BLE001  the edge: whatever it is, the client gets an answer without innards
            status, content = 500, {"errors": [internal(context, error)]}
        answer = Response(
            orjson.dumps(content),
            status_code=status,
            media_type=f"{context.media_type}; charset=utf-8",
            headers=headers,
        )
        await answer(scope, receive, send)
