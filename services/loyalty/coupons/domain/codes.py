"""Codes of coupons: how they are made, and the one form in which they are kept."""

import secrets
import unicodedata
from collections.abc import Iterable, Iterator

from services.platform.errors import InvalidInput
from services.platform.text import check_text

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Digits and capitals that nobody mistakes for one another, read aloud or in print: without 0 O, 1 I L."""

LENGTH = 14
"""31^14 codes: 69 bits of chance in each. Where 100,000 are out, a guess is right once in 7 * 10^15."""

LENGTH_MIN = 3
LENGTH_MAX = 40
PREFIX_LENGTH_MAX = 20
CODES_MAX = 100_000
"""Codes made in one command."""

_BATCH_MIN = 16
_EVEN = 256 // len(ALPHABET) * len(ALPHABET)
_LETTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_UNEVEN = bytes(range(_EVEN, 256))


def new_codes(count: int, *, prefix: str = "") -> set[str]:
    """Codes that nobody can guess, all different, from the operating system's source of chance."""
    codes: set[str] = set()
    while len(codes) < count:
        codes.update(prefix + letters for letters in _letters(max(count - len(codes), _BATCH_MIN)))
    for _ in range(len(codes) - count):
        codes.pop()
    return codes


def normalize(code: str) -> str | None:
    """A code as it is kept, however it was typed: in capitals of normal width, without spaces and hyphens.

    None where it can be none.
    """
    kept = "".join(character for character in unicodedata.normalize("NFKC", code).upper() if character not in " -")
    return kept if LENGTH_MIN <= len(kept) <= LENGTH_MAX and kept.isprintable() else None


def normalized(codes: Iterable[str]) -> dict[str, str]:
    """What was typed by the code that it is; what can be none is left out."""
    kept = {normalize(code): code for code in codes}
    return {code: typed for code, typed in kept.items() if code is not None}


def check_code(code: str, *, field: str) -> str:
    """A code that a merchant has chosen, as it is kept.

    Raises:
        InvalidInput: a text that can't be one.
    """
    kept = normalize(check_text(code, field=field, length_max=LENGTH_MAX))
    if kept is None:
        raise InvalidInput(field=field, reason="TOO_SHORT", limit=str(LENGTH_MIN))
    return kept


def check_prefix(prefix: str | None, *, field: str) -> str:
    """What all codes of a batch begin with, as it is kept.

    Raises:
        InvalidInput: FORBIDDEN_CHARACTER or TOO_LONG.
    """
    kept = "".join(character for character in (prefix or "").upper() if character not in " -")
    if not (kept.isascii() and (kept.isalnum() or not kept)):
        raise InvalidInput(field=field, reason="FORBIDDEN_CHARACTER")
    if len(kept) > PREFIX_LENGTH_MAX:
        raise InvalidInput(field=field, reason="TOO_LONG", limit=str(PREFIX_LENGTH_MAX))
    return kept


def _letters(count: int) -> Iterator[str]:
    """Up to ``count`` codes. Bytes that do not fall evenly on the alphabet are left out: no letter is likelier."""
    kept = secrets.token_bytes(count * LENGTH).translate(_LETTERS, _UNEVEN).decode("ascii")
    for at in range(0, len(kept) - LENGTH + 1, LENGTH):
        yield kept[at : at + LENGTH]
