"""The product's embedded PostgreSQL with a TCP port of its own and a way to die."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL

import psycopg

from services.platform.embedded.postgres import EmbeddedPostgres
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

    def _configure(self, *statements: str) -> None:
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            for statement in (*statements, "SELECT pg_reload_conf()"):
                connection.execute(statement.encode())
