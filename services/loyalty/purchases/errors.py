"""What purchases refuse. Stores, members, earning and the ledger refuse by their own errors."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.platform.errors import DomainError


class PurchaseError(DomainError):
    """A refusal concerning purchases."""


@dataclass(eq=False)
class PurchaseNotFound(PurchaseError):
    """The tenant has no such purchase."""

    purchase_id: UUID | None = None
    external_id: str | None = None


@dataclass(eq=False)
class PurchaseConflict(PurchaseError):
    """The external id belongs to a purchase with other content."""

    external_id: str
    purchase_id: UUID


@dataclass(eq=False)
class RefundConflict(PurchaseError):
    """The external id belongs to a refund with other content."""

    external_id: str
    refund_id: UUID


@dataclass(eq=False)
class RefundByAnotherMember(PurchaseError):
    """The one who returns is not the one who bought."""

    purchase_id: UUID


@dataclass(eq=False)
class OccurredInFuture(PurchaseError):
    """It cannot have happened yet; ``latest`` allows for clocks that differ."""

    occurred_at: datetime
    latest: datetime


@dataclass(eq=False)
class OccurredTooLongAgo(PurchaseError):
    """It happened before what the program's back-dating limit allows, or was refunded before it was bought."""

    occurred_at: datetime
    earliest: datetime


@dataclass(eq=False)
class PurchaseVoided(PurchaseError):
    """The purchase was voided: nothing can happen to it any more."""

    purchase_id: UUID


@dataclass(eq=False)
class PurchaseAlreadyRefunded(PurchaseError):
    """Something of the purchase has come back, so that it cannot be rung up anew."""

    purchase_id: UUID


@dataclass(eq=False)
class PurchaseAlreadyClaimed(PurchaseError):
    """The receipt belongs to a member, who may be the one who asks."""

    purchase_id: UUID
