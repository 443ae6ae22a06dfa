"""What programs refuse."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.platform.errors import DomainError


class ProgramError(DomainError):
    """A refusal concerning programs."""


class ProblemCode(StrEnum):
    """What can be wrong at one place of a program document; the facts that go with it are named in brackets."""

    MISSING = "MISSING"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    WRONG_TYPE = "WRONG_TYPE"  # [expected]
    TOO_SMALL = "TOO_SMALL"  # [minimum]
    TOO_LARGE = "TOO_LARGE"  # [maximum]
    BLANK = "BLANK"
    TOO_LONG = "TOO_LONG"  # [maximum]
    FORBIDDEN_CHARACTER = "FORBIDDEN_CHARACTER"  # control characters and halves of surrogate pairs
    BAD_FORMAT = "BAD_FORMAT"  # [pattern]
    NOT_ALLOWED = "NOT_ALLOWED"  # [allowed]
    TOO_FEW = "TOO_FEW"  # [minimum]
    TOO_MANY = "TOO_MANY"  # [maximum]
    DUPLICATE = "DUPLICATE"  # [first]
    UNSUPPORTED_VERSION = "UNSUPPORTED_VERSION"  # [supported]
    UNKNOWN_TIMEZONE = "UNKNOWN_TIMEZONE"
    UNKNOWN_CURRENCY = "UNKNOWN_CURRENCY"
    NOT_ZERO = "NOT_ZERO"
    NOT_ASCENDING = "NOT_ASCENDING"  # [previous]


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """One problem of a program document: where (a JSON pointer, RFC 6901), what, and the facts for a sentence."""

    path: str
    code: ProblemCode
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(eq=False)
class ProgramDocumentInvalid(ProgramError):
    """A program document that cannot be used, with its problems in the order of the document (at most 200)."""

    problems: tuple[DocumentProblem, ...]


@dataclass(eq=False)
class TemplateUnknown(ProgramError):
    """No program template has this key."""

    key: str


@dataclass(eq=False)
class TierNotInProgram(ProgramError):
    """The program version has no tier with this code."""

    tier_code: str


@dataclass(eq=False)
class ProgramNotPublished(ProgramError):
    """The tenant has published no program yet."""


@dataclass(eq=False)
class ProgramDraftNotFound(ProgramError):
    """There is no draft to publish."""


@dataclass(eq=False)
class ProgramDraftChanged(ProgramError):
    """Somebody else has saved the draft since the given revision; ``actual_revision`` is None without a draft."""

    given_revision: int | None
    actual_revision: int | None


@dataclass(eq=False)
class ProgramUnitFixed(ProgramError):
    """The point unit (code and scale) and the currency cannot change once members have points of them."""

    field: str
    expected: str
    given: str
