"""The WebSocket at /graphql: the handshake."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from services.gateway.live.messages import SUBPROTOCOL, CloseCode
from services.gateway.live.socket import Desk, Socket


class LiveEndpoint:
    """Accepts sockets of clients that speak our subprotocol, and of pages that may."""

    def __init__(self, desk: Desk, *, allowed_origins: Sequence[str]) -> None:
        self._desk = desk
        self._allowed_origins = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        event = await receive()
        if event["type"] != "websocket.connect":
            return
        if not self._may_come(Headers(scope=scope)):
            # Before the acceptance this is an answer of HTTP, with the status 403.
            await send({"type": "websocket.close"})
            return
        if SUBPROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            code = int(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE)
            await send({"type": "websocket.close", "code": code, "reason": "Subprotocol not acceptable"})
            return
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        await Socket(self._desk, scope, receive, send).serve()

    def _may_come(self, headers: Headers) -> bool:
        """Whether a page of this origin may come. Who is no browser sends no origin; nobody is known by a cookie."""
        origin = headers.get("Origin")
        if origin is None or not self._allowed_origins.isdisjoint((origin, "*")):
            return True
        return urlsplit(origin).netloc == headers.get("Host", "")
