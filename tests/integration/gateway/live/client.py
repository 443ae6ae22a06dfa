"""A client of graphql-transport-ws that can also misbehave, over the ``websockets`` library."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.frames import Close
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

ANSWER_SECONDS = 30.0
PROTOCOL = "graphql-transport-ws"

_ids = count(1)


@dataclass(frozen=True, slots=True)
class LiveClient:
    """One end of a socket."""

    connection: ClientConnection

    def begin(self, token: str | None, **payload: object) -> "LiveClient":
        """Say who is there, and wait for the answer."""
        credential = {} if token is None else {"authorization": f"Bearer {token}"}
        self.send({"type": "connection_init", "payload": {**credential, **payload}})
        answer = self.receive()
        assert answer == {"type": "connection_ack"}, answer
        return self

    def send(self, message: object) -> None:
        self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def receive(self, *, seconds: float = ANSWER_SECONDS) -> Any:
        """The next message of the server."""
        return json.loads(self.connection.recv(timeout=seconds))

    def subscribe(self, query: str, id_: str | None = None, **variables: object) -> str:
        """Send an operation; its id."""
        chosen = id_ or f"op-{next(_ids)}"
        self.send({"id": chosen, "type": "subscribe", "payload": {"query": query, "variables": variables}})
        return chosen

    def ask(self, query: str, **variables: object) -> Any:
        """The data of an operation that is answered once."""
        id_ = self.subscribe(query, None, **variables)
        answer, end = self.receive(), self.receive()
        assert answer["type"] == "next", answer
        assert end == {"id": id_, "type": "complete"}
        assert "errors" not in answer["payload"], answer
        return answer["payload"]["data"]

    def next_data(self, id_: str, *, seconds: float = ANSWER_SECONDS) -> Any:
        """The data of an operation's next event."""
        message = self.receive(seconds=seconds)
        assert message["type"] == "next", message
        assert message["id"] == id_
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]

    def errors(self, id_: str) -> Any:
        """Why an operation was refused."""
        message = self.receive()
        assert message["type"] == "error", message
        assert message["id"] == id_
        return message["payload"]

    def closing(self, *, seconds: float = ANSWER_SECONDS) -> Close:
        """How the server closes the socket; messages on the way are left out."""
        end: Close | None = None
        try:
            while True:
                self.connection.recv(timeout=seconds)
        except ConnectionClosed as closed:
            end = closed.rcvd
        assert end is not None, "the connection broke"
        return end

    def is_silent(self, *, seconds: float) -> bool:
        """Whether nothing comes for a while."""
        try:
            self.connection.recv(timeout=seconds)
        except TimeoutError:
            return True
        return False


@contextmanager
def connected(
    port: int,
    *,
    subprotocols: tuple[str, ...] = (PROTOCOL,),
    origin: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[LiveClient]:
    """A socket to the gateway on a port of this machine."""
    with connect(
        f"ws://127.0.0.1:{port}/graphql",
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        origin=None if origin is None else Origin(origin),
        additional_headers=headers,
        compression=None,
        close_timeout=2,
    ) as connection:
        yield LiveClient(connection)
