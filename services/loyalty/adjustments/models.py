"""Rows of adjustments that needed a second person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class AdjustmentRequestRow(TenantRow):
    """Who asked for which points, until when it may be decided, and by whom it was."""

    __tablename__ = "adjustment_requests"
    __table_args__ = (
        CheckConstraint("points <> 0", name="points_check"),
        CheckConstraint("status IN ('pending', 'approved', 'rejected')", name="status_check"),
        CheckConstraint("(status = 'pending') = (decided_at IS NULL)", name="decided_check"),
        CheckConstraint("(status = 'approved') = (entry_id IS NOT NULL)", name="entry_check"),
        CheckConstraint("expires_at > requested_at", name="period_check"),
        Index(None, "status", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    store_id: Mapped[UUID | None]
    unit: Mapped[str]
    points: Mapped[int]
    reason: Mapped[str]
    requester_kind: Mapped[str]
    requester_id: Mapped[UUID | None]
    maker_id: Mapped[UUID | None]
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    status: Mapped[str]
    decider_kind: Mapped[str | None]
    decider_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    entry_id: Mapped[UUID | None]
