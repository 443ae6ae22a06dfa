"""Words that members read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """One text in the languages of the product."""

    en: str
    zh: str
