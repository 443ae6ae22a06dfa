"""Keeps what letters tell of members' addresses."""

from uuid import UUID

from services.notifications.recipients.domain import Recipient
from services.notifications.recipients.errors import RecipientUnknown
from services.platform.db.session import ReadSession, UnitOfWork

# Letters may come out of order. Their ids are made under the member's lock, so their order is that of the changes.
REMEMBER = """
INSERT INTO recipients (member_id, name, email, phone, locale, timezone, letter_id)
VALUES (%(member_id)s, %(name)s, %(email)s, %(phone)s, %(locale)s, %(timezone)s, %(letter_id)s)
ON CONFLICT (member_id) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email, phone = EXCLUDED.phone,
    locale = EXCLUDED.locale, timezone = EXCLUDED.timezone, letter_id = EXCLUDED.letter_id
WHERE recipients.letter_id <= EXCLUDED.letter_id"""
BY_ID = "SELECT member_id, name, email, phone, locale, timezone FROM recipients WHERE member_id = %(member_id)s"


def remember_recipient(uow: UnitOfWork, recipient: Recipient, *, letter_id: UUID) -> None:
    """Keep a member's addresses, unless something newer is known."""
    values = {
        "member_id": recipient.member_id,
        "name": recipient.name,
        "email": recipient.email,
        "phone": recipient.phone,
        "locale": recipient.locale,
        "timezone": recipient.timezone,
        "letter_id": letter_id,
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
