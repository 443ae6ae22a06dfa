"""Planted faults of sockets and of slow clients; see `tests.faults.planted`."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.faults.planted import _replace


def one_context_for_all_sockets() -> None:
    """Who initialised last is who every socket speaks for: the context is kept on the process."""
    from services.gateway.live.socket import Socket  # noqa: PLC0415  after the choice of the fault

    latest: list[Any] = [None]

    def initialise(honest: Any) -> Any:
        async def remembering(self: Any, payload: Any) -> None:
            await honest(self, payload)
            latest[0] = self._context

        return remembering

    def operate(honest: Any) -> Any:
        async def as_the_latest(self: Any, message: Any, _context: Any) -> None:
            await honest(self, message, latest[0])

        return as_the_latest

    _replace(Socket, "_initialise", initialise)
    _replace(Socket, "_operate", operate)


def sockets_are_not_checked_again() -> None:
    """What was allowed when a socket opened is allowed as long as it is open."""
    from services.gateway.live.watch import Watch  # noqa: PLC0415  after the choice of the fault

    def make(_: Any) -> Any:
        async def nothing(self: Watch) -> None:
            """Nothing."""

        return nothing

    _replace(Watch, "_check", make)


def patience_without_end() -> None:
    """The server bears whatever slowness there is, as uvicorn does by itself."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol  # noqa: PLC0415  after the choice of the fault
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol  # noqa: PLC0415  as above

    from services.gateway import server  # noqa: PLC0415  as above
    from services.gateway.live import socket  # noqa: PLC0415  as above

    _replace(server, "SERVER", lambda own: {**own, "http": HttpToolsProtocol, "ws": WebSocketsSansIOProtocol})
    for name in ("INITIALISATION_SECONDS", "READING_SECONDS"):
        _replace(socket, name, lambda _: 3_600.0)


FAULTS: Mapping[str, Callable[[], None]] = {
    "shared-context": one_context_for_all_sockets,
    "unwatched-sockets": sockets_are_not_checked_again,
    "endless-patience": patience_without_end,
}
