"""Gives every request an id that logs, letters and answers carry."""

import re

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.context.request import STATE_KEY, RequestContext, preferred_locale, preferred_media_type
from services.platform.ids import new_id

HEADER = "X-Correlation-Id"

_USABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class CorrelationMiddleware:
    """Takes the caller's id where it is usable, else makes one; and notes the reader's language and media type."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(HEADER, "")
        correlation_id = given if _USABLE.fullmatch(given) else new_id().hex
        scope[STATE_KEY] = RequestContext(
            correlation_id=correlation_id,
            locale=preferred_locale(headers.get("Accept-Language", "")),
            media_type=preferred_media_type(headers.get("Accept", "")),
            peer=(scope.get("client") or ("",))[0],
        )

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = correlation_id
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            await self._app(scope, receive, send_with_id)
