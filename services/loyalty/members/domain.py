"""Members as values, and the one form of each identity."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from uuid import UUID

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.core import get_global

from services.loyalty.members.errors import IdentityInvalid
from services.platform.errors import InvalidInput
from services.platform.text import check_text

IDENTITIES_MAX = 10
EMAIL_LENGTH_MAX = 254
CODE_LENGTH_MAX = 100
EARLIEST_BIRTHDAY = date(1900, 1, 1)

# A dot-atom at a host name (RFC 5322, 3.2.3; RFC 1123, 2.1): what every mail server takes.
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_LOCAL_PART_MAX = 64


class IdentityKind(StrEnum):
    """How a member can be found."""

    PHONE = "phone"
    EMAIL = "email"
    CARD = "card"
    EXTERNAL = "external"


class MemberStatus(StrEnum):
    """An inactive member earns nothing and spends nothing."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class Unchanged(Enum):
    """Stands for a field that an update leaves as it is."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True)
class Identity:
    """A way to find a member. As stored: phone in E.164, e-mail in lower case, the others as written."""

    kind: IdentityKind
    value: str


MemberRef = UUID | Identity
"""A member by id or by one identity, as a till knows it."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person in the program. ``identities`` are ordered by kind, then value."""

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

    @property
    def is_active(self) -> bool:
        return self.status is MemberStatus.ACTIVE

    def identity(self, kind: IdentityKind) -> str | None:
        """The first identity of a kind."""
        return next((identity.value for identity in self.identities if identity.kind is kind), None)


@dataclass(frozen=True, slots=True)
class EnrollMember:
    """A person joins. ``locale`` is a BCP 47 tag; without ``timezone`` the store's is taken, then the program's.

    ``request_hash`` is `idempotency.request_hash` of the client's input.
    """

    identities: tuple[Identity, ...]
    locale: str
    idempotency_key: str
    request_hash: bytes
    name: str | None = None
    birthday: date | None = None
    timezone: str | None = None
    store_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EnrolledMember:
    """The answer to `EnrollMember`."""

    member_id: UUID
    replayed: bool


@dataclass(frozen=True, slots=True)
class UpdateMember:
    """Change what is given. ``identities``, when given, replace all that there are."""

    member_id: UUID
    name: str | Unchanged | None = UNCHANGED
    birthday: date | Unchanged | None = UNCHANGED
    locale: str | Unchanged = UNCHANGED
    timezone: str | Unchanged = UNCHANGED
    identities: tuple[Identity, ...] | Unchanged = UNCHANGED


def normalize_identities(identities: Sequence[Identity], *, region: str | None) -> tuple[Identity, ...]:
    """The identities in their stored form, each once, in the order of kind and value.

    Raises:
        IdentityInvalid: see `normalize_identity`.
        InvalidInput: none is given, or more than ``IDENTITIES_MAX``.
    """
    if not 0 < len(identities) <= IDENTITIES_MAX:
        raise InvalidInput(field="identities", reason="COUNT_OUT_OF_RANGE", limit=str(IDENTITIES_MAX))
    normalized = {
        normalize_identity(identity, region=region, field=f"identities.{index}.value")
        for index, identity in enumerate(identities)
    }
    return tuple(sorted(normalized, key=lambda identity: (identity.kind, identity.value)))


def normalize_identity(identity: Identity, *, region: str | None, field: str = "value") -> Identity:
    """The identity in its stored form; ``region`` (ISO 3166) is where a phone number without ``+`` is dialed.

    Raises:
        IdentityInvalid: it is none of its kind.
        InvalidInput: a card or an external id that is blank, too long or holds control characters.
    """
    value: str | None = None
    match identity.kind:
        case IdentityKind.PHONE:
            value = _phone(identity.value, region)
        case IdentityKind.EMAIL:
            value = _email(identity.value)
        case IdentityKind.CARD | IdentityKind.EXTERNAL:
            value = check_text(identity.value, field=field, length_max=CODE_LENGTH_MAX)
    if value is None:
        raise IdentityInvalid(field=field, kind=identity.kind.value)
    return Identity(identity.kind, value)


def region_of(timezone: str) -> str | None:
    """The country (ISO 3166) of an IANA time zone by CLDR, which tells how local phone numbers are read."""
    region: str | None = get_global("zone_territories").get(timezone)
    # "ZZ" and "001" (the world) are no country: zones such as UTC have none.
    return None if region in {"ZZ", "001"} else region


def check_locale(locale: str) -> str:
    """The BCP 47 tag, if CLDR knows it.

    Raises:
        InvalidInput: UNKNOWN_LOCALE
    """
    tag = locale.strip().replace("_", "-")
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError) as error:
        raise InvalidInput(field="locale", reason="UNKNOWN_LOCALE") from error
    return tag


def check_birthday(birthday: date | None, *, today: date) -> date | None:
    """A birthday that a living person can have.

    Raises:
        InvalidInput: OUT_OF_RANGE
    """
    if birthday is not None and not EARLIEST_BIRTHDAY <= birthday <= today:
        raise InvalidInput(field="birthday", reason="OUT_OF_RANGE", limit=EARLIEST_BIRTHDAY.isoformat())
    return birthday


def _phone(value: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    # Possible, not valid: numbering plans change faster than the library's data.
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(value: str) -> str | None:
    address = value.strip().lower()
    local, _, _ = address.partition("@")
    if len(address) > EMAIL_LENGTH_MAX or len(local) > _LOCAL_PART_MAX or not _EMAIL.fullmatch(address):
        return None
    return address
