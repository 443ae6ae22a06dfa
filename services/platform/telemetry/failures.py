"""What a log line tells of an exception: where it happened and of what kind it is, never the values that it speaks of.

Messages of libraries repeat what they were given (a row that breaks a constraint, a text that is no number), which may
be a password or somebody's phone number. So their values are left out: what stands in quotes or brackets, and whatever
looks like an address, a number of length or a token.
"""

import re
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

CHAIN_MAX = 8
MESSAGE_LENGTH_MAX = 300

_VALUES = re.compile(
    r"""
    (['"`«“‘])(?:\\.|(?!\1)[^\\\n])*['"`»”’]      # in quotes
    | [\[({](?=[^\s\])}])[^\n]*[\])}]              # in brackets, to the last one of the line
    | \S+@\S+                                    # addresses, also in a URL
    | \S*://\S+                                  # URLs
    | \+?\d[\d\s().-]{4,}\d                      # phone numbers, dates, card numbers
    | \b(?=\w*\d)[\w-]{12,}                      # tokens, hashes and ids
    """,
    re.VERBOSE,
)
MASK = "…"


def masked(text: str) -> str:
    """The first line of a message without the values in it."""
    return _VALUES.sub(MASK, text.partition("\n")[0])[:MESSAGE_LENGTH_MAX]


def tell_failure(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For structlog: puts ``exception`` in the place of ``exc_info``."""
    given = event.pop("exc_info", None)
    if not given:
        return event
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else sys.exc_info()[1]
    if error is not None:
        event["exception"] = "\n".join(told(error))
    return event


def told(error: BaseException) -> Iterator[str]:
    """The lines of a traceback, causes first, as Python writes it but for the values."""
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain and len(chain) < CHAIN_MAX:
        chain.append(step)
        step = step.__cause__ or (None if step.__suppress_context__ else step.__context__)
    for one in reversed(chain):
        yield "Traceback (most recent call last):"
        yield from (line.rstrip("\n") for line in traceback.format_tb(one.__traceback__))
        yield f"{type(one).__module__}.{summary(one)}"


def summary(error: BaseException) -> str:
    """An exception in one line without values, to be kept beside what it befell."""
    return f"{type(error).__name__}: {_message(error)}"


def _message(error: BaseException) -> str:
    """What the exception says. Of the database's errors, only what names things of ours."""
    diagnosis = getattr(error, "diag", None)
    if diagnosis is not None and getattr(diagnosis, "sqlstate", None):
        names = (diagnosis.sqlstate, diagnosis.constraint_name, diagnosis.table_name, diagnosis.column_name)
        return " ".join(name for name in names if name)
    return masked(str(error))
