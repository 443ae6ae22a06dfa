"""Members as values, and the commands that change them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, StrEnum
from uuid import UUID

from services.loyalty.members.domain.identities import Identity, IdentityKind


class MemberStatus(StrEnum):
    """An inactive member earns nothing and spends nothing."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class Unchanged(Enum):
    """Stands for a field that an update leaves as it is."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True)
class Member:
    """A person in the program. ``identities`` are ordered by kind, then value; ``tags`` by their letters.

    ``fields`` are the merchant's own (`profile.FieldValue`) by code. ``birthday_changed_at`` is when the birthday was
    given or changed after enrollment; ``profile_completed_at`` when the profile was complete for the first time.
    """

    id: UUID
    name: str | None
    birthday: date | None
    locale: str
    timezone: str
    status: MemberStatus
    enrolled_at: datetime
    enrolled_store_id: UUID | None
    updated_at: datetime
    identities: tuple[Identity, ...]
    tags: tuple[str, ...] = ()
    fields: Mapping[str, bool | int | str] = field(default_factory=dict)
    is_referred: bool = False
    birthday_changed_at: datetime | None = None
    profile_completed_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        return self.status is MemberStatus.ACTIVE

    def identity(self, kind: IdentityKind) -> str | None:
        """The first identity of a kind."""
        return next((identity.value for identity in self.identities if identity.kind is kind), None)


@dataclass(frozen=True, slots=True)
class Earner:
    """What rules may know of a member."""

    member_id: UUID
    status: MemberStatus
    locale: str
    timezone: str
    birthday: date | None
    enrolled_at: datetime
    tags: tuple[str, ...]
    fields: Mapping[str, bool | int | str]
    is_referred: bool
    birthday_changed_at: datetime | None

    @property
    def is_active(self) -> bool:
        return self.status is MemberStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class EnrollMember:
    """A person joins. ``locale`` is a BCP 47 tag; without ``timezone`` the store's is taken, then the program's.

    ``referral_code`` is that of the member whom the person followed. ``request_hash`` is `idempotency.request_hash` of
    the client's input.
    """

    identities: tuple[Identity, ...]
    locale: str
    idempotency_key: str
    request_hash: bytes
    name: str | None = None
    birthday: date | None = None
    timezone: str | None = None
    store_id: UUID | None = None
    tags: tuple[str, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict)
    referral_code: str | None = None


@dataclass(frozen=True, slots=True)
class EnrolledMember:
    """The answer to `EnrollMember`."""

    member_id: UUID
    replayed: bool


@dataclass(frozen=True, slots=True)
class UpdateMember:
    """Change what is given. ``identities`` and ``tags``, when given, replace all that there are.

    ``fields`` are changed one by one; None removes a value.
    """

    member_id: UUID
    name: str | Unchanged | None = UNCHANGED
    birthday: date | Unchanged | None = UNCHANGED
    locale: str | Unchanged = UNCHANGED
    timezone: str | Unchanged = UNCHANGED
    identities: tuple[Identity, ...] | Unchanged = UNCHANGED
    tags: tuple[str, ...] | Unchanged = UNCHANGED
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TagMember:
    """Tags to add to a member's, and tags to take away; a tag in both is taken away."""

    member_id: UUID
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
