"""Rows of what has been used of caps."""

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


class CapFillingRow(TenantRow):
    """What has been used of any other cap: of units, by weeks or for life, in money or times, of everybody together.

    ``owner_id`` is the member, or the nil UUID for everybody. ``start`` is the first day of the period, in the
    program's zone.
    """

    __tablename__ = "cap_fillings"
    __table_args__ = (
        PrimaryKeyConstraint("owner_id", "period", "start", "subject", "code", "measure"),
        CheckConstraint("used >= 0", name="used_check"),
    )

    owner_id: Mapped[UUID]
    period: Mapped[str]
    start: Mapped[date] = mapped_column(Date())
    subject: Mapped[str]
    code: Mapped[str]
    measure: Mapped[str]
    used: Mapped[int]
