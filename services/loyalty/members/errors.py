"""What members refuse."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.errors import DomainError


class MemberError(DomainError):
    """A refusal concerning members."""


@dataclass(eq=False)
class MemberNotFound(MemberError):
    """No member has this id or identity. An identity is not repeated: the asker knows it."""

    member_id: UUID | None = None


@dataclass(eq=False)
class MemberInactive(MemberError):
    """The member has been deactivated."""

    member_id: UUID


@dataclass(eq=False)
class IdentityTaken(MemberError):
    """The identity belongs to another member. ``kind`` is phone, email, card or external."""

    kind: str


@dataclass(eq=False)
class IdentityInvalid(MemberError):
    """The value is no identity of its kind. ``field`` is the input path."""

    field: str
    kind: str
