"""The connection pool of one process."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
import psycopg
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import QueuePool

from services.platform.db.homes import Home

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)

CONNECT_TIMEOUT_SECONDS = 5
POOL_TIMEOUT_SECONDS = 30


class Doorbell(Protocol):
    """Whom to tell after a commit. It may not fail: what it does not tell, a sweep finds."""

    def nudge(self, home: Home) -> None:
        """The outbox of ``home`` has new letters."""

    def ring(self, task: str, **keywords: str | int | None) -> bool:
        """A task has something to do."""


class SilentDoorbell:
    """Tells nobody: a process without a broker leaves its letters to the sweep."""

    def nudge(self, home: Home) -> None:
        """Nothing."""

    def ring(self, task: str, **keywords: str | int | None) -> bool:  # noqa: ARG002  the protocol's names
        """Nothing."""
        return False


@dataclass(slots=True)
class Database:
    """A pool of connections, and the doorbell for what its transactions leave to be done."""

    engine: Engine
    doorbell: Doorbell = field(default_factory=SilentDoorbell)

    def driver_connection(self, connection: Connection) -> psycopg.Connection[Any]:
        """The psycopg connection inside a SQLAlchemy one."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        return driver

    def close(self) -> None:
        """Close every idle connection; those at work close when they come back."""
        self.engine.dispose()


def open_database(url: str, *, pool_size: int) -> Database:
    """A pool of at most ``pool_size`` connections to the server at a libpq ``url``; none is opened yet."""
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        # In autocommit mode the driver sends nothing of its own: `session` begins with one message, and commits.
        isolation_level="AUTOCOMMIT",
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        pool_use_lifo=True,
        pool_reset_on_return=None,
        connect_args={
            # Behind a transaction pooler, prepared statements of two clients collide and answer each other's queries.
            "prepare_threshold": None,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            # A network that falls silent must not hold a thread for the hours that TCP would wait by itself.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            "application_name": "regulars",
        },
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )
    return Database(engine)
