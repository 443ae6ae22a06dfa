"""Rows of holds; which lots they reserve is the ledger's own."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class HoldRow(TenantRow):
    """Points reserved for somebody until ``expires_at``; ``ended_at`` is set when nothing of it is held any more.

    A hold that has timed out says so by its clock alone: its row stays as it was.
    """

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("points > 0", name="points_check"),
        CheckConstraint("captured >= 0 AND released >= 0 AND captured + released <= points", name="parts_check"),
        CheckConstraint("(ended_at IS NOT NULL) = (captured + released = points)", name="ended_check"),
        Index("holds_member_id_id_idx", "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    unit: Mapped[str]
    points: Mapped[int]
    captured: Mapped[int]
    released: Mapped[int]
    reference: Mapped[str | None]
    store_id: Mapped[UUID | None]
    entry_id: Mapped[UUID]
    held_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
