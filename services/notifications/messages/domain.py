"""A message and the states it goes through: queued, then sent, failed (refused for good) or parked (too many tries)."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.notifications.channels.domain import ChannelKind
from services.notifications.templates.domain import Locale, TemplateKey

ATTEMPTS_MAX = 12
"""With `backoff` they span about two and a half hours."""
LEASE = timedelta(seconds=60)
"""Longer than a provider's whole conversation may last; after it the sweep takes the sender for dead."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be queued. ``addressee_id`` is the member (or the invitation), ``notice_key`` what it is about.

    Under ``notice_id`` whoever asked for it is told what became of it.
    """

    addressee_id: UUID
    notice_key: str
    channel: ChannelKind
    template: TemplateKey
    locale: Locale
    address: str
    variables: dict[str, str]
    notice_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A queued message that this worker alone may send now."""

    id: UUID
    channel: ChannelKind
    template: TemplateKey
    locale: Locale
    address: str
    variables: dict[str, str]
    attempts: int
    correlation_id: str
    """Of the request that the message comes of."""
    addressee_id: UUID
    notice_id: UUID | None


def backoff(attempts: int) -> timedelta:
    """How long a message rests after its n-th failed attempt: 5, 10, 20 … seconds, one hour at most."""
    return timedelta(seconds=min(5 * 2 ** (attempts - 1), 3600))
