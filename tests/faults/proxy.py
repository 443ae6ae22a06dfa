"""Thieves of replies: before the gateway, PostgreSQL and the broker. What they steal has been done already."""

import http.client
import json
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

TIMEOUT_SECONDS = 60
COMMITTED = b"C\0\0\0\x0bCOMMIT\0"
"""What PostgreSQL answers to a COMMIT that was done: CommandComplete with its length and tag."""


class Appetite:
    """Which replies are stolen: one of every so many, by a seed."""

    def __init__(self, *, seed: str, every: int) -> None:
        self._chance = random.Random(seed)
        self._every = every
        self._lock = threading.Lock()
        self._until_next = self._draw()
        self._is_hungry = True
        self.stolen = 0

    def pause(self) -> None:
        """Steal nothing until `go_on`."""
        self._is_hungry = False

    def go_on(self) -> None:
        """Steal again."""
        self._is_hungry = True

    def wants(self) -> bool:
        """Whether this reply is to be stolen; counts it then."""
        with self._lock:
            self._until_next -= self._is_hungry
            if self._until_next > 0:
                return False
            self._until_next = self._draw()
            self.stolen += 1
            return True

    def _draw(self) -> int:
        return self._chance.randint(max(1, self._every // 2), self._every + self._every // 2)


class StolenAnswers:
    """Payloads that the gateway sent and nobody received, by idempotency key: a retry must get the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.first: dict[str, dict[str, Any]] = {}

    def is_command(self, request: bytes, answer: bytes) -> bool:
        """Whether a command was done, or had been done before."""
        data = json.loads(answer).get("data")
        return "idempotencyKey" in _input(request) and bool(data) and "code" not in data["done"]

    def keep(self, request: bytes, answer: bytes) -> None:
        """Note a stolen answer."""
        with self._lock:
            self.first.setdefault(_input(request)["idempotencyKey"], json.loads(answer)["data"]["done"])


def _input(request: bytes) -> dict[str, Any]:
    given: dict[str, Any] = json.loads(request)["variables"].get("input", {})
    return given


@contextmanager
def answer_thief(gateway_port: int, appetite: Appetite, stolen: StolenAnswers) -> Iterator[int]:
    """A proxy before the gateway that now and then hangs up instead of handing over the answer. Gives its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = TIMEOUT_SECONDS
        disable_nagle_algorithm = True
        wbufsize = -1  # one packet for headers and body

        def setup(self) -> None:
            super().setup()
            self._gateway = http.client.HTTPConnection("127.0.0.1", gateway_port, timeout=TIMEOUT_SECONDS)

        def finish(self) -> None:
            self._gateway.close()
            with suppress(OSError):
                super().finish()

        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: self.headers[name] for name in ("Content-Type", "Authorization") if name in self.headers}
            try:
                self._gateway.request("POST", self.path, body=request, headers=headers)
                answer = self._gateway.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                self.close_connection = True
                return
            if stolen.is_command(request, body) and appetite.wants():
                stolen.keep(request, body)
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the logs of the tills tell."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


@contextmanager
def commit_thief(postgres_port: int, appetite: Appetite) -> Iterator[int]:
    """A proxy before PostgreSQL that now and then swallows the answer to a COMMIT and hangs up. Gives its port."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", postgres_port)) as server:
                for end in (server, self.request):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                upward = threading.Thread(target=_pour, args=(self.request, server), daemon=True)
                upward.start()
                with suppress(OSError):
                    _hand_down(server, self.request, appetite)
                for end in (server, self.request):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                upward.join(TIMEOUT_SECONDS)

    with serving(ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


class Trap:
    """A thief that steals once each time it is set: what a worker has fetched from the broker."""

    # What the sweep alone can make good: other rings are followed by others for the same work.
    PREY = (b"send_message", b"deliver_letters")

    def __init__(self) -> None:
        self._is_set = False
        self._changed = threading.Condition()
        self.stolen = 0
        self.silence = threading.Event()
        """Connections that were opened under this event hear nothing more once it is set."""

    def fall_silent(self) -> None:
        """Connections that are open stay open and never say a word again; new ones talk."""
        silence, self.silence = self.silence, threading.Event()
        silence.set()

    def set(self) -> None:
        """Steal the next prey."""
        with self._changed:
            self._is_set = True

    def wait(self, seconds: float) -> bool:
        """Whether the trap has sprung, at the latest after so long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_set, seconds)

    def wants(self, reply: bytes) -> bool:
        """Whether this reply is the prey; counts it then."""
        with self._changed:
            if not (self._is_set and any(name in reply for name in self.PREY)):
                return False
            self._is_set = False
            self.stolen += 1
            self._changed.notify_all()
            return True


@contextmanager
def fetch_thief(broker: Path, trap: Trap) -> Iterator[int]:
    """A proxy before the broker's socket that hangs up instead of handing over the trap's prey. Gives its port."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            silence = trap.silence
            with socket.socket(socket.AF_UNIX) as server, suppress(OSError):
                server.connect(str(broker))
                upward = threading.Thread(target=_pour, args=(self.request, server), daemon=True)
                upward.start()
                # The prey is small and comes in one piece, or the trap waits for the next.
                while (data := server.recv(65536)) and not silence.is_set() and not trap.wants(data):
                    self.request.sendall(data)
                if silence.is_set():
                    upward.join()  # until the client has had enough
                for end in (server, self.request):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

    with serving(ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port


def _pour(source: socket.socket, target: socket.socket) -> None:
    """Everything that the client says goes up; its end as well."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _hand_down(server: socket.socket, client: socket.socket, appetite: Appetite) -> None:
    """Hand whole messages of the server down, until it ends or the answer to a COMMIT is stolen."""
    waiting = b""
    while data := server.recv(65536):
        waiting += data
        whole = _whole_messages(waiting)
        if _position_of_commit(waiting[:whole]) is not None and appetite.wants():
            return
        client.sendall(waiting[:whole])
        waiting = waiting[whole:]


def _whole_messages(data: bytes) -> int:
    """How many bytes of whole messages there are: a type of one byte, then a length that counts itself."""
    position = 0
    while len(data) >= position + 5:
        end = position + 1 + int.from_bytes(data[position + 1 : position + 5], "big")
        if end > len(data):
            break
        position = end
    return position


def _position_of_commit(data: bytes) -> int | None:
    """Where in whole messages a COMMIT is answered; None where it is not."""
    position = 0
    while position < len(data):
        end = position + 1 + int.from_bytes(data[position + 1 : position + 5], "big")
        if data[position:end] == COMMITTED:
            return position
        position = end
    return None


@contextmanager
def serving(server: ThreadingTCPServer | ThreadingHTTPServer) -> Iterator[int]:
    """The server at work in a thread; gives its port."""
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
