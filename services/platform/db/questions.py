"""Questions: statements whose rows make an answer. Several of them travel in one message."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from psycopg.abc import QueryNoTemplate as Query
from psycopg.rows import DictRow

from services.platform.db.session import ReadSession
from services.platform.db.wire import Statement

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Question(Generic[T_co]):
    """What is asked, and what makes the answer of the rows of each statement."""

    statements: Sequence[Statement]
    answer: Callable[[Sequence[list[DictRow]]], T_co]


def instant_question(query: Query, column: str, values: Mapping[str, Any] | None = None) -> Question[datetime | None]:
    """Asks for the instant in a column of the first row; None where there is no row, or nothing in it."""

    def answer(rows: Sequence[list[DictRow]]) -> datetime | None:
        (found,) = rows
        return found[0][column] if found else None

    return Question([Statement(query, values or {})], answer)


def ask(session: ReadSession, questions: Sequence[Question[Any]], *, is_last: bool = False) -> list[Any]:
    """The answers, in one round trip; ``is_last`` ends the transaction in it."""
    rows = iter(
        session.fetch_pipeline([each for question in questions for each in question.statements], is_last=is_last)
    )
    return [question.answer([next(rows) for _ in question.statements]) for question in questions]
