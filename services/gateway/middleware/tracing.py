"""A span for each HTTP request, in the trace of its caller where that has one (W3C Trace Context)."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.context.request import STATE_KEY
from services.platform.telemetry import traces

SERVER_ERRORS_FROM = 500
UNMATCHED = "unmatched"


class TracesMiddleware:
    """Comes before all others, and only where traces are on. ``paths`` are those that spans may name."""

    def __init__(self, app: ASGIApp, *, paths: Collection[str]) -> None:
        self._app = app
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Any other path may hold what only its reader should see, such as the token of an invitation.
        route = scope["path"] if scope["path"] in self._paths else UNMATCHED
        parent = Headers(scope=scope).get(traces.TRACEPARENT)
        with traces.span(f"HTTP {scope['method']} {route}", kind="server", parent=parent, http__route=route) as span:

            async def send_and_note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.note(http__response__status_code=message["status"])
                    if message["status"] >= SERVER_ERRORS_FROM:
                        span.fail(str(message["status"]))
                await send(message)

            try:
                await self._app(scope, receive, send_and_note)
            finally:
                context = scope.get(STATE_KEY)
                if context is not None:
                    span.note(
                        regulars__correlation_id=context.correlation_id,
                        regulars__tenant=context.tenant.slug if context.tenant else None,
                    )
