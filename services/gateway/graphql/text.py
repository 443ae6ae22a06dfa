"""Texts in the languages of the product."""

from typing import Self

import strawberry

from services.loyalty.programs.domain import LocalizedText


@strawberry.type(name="LocalizedText", description="One text in the languages of the product.")
class LocalizedTextType:
    en: str = strawberry.field(description="In English.")
    zh: str = strawberry.field(description="In Chinese.")

    @classmethod
    def from_domain(cls, text: LocalizedText) -> Self:
        """The text as clients see it."""
        return cls(en=text.en, zh=text.zh)


@strawberry.input(description="One text in the languages of the product.")
class LocalizedTextInput:
    en: str = strawberry.field(description="In English.")
    zh: str = strawberry.field(description="In Chinese.")
