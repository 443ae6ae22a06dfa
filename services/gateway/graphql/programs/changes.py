"""What changes from one program document to another, as clients see it."""

from typing import Self

import strawberry

from services.gateway.context.request import Locale
from services.gateway.graphql.programs.wording import change_message
from services.gateway.graphql.scalars import JsonDocument
from services.loyalty.programs.domain.differences import Change, ChangeKind


@strawberry.type(description="One difference between two program documents. Writing a default out is none.")
class ProgramChange:
    kind: ChangeKind = strawberry.field(description="What became of the thing at this place.")
    path: str = strawberry.field(
        description="Where: like a JSON pointer, with codes in place of numbers, such as `/rules/base/formula/fixed`."
    )
    before: JsonDocument | None = strawberry.field(description="What stood there; null where nothing did.")
    after: JsonDocument | None = strawberry.field(description="What stands there; null where nothing does.")
    message: str = strawberry.field(
        description="The change as a sentence, in Chinese or English after the header Accept-Language."
    )

    @classmethod
    def from_domain(cls, change: Change, locale: Locale) -> Self:
        """The change as clients see it."""
        return cls(
            kind=change.kind,
            path=change.path,
            before=None if change.before is None else JsonDocument(change.before),
            after=None if change.after is None else JsonDocument(change.after),
            message=change_message(change, locale),
        )
