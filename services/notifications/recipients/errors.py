"""Why a member can't be written to yet."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.inbox.errors import LetterTooEarly


@dataclass(eq=False)
class RecipientUnknown(LetterTooEarly):
    """The letter that tells how to reach the member has not come yet; the one at hand waits for it."""

    member_id: UUID
