"""How uvicorn serves the gateway: what of a client's slowness and size it bears, and how it lets sockets go.

uvicorn itself waits without end for a request that comes byte by byte and for a client that does not read, and ends
sockets without asking them. These two protocols put bounds to that.
"""

import asyncio
import gc
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from services.gateway.live.socket import GOING_AWAY_EVENT

REQUEST_SECONDS = 30.0
"""From a request's first byte, or from the connection, to its last byte."""
TAKING_SECONDS = 30.0
"""How long a client may leave what was sent to it in our buffers."""
PING_SECONDS = 20.0
"""Between two pings of a socket, and how long each may stay without an answer."""
FRAME_BYTES_MAX = 1024 * 1024
LINGERING_SECONDS = 5.0
"""How long a connection that we have closed may take to send what is left in its buffer."""
SHUTDOWN_SECONDS = 20
OBJECTS_PER_COLLECTION = 50_000
"""A page of members makes thousands of objects, none of them in circles, and Python's 700 would look at all of them."""


def collect_less() -> None:
    """Keep the garbage collector from what the process has loaded, for good, and from each page of an answer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_PER_COLLECTION)


class BoundedHttp(HttpToolsProtocol):
    """HTTP for clients that send and read within a time; the connections of others are cut."""

    _request_timer: asyncio.TimerHandle | None = None
    _taking_timer: asyncio.TimerHandle | None = None
    _is_waiting = True
    """For a request, or for the rest of one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """A connection without a request is waited for like a request."""
        super().connection_made(transport)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        """Whatever comes after an answer begins a request, even if it is less than a line."""
        if not self._is_waiting and self.cycle.response_complete:
            self._expect_request()
        super().data_received(data)

    def on_message_complete(self) -> None:
        """The request is here."""
        self._expect_nothing()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """The connection is a socket now."""
        self._expect_nothing()
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        """The client leaves much unread."""
        super().pause_writing()
        self._taking_timer = self.loop.call_later(TAKING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._stop_taking_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """No timer outlives the connection."""
        self._expect_nothing()
        self._stop_taking_timer()
        super().connection_lost(exc)

    def _expect_request(self) -> None:
        self._is_waiting = True
        self._request_timer = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _expect_nothing(self) -> None:
        self._is_waiting = False
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _stop_taking_timer(self) -> None:
        if self._taking_timer is not None:
            self._taking_timer.cancel()
            self._taking_timer = None


class BoundedSocket(WebSocketsSansIOProtocol):
    """A WebSocket that is gone some seconds after it was closed, read or not; its app is told of the server's end."""

    def shutdown(self) -> None:
        """Let the app end what it does and close the socket; uvicorn waits for that as for requests."""
        if self.handshake_complete and not self.close_sent:
            self.stop_keepalive()
            going_away: Any = {"type": GOING_AWAY_EVENT}
            self.queue.put_nowait(going_away)
        else:
            super().shutdown()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The app is through: what the client does not take is thrown away soon."""
        super().on_task_complete(task)
        self.loop.call_later(LINGERING_SECONDS, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """Nobody answered a ping: nobody will read what is left."""
        super().keepalive_timeout()
        self.loop.call_later(LINGERING_SECONDS, self.transport.abort)


SERVER: dict[str, Any] = {
    "http": BoundedHttp,
    "ws": BoundedSocket,
    "ws_max_size": FRAME_BYTES_MAX,
    "ws_ping_interval": PING_SECONDS,
    "ws_ping_timeout": PING_SECONDS,
    # A window for each socket would cost more than all else that a socket holds.
    "ws_per_message_deflate": False,
    "timeout_keep_alive": 15,
    "timeout_graceful_shutdown": SHUTDOWN_SECONDS,
    "access_log": False,
    "log_config": None,
    "server_header": False,
}
"""What uvicorn is given, beside the app and its address."""
