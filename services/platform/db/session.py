"""Units of work and read sessions: the only code that begins, commits and rolls back.

Every transaction begins with one message, ``BEGIN; SET LOCAL search_path TO <schema>``. The login role's own path is
empty, so work without a home fails instead of reading a neighbor.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import QueryNoTemplate as Query
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from services.platform.actors import Actor
from services.platform.db.engine import Database
from services.platform.db.homes import Home

DISTINCT_TENANTS_MAX = 100
"""A backend keeps about 15 KiB of catalog for each table that it has touched and never gives it back, so a pooled
connection is closed after this many tenants."""


class CommitOutcomeUnknown(Exception):
    """The connection was lost while COMMIT was under way. A repeat under the same idempotency key finds out."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a pipeline: SQL with named placeholders, and its values."""

    query: Query
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ReadSession:
    """A transaction that reads one home. ``now`` is the tenant's business time."""

    home: Home
    now: datetime
    session: Session
    connection: psycopg.Connection[Any]

    def fetch_all(self, query: Query, values: Mapping[str, Any] | None = None) -> list[DictRow]:
        """The rows of one statement, by column name."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values or {}).fetchall()

    def fetch_one(self, query: Query, values: Mapping[str, Any] | None = None) -> DictRow | None:
        """The first row of one statement, or None."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values or {}).fetchone()

    def fetch_pipeline(self, statements: Sequence[Statement]) -> list[list[DictRow]]:
        """The rows of several independent statements, in one round trip; none for a statement that returns nothing."""
        cursors: list[psycopg.Cursor[DictRow]] = []
        with self.connection.pipeline():
            for statement in statements:
                cursor = self.connection.cursor(row_factory=dict_row)
                cursors.append(cursor.execute(statement.query, statement.values))
        return [cursor.fetchall() if cursor.description else [] for cursor in cursors]


@dataclass(slots=True)
class UnitOfWork(ReadSession):
    """One command's transaction. It commits when its block ends and rolls back when the block raises."""

    actor: Actor
    correlation_id: str
    has_published: bool = False
    """Set by the outbox: the relay is nudged after the commit."""
    rings: list[tuple[str, dict[str, str | int | None]]] = field(default_factory=list)

    def execute(self, query: Query, values: Mapping[str, Any] | None = None) -> int:
        """Run one statement; the number of rows that it touched."""
        return self.connection.execute(query, values or {}).rowcount

    def ring_after_commit(self, task: str, **keywords: str | int | None) -> None:
        """Tell a worker of something to do, once this transaction has committed."""
        self.rings.append((task, keywords))


@contextmanager
def unit_of_work(
    database: Database, home: Home, *, now: datetime, actor: Actor, correlation_id: str
) -> Iterator[UnitOfWork]:
    """A transaction that writes one home.

    Raises:
        CommitOutcomeUnknown: the connection broke during COMMIT.
    """
    with (
        _transaction(database, home, "BEGIN") as (connection, driver),
        Session(bind=connection, autoflush=False, expire_on_commit=False) as session,
    ):
        uow = UnitOfWork(
            home=home, now=now, session=session, connection=driver, actor=actor, correlation_id=correlation_id
        )
        yield uow
        session.flush()
        # Before the session closes: closing rolls back what is still open.
        _commit(driver)
    if uow.has_published:
        database.doorbell.nudge(home)
    for task, keywords in uow.rings:
        database.doorbell.ring(task, **keywords)


@contextmanager
def read_session(database: Database, home: Home, *, now: datetime) -> Iterator[ReadSession]:
    """A read-only transaction over one snapshot, so that a balance and its entries agree."""
    with (
        _transaction(database, home, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as (connection, driver),
        Session(bind=connection, autoflush=False) as session,
    ):
        yield ReadSession(home=home, now=now, session=session, connection=driver)


@contextmanager
def _transaction(database: Database, home: Home, begin: str) -> Iterator[tuple[Connection, psycopg.Connection[Any]]]:
    connection, driver = _begin(database, f"{begin}; SET LOCAL search_path TO {home.schema}")
    try:
        yield connection, driver
    finally:
        _give_back(connection, driver, home.tenant_id)


def _begin(database: Database, message: str) -> tuple[Connection, psycopg.Connection[Any]]:
    """A connection in which ``message`` has run; dead ones from before a restart of the server are thrown away."""
    while True:
        try:
            connection = database.engine.connect()
        except DBAPIError as error:
            # One kind of error for a server that is away, whether it was found out before or in the transaction.
            if not isinstance(error.orig, psycopg.Error):
                raise
            raise error.orig from error
        except PoolTimeoutError as error:
            raise psycopg.OperationalError("no connection came free in time") from error
        driver = database.driver_connection(connection)
        try:
            driver.execute(message.encode())
        except psycopg.OperationalError:
            is_stale = "used" in connection.info
            connection.invalidate()
            connection.close()
            # A connection fresh from the server that fails as well means that the server itself is away.
            if not is_stale:
                raise
        else:
            connection.info["used"] = True
            return connection, driver


def _commit(driver: psycopg.Connection[Any]) -> None:
    if driver.info.transaction_status is TransactionStatus.INERROR:
        # PostgreSQL would roll back and call that a success: we would tell of work that was never kept.
        raise psycopg.errors.InFailedSqlTransaction("a statement failed, and somebody went on")
    try:
        driver.commit()
    except psycopg.OperationalError as error:
        raise CommitOutcomeUnknown from error


def _give_back(connection: Connection, driver: psycopg.Connection[Any], tenant_id: UUID | None) -> None:
    """Return the connection clean, or close it: broken ones, and those that have seen too many tenants."""
    seen: set[UUID | None] = connection.info.setdefault("tenants", set())
    seen.add(tenant_id)
    try:
        if not driver.closed:
            driver.rollback()
    except psycopg.Error:
        driver.close()
    if driver.closed or len(seen) > DISTINCT_TENANTS_MAX:
        connection.invalidate()
    connection.close()
