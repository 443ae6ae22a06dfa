"""What cards refuse. Members refuse by their own errors."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.platform.errors import DomainError


class CardError(DomainError):
    """A refusal concerning cards."""


@dataclass(eq=False)
class CardCodeInvalid(CardError):
    """The code was not made for this merchant, or was not read whole."""


@dataclass(eq=False)
class CardCodeExpired(CardError):
    """The code is shown no more, such as on a picture of a phone's screen; or the phone's clock is far ahead."""

    expired_at: datetime


@dataclass(eq=False)
class CardLinkInvalid(CardError):
    """The link is unknown, was opened on another device, has ended or was revoked: the member asks for a new one."""


@dataclass(eq=False)
class CardNumbersExhausted(CardError):
    """The member has as many ways to be found as a member can have, and a card's number is one more."""

    member_id: UUID
    maximum: int


@dataclass(eq=False)
class PassIssuerInvalid(CardError):
    """A certificate or key with which no pass can be signed; ``reason`` is a code that says why."""

    field: str
    reason: str


@dataclass(eq=False)
class PassIssuerMissing(CardError):
    """The merchant has given no certificate or key for passes of this kind."""

    kind: str
