"""Rows of carts: those that reserve something, and those that became purchases."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class CartRow(TenantRow):
    """A cart that was reserved or committed; one that was only quoted is nowhere but in its token.

    ``held`` is what it keeps of shared counters (`reserving.held_json`); points, coupons and budgets are held in their
    own rooms under its id.
    """

    __tablename__ = "carts"
    __table_args__ = (
        CheckConstraint("status IN ('reserved', 'committed', 'canceled', 'timed_out')", name="status_check"),
        CheckConstraint("(status = 'reserved') = (ended_at IS NULL)", name="ended_check"),
        CheckConstraint("(status = 'committed') = (purchase_id IS NOT NULL)", name="committed_check"),
        Index("carts_expires_at_idx", "expires_at", postgresql_where=text("status = 'reserved'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str]
    member_id: Mapped[UUID | None]
    store_id: Mapped[UUID]
    held: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    purchase_id: Mapped[UUID | None]
    # What the committing answered, for whoever commits the same cart again under another key.
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    reserved_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
