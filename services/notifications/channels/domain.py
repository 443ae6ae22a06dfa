"""What travels to a provider, and what it answers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ChannelKind(StrEnum):
    """The ways to reach somebody."""

    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class OutgoingEmail:
    """One e-mail to one person.

    ``message_id_header`` is the complete ``<left@right>`` and stays the same in every attempt, so that a receiver can
    tell a repeat. ``sent_at`` (aware) becomes the Date header. ``locale`` is a BCP 47 tag. ``headers`` are additional
    ones, such as List-Unsubscribe.
    """

    message_id_header: str
    sender: str
    sender_name: str
    recipient: str
    subject: str
    html: str
    text: str
    locale: str
    sent_at: datetime
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has taken responsibility. ``provider_reference`` is its own name for the message, or its answer."""

    provider_reference: str
