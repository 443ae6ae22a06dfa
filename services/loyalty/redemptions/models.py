"""Rows of rewards that members have, have had or hold."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class RedemptionRow(TenantRow):
    """A member having a reward for points.

    One that is held has ``expires_at``; one that somebody has to act on has ``waiting_since``, and is in the queue.
    """

    __tablename__ = "redemptions"
    __table_args__ = (
        CheckConstraint("points > 0", name="points_check"),
        CheckConstraint(
            "status IN ('held', 'confirmed', 'fulfilled', 'collected', 'canceled', 'timed_out')", name="status_check"
        ),
        CheckConstraint("quantity > 0 AND money_minor >= 0", name="amounts_check"),
        CheckConstraint("(status = 'held') = (expires_at IS NOT NULL)", name="held_check"),
        Index("redemptions_member_id_id_idx", "member_id", "id"),
        Index(
            "redemptions_recipient_id_id_idx",
            "recipient_id",
            "id",
            postgresql_where=text("recipient_id IS NOT NULL"),
        ),
        Index("redemptions_expires_at_idx", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        Index("redemptions_queue_idx", "id", postgresql_where=text("waiting_since IS NOT NULL")),
        Index(
            "redemptions_pickup_code_idx",
            "pickup_code",
            unique=True,
            postgresql_where=text("pickup_code IS NOT NULL"),
        ),
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
    quantity: Mapped[int] = mapped_column(server_default=text("1"))
    recipient_id: Mapped[UUID | None]
    money_minor: Mapped[int] = mapped_column(server_default=text("0"))
    currency: Mapped[str | None]
    payment_reference: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    pickup_store_id: Mapped[UUID | None]
    pickup_code: Mapped[str | None]
    delivery_reference: Mapped[str | None]
    note: Mapped[str | None]
    cancel_reason: Mapped[str | None]
    waiting_since: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    fulfilled_at: Mapped[datetime | None]
    collected_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
