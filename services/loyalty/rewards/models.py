"""Rows of the catalogue: a reward, and the versions of what it says and costs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class RewardRow(TenantRow):
    """Something to be had for points. ``stock`` is what is left, null for no limit."""

    __tablename__ = "rewards"
    __table_args__ = (
        UniqueConstraint("code", name="code_key"),
        CheckConstraint("stock >= 0", name="stock_check"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    version: Mapped[int]
    stock: Mapped[int | None]
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class RewardVersionRow(TenantRow):
    """What a reward was called and cost from one edit to the next; redemptions refer to it for ever."""

    __tablename__ = "reward_versions"
    __table_args__ = (
        UniqueConstraint("reward_id", "number", name="number_key"),
        CheckConstraint("cost_points > 0", name="cost_points_check"),
        CheckConstraint("kind IN ('physical', 'virtual', 'coupon', 'service', 'donation')", name="kind_check"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reward_id: Mapped[UUID] = mapped_column(ForeignKey(RewardRow.id))
    number: Mapped[int]
    kind: Mapped[str]
    name_en: Mapped[str]
    name_zh: Mapped[str]
    description_en: Mapped[str]
    description_zh: Mapped[str]
    cost_points: Mapped[int]
    created_at: Mapped[datetime]
