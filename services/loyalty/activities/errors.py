"""What activities refuse. Members, stores, programs, earning and the ledger refuse by their own errors."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.platform.errors import DomainError


class ActivityError(DomainError):
    """A refusal concerning activities."""


@dataclass(eq=False)
class ActivityConflict(ActivityError):
    """The external id belongs to an activity with other content."""

    external_id: str
    activity_id: UUID


@dataclass(eq=False)
class ActivityRepeated(ActivityError):
    """It counts once, and has been recorded under another external id: a check-in of the day, an answer, a review."""

    kind: str
    activity_id: UUID


@dataclass(eq=False)
class CheckInCodeInvalid(ActivityError):
    """The code was not made for this merchant."""


@dataclass(eq=False)
class CheckInCodeExpired(ActivityError):
    """The code is not shown any more; the store shows another by now."""

    expired_at: datetime


@dataclass(eq=False)
class ProductNotBought(ActivityError):
    """The member has not bought what is reviewed, or has given all of it back."""

    sku: str


@dataclass(eq=False)
class EventNotDeclared(ActivityError):
    """The program in force then declares no such event."""

    event: str


@dataclass(eq=False)
class EventDataInvalid(ActivityError):
    """The data is not what the event's JSON Schema asks for.

    ``paths`` are JSON pointers (RFC 6901) into the data, ``reasons`` what is wrong there, in the same order.
    """

    event: str
    paths: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(eq=False)
class ShareNotFound(ActivityError):
    """No share has this link."""
