"""Questions to many tenants: a statement over many schemas, or a round trip through many homes, not one for each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from psycopg import sql
from psycopg.rows import DictRow

from services.platform.db.homes import Home
from services.platform.db.questions import Question
from services.platform.db.session import ReadSession
from services.platform.db.wire import Statement

T = TypeVar("T")

SCHEMAS_PER_STATEMENT = 50
HOMES_PER_TRIP = 20

GO_TO = "SELECT set_config('search_path', %(schema)s, true)"
"""As a transaction begins, but one statement for all homes, so that a connection prepares it once."""


def ask_tenants(
    session: ReadSession, homes: Sequence[Home], branch: sql.SQL, values: Mapping[str, Any]
) -> Iterator[tuple[Home, DictRow]]:
    """The rows that ``branch`` finds in each home, with the home.

    ``branch`` writes its tables as ``{schema}.table`` and limits its own rows.
    """
    by_schema = {home.schema: home for home in homes}
    for start in range(0, len(homes), SCHEMAS_PER_STATEMENT):
        branches = [
            sql.SQL("SELECT {name} AS home_schema, found.* FROM ({branch}) AS found").format(
                name=sql.Literal(home.schema), branch=branch.format(schema=sql.Identifier(home.schema))
            )
            for home in homes[start : start + SCHEMAS_PER_STATEMENT]
        ]
        for row in session.fetch_all(sql.SQL(" UNION ALL ").join(branches), values):
            yield by_schema[row["home_schema"]], row


def ask_homes(
    session: ReadSession,
    clocks: Sequence[tuple[Home, datetime]],
    questions_of: Callable[[ReadSession], Sequence[Question[T]]],
) -> Iterator[tuple[Home, list[T]]]:
    """The answers in each of ``clocks``' homes, at the time there, from the session's transaction.

    ``questions_of`` is given a session of the home, of which it may take the home and the time only. The transaction
    goes from home to home, so that afterwards it is in the last one: ask nothing else in it.
    """
    for start in range(0, len(clocks), HOMES_PER_TRIP):
        asked = [
            (home, questions_of(replace(session, home=home, now=now)))
            for home, now in clocks[start : start + HOMES_PER_TRIP]
        ]
        statements: list[Statement] = []
        for home, questions in asked:
            statements.append(Statement(GO_TO, {"schema": home.schema}))
            statements += [each for question in questions for each in question.statements]
        rows = iter(session.fetch_pipeline(statements))
        for home, questions in asked:
            next(rows)
            yield home, [question.answer([next(rows) for _ in question.statements]) for question in questions]
