"""What transfers refuse. Points, members and programs refuse by their own errors."""

from dataclasses import dataclass
from uuid import UUID

from services.platform.errors import DomainError


class TransferError(DomainError):
    """A refusal concerning transfers."""


@dataclass(eq=False)
class TransfersNotAllowed(TransferError):
    """The program does not let members give points to each other."""


@dataclass(eq=False)
class TransferToSelf(TransferError):
    """Giver and receiver are one member."""

    member_id: UUID


@dataclass(eq=False)
class TransferOutOfRange(TransferError):
    """One transfer may be of ``minimum`` to ``maximum`` points (None: no most)."""

    minimum: int
    maximum: int | None


@dataclass(eq=False)
class TransferLimitReached(TransferError):
    """The member may give ``day_maximum`` points a day in the program's zone, and has given ``given_today``."""

    day_maximum: int
    given_today: int
