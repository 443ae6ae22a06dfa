"""Rows of what members have used of their caps."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class CapUseRow(TenantRow):
    """Points that a rule gave a member on one calendar day of the program's zone, less what was taken back."""

    __tablename__ = "cap_uses"
    __table_args__ = (
        PrimaryKeyConstraint("member_id", "rule_id", "day"),
        CheckConstraint("used >= 0", name="used_check"),
    )

    member_id: Mapped[UUID]
    rule_id: Mapped[str]
    day: Mapped[date] = mapped_column(Date())
    used: Mapped[int]
