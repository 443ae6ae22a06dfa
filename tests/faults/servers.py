"""The product's embedded PostgreSQL and Valkey, with ways to die, to fill up and to fall silent."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

import psycopg
from redis import Redis
from redis.exceptions import OutOfMemoryError

from services.platform.embedded.postgres import EmbeddedPostgres
from services.platform.embedded.valkey import SETTINGS, EmbeddedValkey
from services.platform.supervision import processes
from tests.faults.wire import free_port

KILL_SECONDS = 30.0

# Nothing is negotiated, so that a proxy can read along.
PLAIN = "sslmode=disable&gssencmode=disable"


class MortalPostgres(EmbeddedPostgres):
    """As the product runs it, durable; it listens on loopback as well.

    The gateway comes by TCP and everybody else by the socket: so ``pg_stat_activity`` tells whose a connection is, and
    a proxy can stand in the gateway's way.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.port = free_port()

    def _command(self) -> list[str]:
        # Several of these share a machine with a whole test run.
        extra = {"listen_addresses": "127.0.0.1", "port": str(self.port), "shared_buffers": "64MB"}
        return [*super()._command(), *(word for name, value in extra.items() for word in ("-c", f"{name}={value}"))]

    def url(self, *, role: str, database: str = "regulars") -> str:
        return f"{super().url(role=role, database=database)}&port={self.port}"

    def tcp_url(self, port: int | None = None) -> str:
        """The application role's address by TCP; ``port`` is a proxy's."""
        return f"postgresql://regulars_app@127.0.0.1:{port or self.port}/regulars?{PLAIN}"

    def kill(self) -> None:
        """SIGKILL to the postmaster and, at once, to every process of its own; returns when all are dead."""
        pids = {self.pid, *processes.running_in(self.place.data, program=self.program)}
        processes.end(pids, steps=((SIGKILL, KILL_SECONDS),))

    def checkpoint(self) -> None:
        """Write everything down, so that only what comes from here on is at stake."""
        self._configure("CHECKPOINT")

    @contextmanager
    def forgetful(self) -> Iterator[None]:
        """The planted fault of F1: COMMIT is answered before the server has written anything down."""
        self._configure("ALTER SYSTEM SET synchronous_commit = off", "ALTER SYSTEM SET wal_writer_delay = '10s'")
        try:
            yield
        finally:
            self._configure("ALTER SYSTEM RESET synchronous_commit", "ALTER SYSTEM RESET wal_writer_delay")

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Every new transaction may only read, as on a standby; but for ours."""
        self._configure("ALTER ROLE CURRENT_USER SET default_transaction_read_only = off")
        self._configure("ALTER SYSTEM SET default_transaction_read_only = on")
        try:
            yield
        finally:
            self._configure("ALTER SYSTEM RESET default_transaction_read_only")

    def _configure(self, *statements: str) -> None:
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            for statement in (*statements, "SELECT pg_reload_conf()"):
                connection.execute(statement.encode())


class MortalValkey(EmbeddedValkey):
    """As the product runs it; it can be killed, emptied, filled and stopped in its tracks."""

    BALLAST = "ballast-of-the-fault-campaign"
    FULL = "3mb"

    @property
    def socket_path(self) -> Path:
        """Where it listens."""
        return self._socket

    def kill(self) -> None:
        """SIGKILL; returns when it is dead."""
        processes.end((self.pid,), steps=((SIGKILL, KILL_SECONDS),))

    def forget_everything(self) -> None:
        """FLUSHALL: everything that it held is gone."""
        with closing(Redis.from_url(self.url)) as client:
            client.flushall()

    @contextmanager
    def full(self) -> Iterator[None]:
        """It may use ``FULL`` memory, and every bit of that is taken: it refuses to write anything more."""
        with closing(Redis.from_url(self.url)) as client:
            client.config_set("maxmemory", self.FULL)
            for size in (65_536, 4_096, 256):
                with suppress(OutOfMemoryError):
                    while True:
                        client.rpush(self.BALLAST, b"x" * size)
            try:
                yield
            finally:
                client.config_set("maxmemory", SETTINGS["maxmemory"])
                client.delete(self.BALLAST)

    @contextmanager
    def absent(self) -> Iterator[None]:
        """It is dead, and nobody listens where it was."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It takes connections and never says a word."""
        os.kill(self.pid, SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, SIGCONT)
