"""Rows of notices that points will end."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped

from services.platform.db.base import TenantRow


class ExpiryNoticeRow(TenantRow):
    """A member was told how many points of a unit end on a day of the program's zone: once for each day.

    ``outcome`` is what became of the notice at ``settled_at``. While points can't end silently, ``decides_at`` is when
    it is decided whether they end (``verdict``), and null once that is done.
    """

    __tablename__ = "expiry_notices"
    __table_args__ = (
        PrimaryKeyConstraint("member_id", "unit", "ends_on"),
        CheckConstraint("outcome IN ('accepted', 'unreachable')", name="outcome_check"),
        CheckConstraint("(outcome IS NULL) = (settled_at IS NULL)", name="settled_check"),
        CheckConstraint(
            "verdict IN ('in_time', 'kept', 'would_keep', 'unreachable', 'given_up')", name="verdict_check"
        ),
        Index("expiry_notices_id_idx", "id", unique=True, postgresql_where=text("id IS NOT NULL")),
        Index("expiry_notices_decides_at_idx", "decides_at", postgresql_where=text("decides_at IS NOT NULL")),
    )

    member_id: Mapped[UUID]
    unit: Mapped[str]
    ends_on: Mapped[date]
    points: Mapped[int]
    noticed_at: Mapped[datetime]
    id: Mapped[UUID | None]
    outcome: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    decides_at: Mapped[datetime | None]
    verdict: Mapped[str | None]
