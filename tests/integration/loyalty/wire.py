"""What goes over the wire, as the PostgreSQL client library itself traces it."""

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from services.platform.db.engine import Database
from services.platform.db.wire import Answer, Line, Statement
from services.platform.metering.cost import THREAD as COST_METER

_STATEMENTS = frozenset({"Parse", "Query"})
_ANSWERED = frozenset({"Sync", "Query"})
"""After these the client waits for the server; everything else travels together with the next of them."""


@dataclass
class Traffic:
    """Filled when the tracing ends. A transaction begins with two statements: BEGIN and the path."""

    statements: int = 0
    round_trips: int = 0


@contextmanager
def traced(database: Database) -> Iterator[Traffic]:
    """Trace what is said on the connection of a pool with one connection."""
    traffic = Traffic()
    with tempfile.TemporaryFile() as trace:
        lent = database.pool.take(None)
        driver = lent.driver
        driver.pgconn.trace(trace.fileno())
        database.pool.give_back(lent)
        yield traffic
        # Closes the trace's own copy of the file as well: what was said is on the disk then.
        driver.pgconn.untrace()
        trace.seek(0)
        lines = trace.read().decode(errors="replace").splitlines()
    sent = [parts[3] for parts in (line.split("\t") for line in lines) if len(parts) > 3 and parts[1] == "F"]
    traffic.statements = sum(message in _STATEMENTS for message in sent)
    traffic.round_trips = sum(message in _ANSWERED for message in sent)


@contextmanager
def overheard() -> Iterator[list[list[str]]]:
    """The messages of whatever connections, each with the SQL of its statements as the services wrote it.

    Once a second a thread of its own writes what operations have cost: that belongs to none of them.
    """
    messages: list[list[str]] = []
    exchange = Line.exchange

    def overhear(line: Line, statements: Sequence[Statement]) -> list[Answer]:
        if threading.current_thread().name == COST_METER:
            return exchange(line, statements)
        queries = [statement.query for statement in statements]
        messages.append([query.decode() if isinstance(query, bytes) else str(query) for query in queries])
        return exchange(line, statements)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Line, "exchange", overhear)
        yield messages
