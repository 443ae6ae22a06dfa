"""What this service hears, and what it does then."""

from collections.abc import Mapping

from services.contracts.events.base import Envelope, Event
from services.contracts.events.notifications import NoticeSettled
from services.loyalty.expiry.service import settle_notice
from services.platform.db.session import UnitOfWork
from services.platform.inbox.service import Handler


def handlers() -> Mapping[type[Event], Handler]:
    """The handler of each event."""
    return {NoticeSettled: on_notice_settled}


def on_notice_settled(uow: UnitOfWork, envelope: Envelope) -> None:
    """Note what became of a notice that points end."""
    event = envelope.event
    assert isinstance(event, NoticeSettled)
    settle_notice(uow, notice_id=event.notice_id, outcome=event.outcome)
