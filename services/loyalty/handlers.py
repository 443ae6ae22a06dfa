"""What this service hears, and what it does then."""

from collections.abc import Mapping

from services.contracts.events.base import Envelope, Event
from services.contracts.events.notifications import NoticeSettled
from services.loyalty.expiry import service as expiry
from services.loyalty.tiers import service as tiers
from services.platform.db.session import UnitOfWork
from services.platform.inbox.service import Handler


def handlers() -> Mapping[type[Event], Handler]:
    """The handler of each event."""
    return {NoticeSettled: on_notice_settled}


def on_notice_settled(uow: UnitOfWork, envelope: Envelope) -> None:
    """Note what became of a notice that points end, or that a tier does: each knows its own."""
    event = envelope.event
    assert isinstance(event, NoticeSettled)
    expiry.settle_notice(uow, notice_id=event.notice_id, outcome=event.outcome)
    tiers.settle_notice(uow, notice_id=event.notice_id, outcome=event.outcome)
