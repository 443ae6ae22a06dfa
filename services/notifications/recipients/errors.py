"""Refusals about recipients."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.errors import DomainError


@dataclass(eq=False)
class RecipientUnknown(DomainError):
    """The letter that tells how to reach the member has not come yet; the one at hand waits for it."""

    member_id: UUID
