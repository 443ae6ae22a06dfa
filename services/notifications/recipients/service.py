"""Keeps what letters tell of members' addresses."""

from datetime import datetime
from uuid import UUID

from services.notifications.recipients.domain import Recipient
from services.notifications.recipients.errors import RecipientUnknown
from services.platform.db.session import ReadSession, UnitOfWork

# Letters may come out of order: an older one never overwrites a newer.
REMEMBER = """
INSERT INTO recipients (member_id, name, email, phone, locale, timezone, told_at)
VALUES (%(member_id)s, %(name)s, %(email)s, %(phone)s, %(locale)s, %(timezone)s, %(told_at)s)
ON CONFLICT (member_id) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email, phone = EXCLUDED.phone,
    locale = EXCLUDED.locale, timezone = EXCLUDED.timezone, told_at = EXCLUDED.told_at
WHERE recipients.told_at <= EXCLUDED.told_at"""
BY_ID = "SELECT member_id, name, email, phone, locale, timezone FROM recipients WHERE member_id = %(member_id)s"


def remember_recipient(uow: UnitOfWork, recipient: Recipient, *, told_at: datetime) -> None:
    """Keep a member's addresses, unless something newer is known."""
    values = {
        "member_id": recipient.member_id,
        "name": recipient.name,
        "email": recipient.email,
        "phone": recipient.phone,
        "locale": recipient.locale,
        "timezone": recipient.timezone,
        "told_at": told_at,
    }
    uow.execute(REMEMBER, values)


def recipient_by_id(session: ReadSession, member_id: UUID) -> Recipient:
    """How to reach a member.

    Raises:
        RecipientUnknown
    """
    row = session.fetch_one(BY_ID, {"member_id": member_id})
    if row is None:
        raise RecipientUnknown(member_id=member_id)
    return Recipient(**row)
