"""The SQL of messages."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from psycopg.types.json import Jsonb

from services.notifications.channels.domain import ChannelKind
from services.notifications.messages.domain import ATTEMPTS_MAX, ClaimedMessage, NewMessage
from services.notifications.templates.domain import Locale, TemplateKey
from services.platform.db.session import UnitOfWork

# One message for a notice, addressee and channel, whatever is delivered twice.
INSERT = """
INSERT INTO messages (id, addressee_id, notice_key, channel, template, locale, address, variables, state, attempts,
    leased_until, correlation_id, created_at, notice_id)
SELECT id, addressee_id, notice_key, channel, template, locale, address, variables, 'queued', 0,
    %(leased_until)s::timestamptz, %(correlation_id)s, %(now)s::timestamptz, notice_id
FROM jsonb_to_recordset(%(rows)s) AS rows (id uuid, addressee_id uuid, notice_key text, channel text, template text,
    locale text, address text, variables jsonb, notice_id uuid)
ON CONFLICT (notice_key, channel, addressee_id) DO NOTHING RETURNING id"""
CLAIM = """
UPDATE messages SET attempts = attempts + 1, leased_until = %(leased_until)s
WHERE id = %(id)s AND state = 'queued' AND attempts < %(attempts_max)s
AND (attempts = 0 OR leased_until <= %(now)s)
RETURNING id, channel, template, locale, address, variables, attempts, correlation_id, addressee_id, notice_id"""
PARK_EXHAUSTED = """
UPDATE messages SET state = 'parked'
WHERE id = %(id)s AND state = 'queued' AND attempts >= %(attempts_max)s AND leased_until <= %(now)s"""
SENT = """
UPDATE messages SET state = 'sent', provider_reference = %(reference)s, sent_at = %(now)s, last_error = NULL
WHERE id = %(id)s AND state <> 'sent'"""
NOT_SENT = """
UPDATE messages SET state = %(state)s, leased_until = %(leased_until)s, last_error = %(error)s
WHERE id = %(id)s AND state = 'queued' AND attempts = %(attempts)s"""


def insert_messages(
    uow: UnitOfWork, messages: Mapping[UUID, NewMessage], *, now: datetime, leased_until: datetime
) -> list[UUID]:
    """Queue messages, by the ids that they get; those of them whose notice has no message yet."""
    rows = [
        {
            "id": str(message_id),
            "addressee_id": str(message.addressee_id),
            "notice_key": message.notice_key,
            "channel": message.channel,
            "template": message.template,
            "locale": message.locale,
            "address": message.address,
            "variables": message.variables,
            "notice_id": str(message.notice_id) if message.notice_id else None,
        }
        for message_id, message in messages.items()
    ]
    values = {"rows": Jsonb(rows), "leased_until": leased_until, "correlation_id": uow.correlation_id, "now": now}
    return [row["id"] for row in uow.fetch_all(INSERT, values)]


def claim_message(uow: UnitOfWork, message_id: UUID, *, now: datetime, leased_until: datetime) -> ClaimedMessage | None:
    """Take a queued message for one attempt; None when it is done or with another worker."""
    values = {"id": message_id, "now": now, "leased_until": leased_until, "attempts_max": ATTEMPTS_MAX}
    row = uow.fetch_one(CLAIM, values)
    if row is None:
        uow.execute(PARK_EXHAUSTED, values)
        return None
    return ClaimedMessage(
        id=row["id"],
        channel=ChannelKind(row["channel"]),
        template=TemplateKey(row["template"]),
        locale=Locale(row["locale"]),
        address=row["address"],
        variables=row["variables"],
        attempts=row["attempts"],
        correlation_id=row["correlation_id"],
        addressee_id=row["addressee_id"],
        notice_id=row["notice_id"],
    )


def mark_sent(uow: UnitOfWork, message_id: UUID, *, reference: str, now: datetime) -> bool:
    """Note that the provider has the message; False when that was known."""
    return uow.execute(SENT, {"id": message_id, "reference": reference, "now": now}) == 1


def mark_not_sent(
    uow: UnitOfWork, message_id: UUID, *, attempts: int, state: str, leased_until: datetime, error: str
) -> bool:
    """Note that the latest of so many ``attempts`` failed; ``state``: another is to come (queued), or none.

    False when the message was not queued any more, or somebody else is at the next attempt by now.
    """
    values = {"id": message_id, "attempts": attempts, "state": state, "leased_until": leased_until, "error": error}
    return uow.execute(NOT_SENT, values) == 1
