"""A transaction pooler of the old kind, over one connection: it knows nothing of prepared statements, so it mixes them.

It speaks just enough of PostgreSQL's protocol for simple and for extended queries.
"""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from typing import Final

import psycopg

NEGOTIATIONS: Final = frozenset({80877103, 80877104})
"""Codes by which a client asks for TLS and for GSS encryption."""
TOLD: Final = ("server_version", "server_encoding", "client_encoding", "standard_conforming_strings")


class _Stream:
    """Messages over a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._file = sock.makefile("rb")

    def message(self) -> tuple[bytes, bytes]:
        """The next message: its letter, and all of its bytes."""
        head = self._exactly(5)
        return head[:1], head + self._exactly(struct.unpack("!I", head[1:])[0] - 4)

    def greeting(self) -> int:
        """The code of the next message of a connection that has not begun, which has no letter."""
        length, code = struct.unpack("!II", self._exactly(8))
        self._exactly(length - 8)
        return int(code)

    def _exactly(self, length: int) -> bytes:
        data = self._file.read(length)
        if len(data) < length:
            raise EOFError
        return data


@contextmanager
def mixing_pooler(url: str) -> Iterator[str]:
    """The address of a pooler before the server at ``url``, for the role and the database of ``url``."""
    with (
        psycopg.connect(url, autocommit=True, sslmode="disable", gssencmode="disable") as server,
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        closing(socket.socket(fileno=os.dup(server.pgconn.socket))) as line,
    ):
        line.setblocking(True)
        pooler = _Pooler(server, line)
        threading.Thread(target=pooler.serve, args=(listener,), daemon=True).start()
        yield f"postgresql://{server.info.user}@127.0.0.1:{listener.getsockname()[1]}/{server.info.dbname}"
        listener.shutdown(socket.SHUT_RDWR)


class _Pooler:
    def __init__(self, server: psycopg.Connection, line: socket.socket) -> None:
        self._facts = {name: server.info.parameter_status(name) or "" for name in TOLD}
        self._server = _Stream(line)
        self._turn = threading.Lock()
        self._keys = count(1)

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    def _attend(self, client: socket.socket) -> None:
        with closing(client):
            try:
                stream = _Stream(client)
                while stream.greeting() in NEGOTIATIONS:
                    client.sendall(b"N")
                client.sendall(self._welcome())
                while True:
                    self._transaction(stream)
            except (EOFError, OSError):
                return

    def _welcome(self) -> bytes:
        told = [_message(b"S", f"{name}\0{value}\0".encode()) for name, value in self._facts.items()]
        # The number of the backend is made up, as poolers do.
        key = _message(b"K", struct.pack("!II", next(self._keys), 0))
        return b"".join((_message(b"R", struct.pack("!I", 0)), *told, key, _message(b"Z", b"I")))

    def _transaction(self, client: _Stream) -> None:
        """Let the client have the one connection until it is outside a transaction again."""
        asked = _question(client)
        with self._turn:
            while True:
                self._server.socket.sendall(asked)
                while True:
                    letter, data = self._server.message()
                    client.socket.sendall(data)
                    if letter == b"Z":
                        break
                if data.endswith(b"I"):
                    return
                asked = _question(client)


def _question(client: _Stream) -> bytes:
    """All that the client sends until it waits for an answer."""
    asked = b""
    while True:
        letter, data = client.message()
        if letter == b"X":
            raise EOFError
        asked += data
        if letter in {b"Q", b"S"}:
            return asked


def _message(letter: bytes, content: bytes) -> bytes:
    return letter + struct.pack("!I", len(content) + 4) + content
