"""Sentences for codes: every refusal is told in the reader's language, from one gettext catalog per language.

A message id is a code, or a code and a variant (``INVALID_INPUT.ID_MALFORMED``); a sentence may name the refusal's
facts in braces.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

from services.gateway.context.request import Locale
from services.loyalty.programs.domain import LocalizedText
from services.platform.errors import DomainError
from services.platform.money import Money

FOLDER = Path(__file__).parent / "sentences"

VARIANT_FACTS = ("reason", "dimension")
"""Facts that choose a sentence of their own where there is one."""


@lru_cache(maxsize=len(Locale))
def catalog(locale: Locale) -> Mapping[str, str]:
    """All sentences of one language, by message id."""
    with (FOLDER / f"{locale}.po").open("rb") as file:
        messages = read_po(file, locale=locale)
    return {str(message.id): str(message.string) for message in messages if message.id}


def sentence(error: DomainError, locale: Locale) -> str:
    """What a person is told about a refusal.

    Raises:
        LookupError: the code has no sentence, which a test rules out.
    """
    sentences = catalog(locale)
    facts = error.facts()
    template = sentences[error.code]
    for name in VARIANT_FACTS:
        template = sentences.get(f"{error.code}.{facts.get(name)}", template)
    return template.format(**{name: _shown(value, locale) for name, value in facts.items()})


def _shown(value: object, locale: Locale) -> str:
    if isinstance(value, LocalizedText):
        return value.zh if locale is Locale.ZH else value.en
    if isinstance(value, Money):
        return f"{value.major()} {value.currency}"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, tuple):
        return ", ".join(_shown(item, locale) for item in value)
    return str(value)
