"""Units of work and read sessions: the only code that begins, commits and rolls back.

Every transaction begins with ``BEGIN; SET LOCAL search_path TO <schema>``, in the same message as its first statements.
The login role's own path is empty, so work without a home fails instead of reading a neighbor.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.abc import QueryNoTemplate as Query
from psycopg.rows import DictRow

from services.platform.actors import Actor, Sender
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.transaction import CommitOutcomeUnknown, Transaction
from services.platform.db.wire import Statement

__all__ = ["CommitOutcomeUnknown", "ReadSession", "Statement", "UnitOfWork", "read_session", "unit_of_work"]

BEGIN = "BEGIN"
BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@dataclass(slots=True)
class ReadSession:
    """A transaction that reads one home. ``now`` is the tenant's business time."""

    home: Home
    now: datetime
    transaction: Transaction

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The driver's own connection, inside the transaction: for what a statement here can't do."""
        return self.transaction.begun()

    def fetch_all(self, query: Query, values: Mapping[str, Any] | None = None) -> list[DictRow]:
        """The rows of one statement, by column name."""
        return self.transaction.rows((Statement(query, values or {}),))[0]

    def fetch_one(self, query: Query, values: Mapping[str, Any] | None = None) -> DictRow | None:
        """The first row of one statement, or None."""
        rows = self.fetch_all(query, values)
        return rows[0] if rows else None

    def fetch_pipeline(self, statements: Sequence[Statement], *, is_last: bool = False) -> list[list[DictRow]]:
        """The rows of several independent statements, in one round trip; none for a statement that returns nothing.

        ``is_last`` ends the transaction in the same round trip: what was written is committed then, and nothing may
        follow.
        """
        return self.transaction.rows(statements, is_last=is_last)


@dataclass(slots=True)
class UnitOfWork(ReadSession):
    """One command's transaction. It commits when its block ends and rolls back when the block raises."""

    actor: Actor
    correlation_id: str
    traceparent: str | None = None
    """The trace that letters belong to, where it is not the current one."""
    has_published: bool = False
    """Set by the outbox: the relay is nudged after the commit."""
    has_posted: bool = False
    """Set by the ledger: live followers are told after the commit."""
    rings: list[tuple[str, dict[str, str | int | None]]] = field(default_factory=list)

    def acting_for(self, sender: Sender) -> "UnitOfWork":
        """The same transaction in the name of one of several senders; it keeps for itself what it sets."""
        return UnitOfWork(
            home=self.home,
            now=self.now,
            transaction=self.transaction,
            actor=sender.actor,
            correlation_id=sender.correlation_id,
            traceparent=sender.traceparent,
            rings=self.rings,
        )

    def execute(self, query: Query, values: Mapping[str, Any] | None = None) -> int:
        """Run one statement; the number of rows that it touched."""
        (answer,) = self.transaction.run((Statement(query, values or {}),))
        return answer.command_tuples or 0

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
    with _transaction(database, home, BEGIN, ending="COMMIT") as transaction:
        uow = UnitOfWork(home=home, now=now, transaction=transaction, actor=actor, correlation_id=correlation_id)
        yield uow
        transaction.commit()
    if uow.has_published:
        database.doorbell.nudge(home)
    if uow.has_posted:
        database.feed.tell(home)
    for task, keywords in uow.rings:
        database.doorbell.ring(task, **keywords)


@contextmanager
def read_session(database: Database, home: Home, *, now: datetime) -> Iterator[ReadSession]:
    """A read-only transaction over one snapshot, so that a balance and its entries agree."""
    with _transaction(database, home, BEGIN_READING, ending="ROLLBACK") as transaction:
        yield ReadSession(home=home, now=now, transaction=transaction)


@contextmanager
def _transaction(database: Database, home: Home, beginning: str, *, ending: str) -> Iterator[Transaction]:
    transaction = Transaction(database.pool, home, beginning, ending)
    try:
        yield transaction
    finally:
        transaction.close()
