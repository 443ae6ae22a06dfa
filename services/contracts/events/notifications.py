"""Facts of the notifications service."""

from dataclasses import dataclass
from uuid import UUID

from services.contracts.events.base import Event


@dataclass(frozen=True, slots=True)
class NoticeSettled(Event):
    """What became of a notice that a letter asked for as ``notice_id``.

    ``outcome`` is ``accepted`` (an external channel took it) or ``unreachable``: its addressee has no address, or the
    channel refused it for good. Of a notice that a channel may take yet there is no letter.
    """

    notice_id: UUID
    member_id: UUID
    outcome: str
    channel: str | None = None
