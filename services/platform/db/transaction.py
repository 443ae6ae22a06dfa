"""One transaction on a borrowed connection: begun with its first statements, and ended with its last or after them.

A connection that turns out to be dead with its very first statements is from before a restart of the server: nothing of
the transaction has happened then, so another one takes its place unseen.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow

from services.platform.db.homes import Home
from services.platform.db.pool import Pool
from services.platform.db.wire import STALE_PLANS, Answer, Statement, StatementFailed
from services.platform.telemetry import traces

COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"


class CommitOutcomeUnknown(Exception):
    """The connection was lost while COMMIT was under way. A repeat under the same idempotency key finds out."""


def opening_of(beginning: str, home: Home) -> Sequence[Statement]:
    """What begins every transaction: nothing is found before the path is set, and it is forgotten with its end."""
    return Statement(beginning), Statement(f"SET LOCAL search_path TO {home.schema}")


class Transaction:
    """Borrows its connection when it is made; `close` gives it back, clean or closed."""

    def __init__(self, pool: Pool, home: Home, beginning: str, ending: str) -> None:
        self._pool = pool
        self._home = home
        self._ending = ending
        self._lent = pool.take(home.tenant_id)
        self._opening = opening_of(beginning, home)
        self._has_begun = False
        self._has_ended = False
        self._span: traces.Span | None = None
        self._statements = 0
        self._outcome = "rolled back"

    def begun(self) -> psycopg.Connection[Any]:
        """The connection, in the transaction.

        Raises:
            psycopg.Error
        """
        if not self._has_begun:
            self.run(())
        return self._lent.driver

    def rows(self, statements: Sequence[Statement], *, is_last: bool = False) -> list[list[DictRow]]:
        """The rows of each statement; see `run`."""
        answers = self.run(statements, is_last=is_last)
        return [self._lent.line.rows(answer) for answer in answers]

    def run(self, statements: Sequence[Statement], *, is_last: bool = False) -> list[Answer]:
        """Run statements in one round trip; with ``is_last`` the end of the transaction rides along.

        Raises:
            psycopg.Error: the first that failed. What follows it was not run, the end of the transaction neither.
            CommitOutcomeUnknown: the connection broke in a message with a COMMIT.
        """
        assert not self._has_ended, "nothing follows the last statements of a transaction"
        opening = () if self._has_begun else self._opening
        message = [*opening, *statements]
        if is_last:
            message.append(Statement(self._ending))
        self._statements += len(statements)
        if opening:
            self._note_beginning()
        answers = self._exchange(message, is_opening=bool(opening), is_committing=is_last and self._ending == COMMIT)
        if is_last:
            self._end(answers.pop())
        return answers[len(opening) :]

    def commit(self) -> None:
        """End the transaction and keep what it did; nothing when its last statements have ended it already.

        Raises:
            CommitOutcomeUnknown: the connection broke meanwhile.
        """
        if self._has_ended or not self._has_begun:
            return
        if self._lent.driver.info.transaction_status is TransactionStatus.INERROR:
            # PostgreSQL would roll back and call that a success: we would tell of work that was never kept.
            raise psycopg.errors.InFailedSqlTransaction("a statement failed, and somebody went on")
        self.run((), is_last=True)

    def close(self) -> None:
        """Give the connection back; what was not committed is undone."""
        lent = self._lent
        driver = lent.driver
        try:
            if not driver.closed and driver.info.transaction_status is not TransactionStatus.IDLE:
                driver.rollback()
        except psycopg.Error:
            driver.close()
        finally:
            self._pool.give_back(lent)
            self._tell()

    def _end(self, answer: Answer) -> None:
        self._has_ended = True
        done = (answer.command_status or b"").decode()
        if done != self._ending:
            raise psycopg.errors.InFailedSqlTransaction("a statement failed, and somebody went on")
        self._outcome = "committed" if done == COMMIT else "rolled back"

    def _exchange(self, message: Sequence[Statement], *, is_opening: bool, is_committing: bool) -> list[Answer]:
        while True:
            lent = self._lent
            try:
                answers = lent.line.exchange(message)
            except StatementFailed as failure:
                if not (is_opening and failure.index == 0 and self._is_replaced(failure.error)):
                    self._has_begun = True
                    is_commit = is_committing and failure.index == len(message) - 1
                    raise self._refusal(failure.error, is_commit=is_commit) from failure
            except psycopg.OperationalError as error:
                if is_committing:
                    self._outcome = "unknown"
                    raise CommitOutcomeUnknown from error
                if not (is_opening and self._is_replaced(error)):
                    raise
            else:
                lent.is_proven = self._has_begun = True
                return answers

    def _is_replaced(self, error: psycopg.Error) -> bool:
        """Whether another connection stands in the place of one that could not even begin.

        One fresh from the server that fails as well means that the server itself is away.
        """
        lent = self._lent
        if not lent.is_proven or not isinstance(error, psycopg.OperationalError):
            return False
        lent.driver.close()
        self._pool.give_back(lent)
        self._lent = self._pool.take(self._home.tenant_id)
        return True

    def _refusal(self, error: psycopg.Error, *, is_commit: bool) -> Exception:
        if error.sqlstate in STALE_PLANS:
            self._lent.driver.close()
        if is_commit and isinstance(error, psycopg.OperationalError):
            self._outcome = "unknown"
            return CommitOutcomeUnknown()
        return error

    def _note_beginning(self) -> None:
        if traces.are_on():
            self._span = traces.span(
                "transaction",
                kind="client",
                db__system__name="postgresql",
                db__namespace=self._home.schema,
                regulars__read_only=self._ending == ROLLBACK,
            )

    def _tell(self) -> None:
        if self._span is not None:
            self._span.note(regulars__statements=self._statements, regulars__outcome=self._outcome)
            if self._outcome == "unknown":
                self._span.fail(CommitOutcomeUnknown.__name__)
            self._span.end()
