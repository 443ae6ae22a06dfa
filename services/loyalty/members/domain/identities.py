"""How members can be found: the one form of each identity."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import phonenumbers
from babel.core import get_global

from services.loyalty.members.errors import IdentityInvalid
from services.platform.errors import InvalidInput
from services.platform.text import check_text

IDENTITIES_MAX = 10
EMAIL_LENGTH_MAX = 254
CODE_LENGTH_MAX = 100

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


@dataclass(frozen=True, slots=True)
class Identity:
    """A way to find a member. As stored: phone in E.164, e-mail in lower case, the others as written."""

    kind: IdentityKind
    value: str


MemberRef = UUID | Identity
"""A member by id or by one identity, as a till knows it."""


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
