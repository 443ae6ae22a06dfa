"""Codes that a merchant has bought and gives away, one to one member: reading them from a file."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from uuid import UUID

from services.platform.errors import InvalidInput

CODES_MAX = 20_000
"""Codes in one file; more come in several."""
CODE_LENGTH_MAX = 200
HEADERS = frozenset({"code", "codes"})


@dataclass(frozen=True, slots=True)
class ImportRewardCodes:
    """Add the codes of a CSV file to the pool of a virtual reward: the first column of each line."""

    reward_id: UUID
    csv: str
    idempotency_key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class ImportedCodes:
    """How many codes were ``added``; ``repeated`` were in the file twice or in the pool before."""

    reward_id: UUID
    added: int
    repeated: int
    replayed: bool


def read_codes(text: str) -> tuple[tuple[str, ...], int]:
    """The codes of a CSV file, each once, in its order; and how many lines repeated one.

    A first line that says ``code`` is its header. Blank lines say nothing.

    Raises:
        InvalidInput: no code at all, too many, one that is too long or holds control characters, or no CSV.
    """
    try:
        rows = [row[0].strip() for row in csv.reader(StringIO(text.removeprefix("\ufeff")), strict=True) if row]
    except csv.Error as error:
        raise InvalidInput(field="csv", reason="FORBIDDEN_CHARACTER") from error
    if rows and rows[0].lower() in HEADERS:
        rows = rows[1:]
    codes = [code for code in rows if code]
    if not 0 < len(codes) <= CODES_MAX:
        raise InvalidInput(field="csv", reason="COUNT_OUT_OF_RANGE", limit=str(CODES_MAX))
    _check(codes)
    unique = tuple(dict.fromkeys(codes))
    return unique, len(codes) - len(unique)


def _check(codes: Iterable[str]) -> None:
    for code in codes:
        if len(code) > CODE_LENGTH_MAX:
            raise InvalidInput(field="csv", reason="TOO_LONG", limit=str(CODE_LENGTH_MAX))
        if not code.isprintable():
            raise InvalidInput(field="csv", reason="FORBIDDEN_CHARACTER")
