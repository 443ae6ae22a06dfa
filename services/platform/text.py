"""Texts that people type: what may be stored of them, and lists of them in files."""

import csv
import unicodedata
from collections.abc import Collection
from io import StringIO

from services.platform.errors import InvalidInput

TEXT_LENGTH_MAX = 200
"""Characters of a name, a code or a reason."""

_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs"})
"""Control characters (NUL among them) and halves of surrogate pairs; emoji and their joiners are welcome."""


def check_text(value: str, *, field: str, length_max: int = TEXT_LENGTH_MAX) -> str:
    """The text without white space at its ends.

    Raises:
        InvalidInput: BLANK, TOO_LONG or FORBIDDEN_CHARACTER.
    """
    text = value.strip()
    # Most texts are plain, and seen to be so at once.
    is_plain = value.isascii() and value.isprintable()
    if not is_plain and any(unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in value):
        raise InvalidInput(field=field, reason="FORBIDDEN_CHARACTER")
    if not text:
        raise InvalidInput(field=field, reason="BLANK")
    if len(text) > length_max:
        raise InvalidInput(field=field, reason="TOO_LONG", limit=str(length_max))
    return text


def check_optional_text(value: str | None, *, field: str, length_max: int = TEXT_LENGTH_MAX) -> str | None:
    """The text as `check_text` gives it; None for None and for a blank.

    Raises:
        InvalidInput: TOO_LONG or FORBIDDEN_CHARACTER.
    """
    if value is None or not value.strip(" "):
        return None
    return check_text(value, field=field, length_max=length_max)


def first_column(text: str, *, field: str, headers: Collection[str], count_max: int) -> list[str]:
    """What stands in the first column of a CSV file, without white space at the ends; blank lines say nothing.

    A first line that says one of ``headers``, in whatever case, is no value.

    Raises:
        InvalidInput: FORBIDDEN_CHARACTER where it is no CSV, COUNT_OUT_OF_RANGE where nothing is in it or too much.
    """
    try:
        rows = [row[0].strip() for row in csv.reader(StringIO(text.removeprefix("\ufeff")), strict=True) if row]
    except csv.Error as error:
        raise InvalidInput(field=field, reason="FORBIDDEN_CHARACTER") from error
    if rows and rows[0].lower() in headers:
        rows = rows[1:]
    values = [value for value in rows if value]
    if not 0 < len(values) <= count_max:
        raise InvalidInput(field=field, reason="COUNT_OUT_OF_RANGE", limit=str(count_max))
    return values
