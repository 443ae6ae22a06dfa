"""The draft, its versions, and the commands that change them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.loyalty.programs.domain.document import PointUnit, ProgramDocument
from services.loyalty.programs.domain.text import LocalizedText
from services.platform.actors import Actor


@dataclass(frozen=True, slots=True)
class ProgramDraft:
    """The document that the merchant is editing, as valid JSON. ``revision`` grows by one with each save."""

    document: Mapping[str, Any]
    revision: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ProgramVersion:
    """A published document, in force from ``effective_from`` until the next version's.

    ``restores_number`` is the older version whose document it publishes again.
    """

    id: UUID
    number: int
    document: ProgramDocument
    effective_from: datetime
    restores_number: int | None = None

    def __hash__(self) -> int:
        # A whole document would be hashed each time that something is looked up by its version.
        return hash(self.id)


@dataclass(frozen=True, slots=True)
class PublishedVersion:
    """A version as the merchant sees it in the history, with who published it.

    ``document`` is in canonical JSON. ``restores_number`` is the older version whose document it publishes again;
    ``withdrawn_at`` says that it was taken back before it began.
    """

    id: UUID
    number: int
    document: Mapping[str, Any]
    effective_from: datetime
    published_at: datetime
    actor: Actor
    restores_number: int | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SaveProgramDraft:
    """Store a whole document as the draft. ``revision`` is the one that was edited; None when there was no draft."""

    document: Mapping[str, Any]
    revision: int | None


@dataclass(frozen=True, slots=True)
class ApplyProgramTemplate:
    """Make a template's document the draft, in place of what is there, and publish it when ``publish`` says so."""

    key: str
    currency: str
    timezone: str
    publish: bool = False


@dataclass(frozen=True, slots=True)
class AppliedTemplate:
    """The draft made of a template, and its version where it was published."""

    draft: ProgramDraft
    version: ProgramVersion | None


@dataclass(frozen=True, slots=True)
class PublishProgram:
    """Publish the draft as it was at ``revision``, from ``effective_from`` on; None: from now on."""

    revision: int
    effective_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class RollBackProgram:
    """Publish the document of the version ``number`` again, from ``effective_from`` on; None: from now on."""

    number: int
    effective_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class WithdrawProgramVersion:
    """Take back the version ``number``, which has not begun."""

    number: int


UNIT_BEFORE_PROGRAM = PointUnit(code="", name=LocalizedText(en="points", zh="积分"), scale=0)
"""How a merchant's points are spoken of before the first program is published."""


def unit_of(version: ProgramVersion | None) -> PointUnit:
    """The point unit of a version, for words in letters."""
    return UNIT_BEFORE_PROGRAM if version is None else version.document.unit
