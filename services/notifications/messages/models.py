"""Rows of messages: one per notice, addressee and channel."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class MessageRow(TenantRow):
    """A message on its way. Its id is the Message-ID, so that a repeat after a crash is known for what it is."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("notice_key", "channel", "addressee_id", name="notice_key"),
        CheckConstraint("state IN ('queued', 'sent', 'failed', 'parked')", name="state_check"),
        CheckConstraint("channel IN ('email')", name="channel_check"),
        Index("messages_queued_idx", "leased_until", postgresql_where=text("state = 'queued'")),
        Index(None, "addressee_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    addressee_id: Mapped[UUID]
    """The member, or the invitation."""
    notice_key: Mapped[str]
    channel: Mapped[str]
    template: Mapped[str]
    locale: Mapped[str]
    address: Mapped[str]
    variables: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str]
    attempts: Mapped[int]
    leased_until: Mapped[datetime]
    provider_reference: Mapped[str | None]
    last_error: Mapped[str | None]
    correlation_id: Mapped[str]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    notice_id: Mapped[UUID | None]
    """Under which whoever asked for it is told what became of it."""
