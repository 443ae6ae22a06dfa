"""Rows of kinds of coupons, of coupons and codes, and of their uses."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class CouponDefinitionRow(TenantRow):
    """A kind of coupon. Where its uses are limited, the check of its counters keeps them within the limit.

    The identity and the counters come first: a refusal tells the failing row, cut off where it gets long
    (`repository.refusal_of`).
    """

    __tablename__ = "coupon_definitions"
    __table_args__ = (
        UniqueConstraint("code", name="code_key"),
        CheckConstraint("uses_held + uses_spent <= uses_max", name="uses_check"),
        CheckConstraint("uses_held >= 0 AND uses_spent >= 0", name="counters_check"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    uses_max: Mapped[int | None]
    uses_held: Mapped[int]
    uses_spent: Mapped[int]
    code: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class CouponDefinitionVersionRow(TenantRow):
    """What a kind of coupon says from one edit to the next: coupons keep the version that they were issued as."""

    __tablename__ = "coupon_definition_versions"
    __table_args__ = (UniqueConstraint("definition_id", "number", name="number_key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    definition_id: Mapped[UUID] = mapped_column(ForeignKey(CouponDefinitionRow.id))
    number: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]


class CouponBatchRow(TenantRow):
    """Unique codes that were made together."""

    __tablename__ = "coupon_batches"
    __table_args__ = (Index("coupon_batches_definition_id_id_idx", "definition_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    definition_id: Mapped[UUID] = mapped_column(ForeignKey(CouponDefinitionRow.id))
    count: Mapped[int]
    prefix: Mapped[str]
    made_at: Mapped[datetime]


class CouponRow(TenantRow):
    """A member's coupon, a unique code, or a definition's shared code: whatever can be presented, once each.

    The check lets one use of it stand; a shared code is bounded by its definition alone and counts nothing here.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        UniqueConstraint("code", name="code_key"),
        CheckConstraint("uses_held >= 0 AND uses_spent >= 0 AND uses_held + uses_spent <= 1", name="uses_check"),
        Index("coupons_definition_id_id_idx", "definition_id", "id"),
        Index("coupons_member_id_id_idx", "member_id", "id", postgresql_where=text("member_id IS NOT NULL")),
        Index("coupons_batch_id_id_idx", "batch_id", "id", postgresql_where=text("batch_id IS NOT NULL")),
        Index("coupons_origin_id_idx", "origin_id", postgresql_where=text("origin_id IS NOT NULL")),
        Index(
            "coupons_unnoticed_idx",
            "expires_at",
            postgresql_where=text("noticed_at IS NULL AND member_id IS NOT NULL AND expires_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    definition_id: Mapped[UUID] = mapped_column(ForeignKey(CouponDefinitionRow.id))
    version_id: Mapped[UUID | None]
    code: Mapped[str | None]
    is_shared: Mapped[bool]
    member_id: Mapped[UUID | None]
    batch_id: Mapped[UUID | None]
    origin_kind: Mapped[str | None]
    origin_id: Mapped[UUID | None]
    is_pending: Mapped[bool]
    uses_held: Mapped[int]
    uses_spent: Mapped[int]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    noticed_at: Mapped[datetime | None]


class CouponUseRow(TenantRow):
    """A coupon held for a cart or redeemed by a purchase; the row stays when it is released or given back.

    Written with the coupon and, where its uses are limited, the definition locked: their counters are the sums here.
    """

    __tablename__ = "coupon_uses"
    __table_args__ = (
        CheckConstraint("status IN ('held', 'spent', 'released', 'given_back')", name="status_check"),
        CheckConstraint("(status = 'held') = (held_until IS NOT NULL)", name="held_until_check"),
        CheckConstraint("amount_minor >= 0", name="amount_minor_check"),
        Index(
            "coupon_uses_owner_idx",
            "owner_id",
            "owner_kind",
            "coupon_id",
            unique=True,
            postgresql_where=text("status IN ('held', 'spent')"),
        ),
        Index(
            "coupon_uses_member_idx",
            "definition_id",
            "member_id",
            postgresql_where=text("status IN ('held', 'spent') AND member_id IS NOT NULL"),
        ),
        Index("coupon_uses_held_idx", "definition_id", "coupon_id", postgresql_where=text("status = 'held'")),
        Index("coupon_uses_held_until_idx", "held_until", postgresql_where=text("status = 'held'")),
        Index("coupon_uses_coupon_id_id_idx", "coupon_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    definition_id: Mapped[UUID]
    coupon_id: Mapped[UUID] = mapped_column(ForeignKey(CouponRow.id))
    version_id: Mapped[UUID]
    member_id: Mapped[UUID | None]
    owner_kind: Mapped[str]
    owner_id: Mapped[UUID]
    status: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    held_until: Mapped[datetime | None]
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
