"""Rows of roll-ups: usage by tenant, meter and day, for headquarters and invoices."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import PlatformRow


class UsageRollupRow(PlatformRow):
    """The sum of a tenant's facts of one meter and day, as of a moment."""

    __tablename__ = "usage_rollups"
    __table_args__ = (PrimaryKeyConstraint("tenant_id", "meter", "day"),)

    tenant_id: Mapped[UUID]
    meter: Mapped[str]
    day: Mapped[date] = mapped_column(Date())
    quantity: Mapped[int]
    as_of: Mapped[datetime]
