"""Rows of transfers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class TransferRow(TenantRow):
    """Points that one member gave to another."""

    __tablename__ = "transfers"
    __table_args__ = (
        CheckConstraint("points > 0", name="points_check"),
        CheckConstraint("sender_id <> recipient_id", name="sides_check"),
        Index("transfers_sender_id_occurred_at_idx", "sender_id", "occurred_at"),
        Index("transfers_sender_id_id_idx", "sender_id", "id"),
        Index("transfers_recipient_id_id_idx", "recipient_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sender_id: Mapped[UUID]
    recipient_id: Mapped[UUID]
    unit: Mapped[str]
    points: Mapped[int]
    message: Mapped[str | None]
    sent_entry_id: Mapped[UUID]
    received_entry_id: Mapped[UUID]
    occurred_at: Mapped[datetime]
