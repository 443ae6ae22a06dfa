"""What cases refuse. Purchases, earning, members and stores refuse by their own errors."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.errors import DomainError


class CaseError(DomainError):
    """A refusal concerning cases."""


@dataclass(eq=False)
class CaseNotFound(CaseError):
    """The tenant, or what of it the caller may see, has no such case."""

    case_id: UUID


@dataclass(eq=False)
class CaseMoveRefused(CaseError):
    """A case of this kind does not go from ``status`` to ``to_status``, or not by this verb."""

    case_id: UUID
    status: str
    to_status: str


@dataclass(eq=False)
class TooManyOpenCases(CaseError):
    """The member has opened as many cases as may be open at once; ``maximum`` is how many."""

    member_id: UUID
    maximum: int


@dataclass(eq=False)
class CaseFull(CaseError):
    """So much has been written about the case that nothing more is taken; ``maximum`` is the most."""

    case_id: UUID
    maximum: int
