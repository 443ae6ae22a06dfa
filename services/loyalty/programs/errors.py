"""What programs refuse."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
    EXACTLY_ONE = "EXACTLY_ONE"  # [allowed]
    NOT_MULTIPLE = "NOT_MULTIPLE"  # [of]
    TOO_DEEP = "TOO_DEEP"  # [maximum]
    NO_SUCH_DATE = "NO_SUCH_DATE"
    YEAR_OUT_OF_RANGE = "YEAR_OUT_OF_RANGE"  # [minimum, maximum]
    NOT_AFTER = "NOT_AFTER"  # [earlier]
    NOT_APPLICABLE = "NOT_APPLICABLE"  # [needs]: it says nothing where what it needs is not so
    UNKNOWN_UNIT = "UNKNOWN_UNIT"  # [known]
    UNKNOWN_TIER = "UNKNOWN_TIER"  # [known]
    UNKNOWN_EVENT = "UNKNOWN_EVENT"  # [known]
    EXPIRES_BEFORE_ACTIVATION = "EXPIRES_BEFORE_ACTIVATION"
    RATE_MISSING = "RATE_MISSING"
    UNSAFE_PATTERN = "UNSAFE_PATTERN"

    # Of conditions; "rule" is among the facts where it is one of a rule.
    UNKNOWN_FIELD = "UNKNOWN_FIELD"  # [name, nearest]
    FIELD_OF_LINES = "FIELD_OF_LINES"  # [name]
    FIELD_NOT_HERE = "FIELD_NOT_HERE"  # [name, trigger, triggers]
    OPERATOR_NOT_FOR_FIELD = "OPERATOR_NOT_FOR_FIELD"  # [name, type, operator, allowed]
    WRONG_LITERAL = "WRONG_LITERAL"  # [name, type, example]
    CONSTANT_CONDITION = "CONSTANT_CONDITION"  # [answer]
    EXPRESSION_SYNTAX = "EXPRESSION_SYNTAX"  # [line, column, detail]
    EXPRESSION_NAME = "EXPRESSION_NAME"  # [line, column, name, nearest]
    EXPRESSION_TYPES = "EXPRESSION_TYPES"  # [line, column, operator, types]
    EXPRESSION_NOT_ALLOWED = "EXPRESSION_NOT_ALLOWED"  # [line, column, what]
    EXPRESSION_NOT_BOOLEAN = "EXPRESSION_NOT_BOOLEAN"  # [type]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a program document for a sentence: the keys that lead there, and the named part that it lies in.

    ``part`` is the key of the list to which that part belongs, such as ``rules``, and ``code`` its id or code; the
    names are empty where it has none. ``steps`` lead on from there, from the document where ``part`` is empty.
    """

    steps: tuple[str, ...]
    part: str = ""
    code: str = ""
    name_en: str = ""
    name_zh: str = ""


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """One problem of a program document: where (a JSON pointer, RFC 6901), what, and the facts for a sentence."""

    path: str
    code: ProblemCode
    facts: Mapping[str, str | int] = field(default_factory=dict)
    place: Place = field(default=Place(()), compare=False)


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
    """A point unit that members have points of must stay, with its scale; the first unit and the currency as well."""

    field: str
    expected: str
    given: str


@dataclass(eq=False)
class ProgramVersionNotFound(ProgramError):
    """No version of the program has this number."""

    number: int


@dataclass(eq=False)
class ProgramVersionBegun(ProgramError):
    """The version has begun; publish another one in its place, or roll back."""

    number: int
    effective_from: datetime


@dataclass(eq=False)
class ProgramStartsInPast(ProgramError):
    """A version can begin now or later, not before."""

    effective_from: datetime
