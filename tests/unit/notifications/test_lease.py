from services.notifications.channels.email.smtp import CONVERSATION_SECONDS_MAX
from services.notifications.messages.domain import LEASE
from services.notifications.messages.tasks import SWEEP_EVERY

RESENT_SECONDS_MAX = 120
"""So long after its worker was killed a message has gone out at the latest."""


def test_a_message_is_nobodys_only_when_its_sender_has_given_up() -> None:
    assert LEASE.total_seconds() > CONVERSATION_SECONDS_MAX


def test_what_a_killed_worker_held_is_sent_in_time() -> None:
    assert (LEASE + SWEEP_EVERY).total_seconds() + CONVERSATION_SECONDS_MAX / 2 < RESENT_SECONDS_MAX
