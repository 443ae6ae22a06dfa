"""Rows of rewards that members have had."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class RedemptionRow(TenantRow):
    """A member having a reward for points."""

    __tablename__ = "redemptions"
    __table_args__ = (
        CheckConstraint("points > 0", name="points_check"),
        CheckConstraint("status IN ('confirmed')", name="status_check"),
        Index("redemptions_member_id_id_idx", "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    reward_id: Mapped[UUID]
    reward_version_id: Mapped[UUID]
    store_id: Mapped[UUID | None]
    points: Mapped[int]
    status: Mapped[str]
    entry_id: Mapped[UUID]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
