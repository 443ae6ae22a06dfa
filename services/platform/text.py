"""Texts that people type: what may be stored of them."""

import unicodedata

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
