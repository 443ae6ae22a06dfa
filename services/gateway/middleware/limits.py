"""What a request may be: POST, JSON, and of bounded size; known before anybody reads it."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.context.errors import (
    BodyTooLarge,
    ContentTypeUnsupported,
    EdgeError,
    MethodNotAllowed,
    RequestMalformed,
)
from services.gateway.context.request import request_context
from services.gateway.middleware.refusals import Describe, refusal

BODY_BYTES_MAX = 1024 * 1024


class LimitsMiddleware:
    """Reads the whole body within bounds and hands it on in one piece."""

    def __init__(self, app: ASGIApp, *, describe: Describe) -> None:
        self._app = app
        self._describe = describe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _check_head(scope)
            body = await _bounded_body(receive)
        except EdgeError as error:
            answer = refusal(error, request_context(scope), self._describe)
            await answer(scope, receive, send)
            return
        is_sent = False

        async def replay() -> Message:
            nonlocal is_sent
            if is_sent:
                return await receive()
            is_sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)


def _check_head(scope: Scope) -> None:
    if scope["method"] != "POST":
        raise MethodNotAllowed(allowed="POST")
    headers = Headers(scope=scope)
    media_type, _, parameters = headers.get("Content-Type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() != "application/json" or charset not in ("", "utf-8", "utf8"):
        raise ContentTypeUnsupported(accepted="application/json; charset=utf-8")
    announced = headers.get("Content-Length", "0")
    if not announced.isascii() or not announced.isdigit():
        raise RequestMalformed(reason="CONTENT_LENGTH")
    if len(announced) > len(str(BODY_BYTES_MAX)) or int(announced) > BODY_BYTES_MAX:
        raise BodyTooLarge(limit_bytes=BODY_BYTES_MAX)


async def _bounded_body(receive: Receive) -> bytes:
    """The body, however it comes; a length that was announced is not believed."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise RequestMalformed(reason="BODY_CUT_OFF")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_BYTES_MAX:
            raise BodyTooLarge(limit_bytes=BODY_BYTES_MAX)
        if not message.get("more_body", False):
            return b"".join(parts)
