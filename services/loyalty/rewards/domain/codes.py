"""Codes that a merchant has bought and gives away, one to one member: reading them from a file."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from services.platform.errors import InvalidInput
from services.platform.text import first_column

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
    codes = first_column(text, field="csv", headers=HEADERS, count_max=CODES_MAX)
    _check(codes)
    unique = tuple(dict.fromkeys(codes))
    return unique, len(codes) - len(unique)


def _check(codes: Iterable[str]) -> None:
    for code in codes:
        if len(code) > CODE_LENGTH_MAX:
            raise InvalidInput(field="csv", reason="TOO_LONG", limit=str(CODE_LENGTH_MAX))
        if not code.isprintable():
            raise InvalidInput(field="csv", reason="FORBIDDEN_CHARACTER")
