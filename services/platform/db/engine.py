"""The database as one process knows it: its connections, and whom to tell of what was committed."""

from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import psycopg

from services.platform.db.homes import Home
from services.platform.db.pool import Pool

CONNECT_TIMEOUT_SECONDS = 5


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


class Feed(Protocol):
    """Whom to tell that a ledger has changed. It may not fail: what it does not tell, a look finds later."""

    def tell(self, home: Home) -> None:
        """Entries of ``home`` were committed."""


class SilentFeed:
    """Tells nobody: followers find what is new when they look."""

    def tell(self, home: Home) -> None:
        """Nothing."""


@dataclass(slots=True)
class Database:
    """A pool of connections, and whom to tell of what its transactions did: the doorbell and the live feed."""

    pool: Pool
    doorbell: Doorbell = field(default_factory=SilentDoorbell)
    feed: Feed = field(default_factory=SilentFeed)

    def close(self) -> None:
        """Close every idle connection; those at work close when they come back."""
        self.pool.close()


def open_database(url: str, *, pool_size: int, is_prepared: bool = False) -> Database:
    """A pool of at most ``pool_size`` connections to the server at a libpq ``url``; none is opened yet.

    ``is_prepared`` makes connections prepare their statements: about half the work for the server, and only safe where
    each of our connections is one of the server's, or the pooler in between keeps clients' statements apart.
    """
    connect = partial(
        psycopg.connect,
        url,
        # The driver sends nothing of its own: `session` begins and commits.
        autocommit=True,
        # What is prepared, and when, `wire` says. Behind a transaction pooler, prepared statements of two clients
        # collide and answer each other's queries.
        prepare_threshold=None,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        # A network that falls silent must not hold a thread for the hours that TCP would wait by itself.
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
        tcp_user_timeout=30_000,
        application_name="regulars",
    )
    return Database(Pool(connect, size=pool_size, is_prepared=is_prepared))
