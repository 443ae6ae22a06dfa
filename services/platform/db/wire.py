"""How statements travel: all of a round trip in one message, with nothing of the driver's cursors in between.

A statement is SQL with named placeholders (``%(name)s``) and values that the driver can turn into bytes: None, bool,
int, str, bytes, UUID, date, datetime, Decimal, Jsonb, enums of strings, and lists of one of these.
"""

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

import orjson
import psycopg
from psycopg import pq
from psycopg.abc import QueryNoTemplate as Query
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many, send
from psycopg.rows import DictRow
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg.types.numeric import Int8Dumper

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)

PREPARED_MAX = 300
"""Statements that one connection keeps prepared; what comes later is sent in full each time."""

STALE_PLANS = frozenset({"0A000", "26000"})
"""SQLSTATEs by which a server says that it can't use a prepared statement any more: a column changed its type, or
somebody discarded it."""

_PLACEHOLDER = re.compile(r"%(?:%|\((\w+)\)s)")
_ARRAYS: Mapping[type, tuple[int, Callable[[Any], str]]] = {
    UUID: (2951, str),
    int: (1016, str),
    datetime: (1185, str),
    str: (1009, lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
}
"""Lists by the type of what they hold: the array's object id, and how a member is written in it."""
_DONE = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})

Answer: TypeAlias = pq.abc.PGresult
_Key: TypeAlias = tuple[bytes, tuple[int, ...]]
_Message: TypeAlias = tuple[bytes, tuple[int, ...], Sequence[Any], Sequence[Any] | None]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a pipeline: SQL with named placeholders, and its values."""

    query: Query
    values: Mapping[str, Any] = field(default_factory=dict)


class StatementFailed(Exception):
    """The server refused a statement: its place in the message, and the driver's error. Those after it were not run."""

    def __init__(self, index: int, error: psycopg.Error) -> None:
        super().__init__(index)
        self.index = index
        self.error = error


class Line:
    """One connection's way to talk: it turns values into bytes and knows what the server has prepared."""

    def __init__(self, connection: psycopg.Connection[Any], *, is_prepared: bool) -> None:
        # One type for whole numbers, whatever their size, so that a statement stays the same statement.
        connection.adapters.register_dumper(int, Int8Dumper)
        self.connection = connection
        self._pgconn = connection.pgconn
        self._transformer = Transformer(connection)
        self._is_prepared = is_prepared
        self._prepared: dict[_Key, bytes] = {}

    def exchange(self, statements: Sequence[Statement]) -> list[Answer]:
        """Send all statements in one message and take in their answers, one for each.

        Raises:
            StatementFailed: the server refused one.
            psycopg.OperationalError: the connection broke.
        """
        pgconn = self._pgconn
        if pgconn.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError("the connection is closed")
        messages = [self._message(statement) for statement in statements]
        pgconn.enter_pipeline_mode()
        try:
            fresh = [self._send(message) for message in messages]
            pgconn.pipeline_sync()
            answers = self.connection.wait(self._take_in(fresh))
            pgconn.exit_pipeline_mode()
        except BaseException:
            # What is under way can't be told apart from the next answers any more.
            self.connection.close()
            raise
        for index, answer in enumerate(answers):
            if answer.status not in _DONE:
                raise StatementFailed(index, error_from_result(answer, encoding="utf-8"))
        return answers

    def rows(self, answer: Answer) -> list[DictRow]:
        """The rows of an answer, by column name; none of a statement that returns nothing."""
        count = answer.ntuples
        if not count:
            return []
        names = [(answer.fname(column) or b"").decode() for column in range(answer.nfields)]
        self._transformer.set_pgresult(answer)
        return [dict(zip(names, values, strict=True)) for values in self._transformer.load_rows(0, count, tuple)]

    def _message(self, statement: Statement) -> _Message:
        query = statement.query
        text, names = _compiled(query if isinstance(query, str | bytes) else query.as_bytes(self.connection))
        if not names:
            return text, (), (), None
        values = [statement.values[name] for name in names]
        arrays: dict[int, int] = {}
        for index, value in enumerate(values):
            if type(value) is list and value and (array := _ARRAYS.get(type(value[0]))):
                arrays[index], write = array
                values[index] = "{" + ",".join(map(write, value)) + "}"
        transformer = self._transformer
        dumped = transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
        types = transformer.types or ()
        if arrays:
            types = tuple(map(arrays.get, range(len(types)), types))
        return text, types, dumped, transformer.formats

    def _send(self, message: _Message) -> _Key | None:
        """Put a statement into libpq's buffer; its key, when it is prepared on the way."""
        text, types, values, formats = message
        key: _Key = (text, types)
        name, is_fresh = b"", False
        if self._is_prepared:
            name = self._prepared.get(key, b"")
            is_fresh = not name and len(self._prepared) < PREPARED_MAX
        if is_fresh:
            name = b"s%d" % len(self._prepared)
            self._prepared[key] = name
            self._pgconn.send_prepare(name, text, types)
        if name:
            self._pgconn.send_query_prepared(name, values, formats)
        else:
            self._pgconn.send_query_params(text, values, types, formats)
        return key if is_fresh else None

    def _take_in(self, fresh: Sequence[_Key | None]) -> Generator[Any, Any, list[Answer]]:
        """The last answer to each statement, after the whole message was sent; the server's synchronization too."""
        pgconn = self._pgconn
        yield from send(pgconn)
        answers: list[Answer] = []
        for key in fresh:
            if key is not None:
                prepared = (yield from fetch_many(pgconn))[-1]
                if prepared.status not in _DONE:
                    # It stays unprepared; its own answer tells why.
                    del self._prepared[key]
            answers.append((yield from fetch_many(pgconn))[-1])
        yield from fetch_many(pgconn)
        return answers


@lru_cache(maxsize=2_000)
def _compiled(query: str | bytes) -> tuple[bytes, tuple[str, ...]]:
    """SQL with numbered placeholders, and the names of its values in their order."""
    text = query if isinstance(query, str) else query.decode()
    places: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        return "%" if name is None else f"${places.setdefault(name, len(places) + 1)}"

    return _PLACEHOLDER.sub(number, text).encode(), tuple(places)
