"""Facts of the platform. Those with a ``tenant_id`` are copied to that tenant's home by the relay."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.contracts.events.base import Event


@dataclass(frozen=True, slots=True)
class StaffInvited(Event):
    """A role was offered to an e-mail address. The link's token is signed from the id when the e-mail is made."""

    tenant_id: UUID
    invitation_id: UUID
    email: str
    role: str
    merchant_name: str
    inviter_name: str
    locale: str
    expires_at: datetime
