"""Rows of notices that points will end."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import PrimaryKeyConstraint
from sqlalchemy.orm import Mapped

from services.platform.db.base import TenantRow


class ExpiryNoticeRow(TenantRow):
    """A member was told how many points of a unit end on a day of the program's zone: once for each day."""

    __tablename__ = "expiry_notices"
    __table_args__ = (PrimaryKeyConstraint("member_id", "unit", "ends_on"),)

    member_id: Mapped[UUID]
    unit: Mapped[str]
    ends_on: Mapped[date]
    points: Mapped[int]
    noticed_at: Mapped[datetime]
