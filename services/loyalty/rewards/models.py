"""Rows of the catalogue: a reward, the versions of what it says and costs, and the codes that it gives."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class RewardRow(TenantRow):
    """Something to be had for points. ``stock`` is what is left, null for no limit; ``code_count`` codes came in."""

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
    code_count: Mapped[int] = mapped_column(server_default=text("0"))


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
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSONB())
    category: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    position: Mapped[int] = mapped_column(server_default=text("0"))


class RewardCodeRow(TenantRow):
    """A code of a reward's pool; ``redemption_id`` is that of the one to whom it went, for ever."""

    __tablename__ = "reward_codes"
    __table_args__ = (
        UniqueConstraint("reward_id", "code", name="code_key"),
        CheckConstraint("(redemption_id IS NULL) = (assigned_at IS NULL)", name="assigned_check"),
        Index("reward_codes_free_idx", "reward_id", "id", postgresql_where=text("redemption_id IS NULL")),
        Index("reward_codes_redemption_id_idx", "redemption_id", postgresql_where=text("redemption_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reward_id: Mapped[UUID] = mapped_column(ForeignKey(RewardRow.id))
    code: Mapped[str]
    imported_at: Mapped[datetime]
    redemption_id: Mapped[UUID | None]
    assigned_at: Mapped[datetime | None]
