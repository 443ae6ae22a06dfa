"""A proxy before PostgreSQL that reads along and breaks the line at a statement that is named by its number."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from socketserver import BaseRequestHandler, ThreadingTCPServer

from tests.faults.proxy import serving

QUERY, PARSE, BIND, EXECUTE, SYNC = b"Q", b"P", b"B", b"E", b"S"


class Way(StrEnum):
    """How the line breaks."""

    BEFORE = "before"
    """The statement never reaches the server."""
    AFTER = "after"
    """The statement and what travels with it are done; the reply is lost."""


class Breaker:
    """Counts the statements of all connections since it was armed, and strikes at one of them.

    Statements are counted for `Way.BEFORE`, round trips for `Way.AFTER`: what travels together is answered together.
    ``strike`` is called at the moment, before the line breaks.
    """

    def __init__(self, strike: Callable[[], None] = lambda: None) -> None:
        self._lock = threading.Lock()
        self._strike = strike
        self._way: Way | None = None
        self._left = 0
        self._only: str | None = None
        self.seen: list[str] = []
        """Statements since it was armed."""
        self.struck: str | None = None
        """The statement that it struck at, since it was armed."""

    def arm(self, way: Way, number: int, *, only: str | None = None) -> None:
        """Strike at the statement, or round trip, with this number from now; the first is 1.

        With ``only``, statements of another text do not count.
        """
        with self._lock:
            self._way, self._left, self._only, self.seen, self.struck = way, number, only, [], None

    def disarm(self) -> None:
        """Let everything pass."""
        with self._lock:
            self._way = None

    def passes(self, way: Way, statement: str) -> bool:
        """Whether the line holds; strikes otherwise."""
        with self._lock:
            if way is Way.BEFORE:
                self.seen.append(statement)
            if self._way is not way or self._only not in (None, statement):
                return True
            self._left -= 1
            if self._left:
                return True
            self._way, self.struck = None, statement
        self._strike()
        return False


@contextmanager
def breaking_line(postgres_port: int, breaker: Breaker) -> Iterator[int]:
    """A proxy before PostgreSQL with a breaker. Gives its port."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", postgres_port)) as server:
                for end in (server, self.request):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line = _Line(self.request, server, breaker)
                upward = threading.Thread(target=line.hand_up, daemon=True)
                upward.start()
                line.hand_down()
                upward.join()

    with serving(ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


class _Line:
    """One connection between a client and the server."""

    def __init__(self, client: socket.socket, server: socket.socket, breaker: Breaker) -> None:
        self._client, self._server, self._breaker = client, server, breaker
        self._swallows = threading.Event()
        self._statement = ""
        self._prepared: dict[bytes, str] = {}
        """Texts by the names under which the server keeps them; the latest without one has an empty name."""

    def hand_up(self) -> None:
        """Whole messages of the client to the server, until one of them breaks the line."""
        with suppress(OSError):
            waiting = self._hand_up_greeting()
            while data := self._client.recv(65536):
                waiting += data
                passed, rest = self._split(waiting)
                self._server.sendall(passed)
                if rest is None:
                    break
                waiting = rest
        if not self._swallows.is_set():
            self._break()

    def hand_down(self) -> None:
        """Everything that the server says, until a reply is to be swallowed."""
        with suppress(OSError):
            while (data := self._server.recv(65536)) and not self._swallows.is_set():
                self._client.sendall(data)
        self._break()

    def _hand_up_greeting(self) -> bytes:
        """The first message has no type."""
        greeting = b""
        while len(greeting) < 4 or len(greeting) < int.from_bytes(greeting[:4], "big"):
            data = self._client.recv(65536)
            if not data:
                return b""
            greeting += data
        length = int.from_bytes(greeting[:4], "big")
        self._server.sendall(greeting[:length])
        return greeting[length:]

    def _split(self, data: bytes) -> tuple[bytes, bytes | None]:
        """What may pass now, and what waits for its end; None when the line is to break after that."""
        position = 0
        while len(data) >= position + 5:
            end = position + 1 + int.from_bytes(data[position + 1 : position + 5], "big")
            if end > len(data):
                break
            kind, body = data[position : position + 1], data[position + 5 : end]
            if kind == PARSE:
                name, text = body.split(b"\0")[:2]
                self._prepared[name] = text.decode(errors="replace")
            if kind == BIND:
                self._statement = self._prepared[body.split(b"\0")[1]]
            if kind == QUERY:
                self._statement = body.rstrip(b"\0").decode(errors="replace")
            if kind in (QUERY, EXECUTE) and not self._breaker.passes(Way.BEFORE, self._statement):
                return data[:position], None
            if kind in (QUERY, SYNC) and not self._breaker.passes(Way.AFTER, self._statement):
                self._swallows.set()
            position = end
        return data[:position], data[position:]

    def _break(self) -> None:
        for end in (self._server, self._client):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
