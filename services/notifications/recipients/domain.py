"""How members are reached."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Recipient:
    """A member's addresses, language (BCP 47) and IANA timezone."""

    member_id: UUID
    name: str | None
    email: str | None
    phone: str | None
    locale: str
    timezone: str
