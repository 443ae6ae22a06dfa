"""Rows of members' standing in the tiers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class MemberTierRow(TenantRow):
    """A member's tier and what counts towards the next: points earned or minor units spent, by the program's metric."""

    __tablename__ = "member_tiers"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    tier_code: Mapped[str]
    points_earned: Mapped[int]
    spend_minor: Mapped[int]
    since: Mapped[datetime]
