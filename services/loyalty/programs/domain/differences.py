"""What changes from one program document to another, part by part and by their codes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.loyalty.programs.domain.declaration import DOCUMENT
from services.loyalty.programs.domain.document import ProgramDocument
from services.loyalty.programs.domain.parsing import document_json
from services.loyalty.programs.domain.places import place_of
from services.loyalty.programs.domain.reading import pointer
from services.loyalty.programs.errors import Place


class ChangeKind(StrEnum):
    """What became of the thing at a place."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: ``path`` is like a JSON pointer, with the codes of parts in place of their numbers.

    ``before`` and ``after`` are JSON, None where nothing stands. A member that is not written counts with its
    default, so that writing the default out changes nothing.
    """

    kind: ChangeKind
    path: str
    place: Place
    before: Any
    after: Any


def differences(before: ProgramDocument, after: ProgramDocument) -> tuple[Change, ...]:
    """Everything that differs, in the order of the document; nothing for documents that mean the same."""
    old, new = document_json(before), document_json(after)
    return tuple(
        Change(
            kind=_kind(found.before, found.after),
            path=pointer("", found.steps),
            place=place_of(found.steps, (new, old)),
            before=found.before,
            after=found.after,
        )
        for found in DOCUMENT.differences(before, after, ())
    )


def _kind(before: Any, after: Any) -> ChangeKind:
    if before is None:
        return ChangeKind.ADDED
    return ChangeKind.REMOVED if after is None else ChangeKind.CHANGED
