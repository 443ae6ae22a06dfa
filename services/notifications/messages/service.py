"""Queue a message, and note what became of an attempt to send it."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from services.contracts.events.notifications import NoticeSettled
from services.notifications.channels.domain import Accepted
from services.notifications.messages import repository
from services.notifications.messages.domain import ATTEMPTS_MAX, LEASE, ClaimedMessage, NewMessage, backoff
from services.platform.clock import wall_now
from services.platform.db.session import UnitOfWork
from services.platform.ids import new_id
from services.platform.metering.service import count
from services.platform.outbox.service import publish
from services.platform.telemetry import metrics

RING_GRACE = timedelta(seconds=20)
"""How long a rung worker has before the sweep rings again."""


def queue_messages(uow: UnitOfWork, messages: Iterable[NewMessage]) -> None:
    """Queue messages and ring for them; a notice that has its message already gets no second one."""
    now = wall_now()
    asked = {new_id(): message for message in messages}
    for message_id in repository.insert_messages(uow, asked, now=now, leased_until=now + RING_GRACE):
        uow.ring_after_commit("send_message", tenant_id=str(uow.home.tenant_id), message_id=str(message_id))


def claim_message(uow: UnitOfWork, message_id: UUID) -> ClaimedMessage | None:
    """Take a queued message for one attempt; None when there is nothing to send now."""
    now = wall_now()
    return repository.claim_message(uow, message_id, now=now, leased_until=now + LEASE)


def settle_sent(uow: UnitOfWork, message: ClaimedMessage, accepted: Accepted) -> None:
    """Note that the provider took the message, and count it, once."""
    if repository.mark_sent(uow, message.id, reference=accepted.provider_reference, now=wall_now()):
        count(uow, meter=f"messages.{message.channel}", event_id=message.id)
        _tell(uow, message, "accepted")
    metrics.message_done(message.channel, "sent")


def settle_failed(uow: UnitOfWork, message: ClaimedMessage, *, reason: str, is_final: bool) -> None:
    """Note a failed attempt: the message rests, or is given up."""
    is_exhausted = message.attempts >= ATTEMPTS_MAX
    state = "failed" if is_final else "parked" if is_exhausted else "queued"
    leased_until = wall_now() + backoff(message.attempts)
    metrics.message_done(message.channel, "deferred" if state == "queued" else state)
    is_noted = repository.mark_not_sent(
        uow, message.id, attempts=message.attempts, state=state, leased_until=leased_until, error=reason
    )
    if is_noted and is_final:
        _tell(uow, message, "unreachable")


def _tell(uow: UnitOfWork, message: ClaimedMessage, outcome: str) -> None:
    """Tell whoever asked for the notice what became of it."""
    if message.notice_id is not None:
        publish(uow, NoticeSettled(message.notice_id, message.addressee_id, outcome, message.channel))
