"""Rows of evidence: what was bought, what it earned, what was taken back."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow

QUANTITY = Numeric(18, 4)


class PurchaseRow(TenantRow):
    """A purchase, stored even when it earns nothing. ``frozen`` is what its evaluation saw, for later refunds."""

    __tablename__ = "purchases"
    __table_args__ = (
        UniqueConstraint("source", "external_id", name="external_id_key"),
        CheckConstraint("points >= 0 AND points_taken_back >= 0 AND points_lapsed >= 0", name="points_check"),
        CheckConstraint("points_taken_back + points_lapsed + shortfall <= points", name="taken_back_check"),
        CheckConstraint("shortfall >= 0", name="shortfall_check"),
        Index("purchases_member_id_occurred_at_idx", "member_id", "occurred_at", "id"),
        Index(None, "store_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str]
    external_id: Mapped[str]
    content_hash: Mapped[bytes]
    member_id: Mapped[UUID | None]
    store_id: Mapped[UUID]
    channel: Mapped[str]
    currency: Mapped[str]
    discount_minor: Mapped[int]
    total_minor: Mapped[int]
    refunded_minor: Mapped[int]
    # The part of the refunds that names no line.
    refunded_free_minor: Mapped[int]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    program_version_id: Mapped[UUID | None]
    frozen: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    points: Mapped[int]
    points_taken_back: Mapped[int]
    # Points that had expired before a refund wanted them back.
    points_lapsed: Mapped[int]
    shortfall: Mapped[int]
    entry_id: Mapped[UUID | None]
    # What the recording answered, for whoever sends the same receipt again under another key.
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    voided_at: Mapped[datetime | None]
    amended_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    # Evidence that tills may add; a purchase from before it was taken has none.
    shipping_minor: Mapped[int | None]
    prices_include_tax: Mapped[bool | None]
    tenders: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    codes: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    staff: Mapped[str | None]
    fields: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    # What refunds did to units other than the program's own: see `evidence.UnitState`.
    other_units: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class PurchaseLineRow(TenantRow):
    """One line of a receipt. ``net_minor`` was paid: the amount less its own discount and its share of the order's."""

    __tablename__ = "purchase_lines"
    __table_args__ = (
        PrimaryKeyConstraint("purchase_id", "position"),
        CheckConstraint("returned_quantity >= 0", name="returned_quantity_check"),
    )

    purchase_id: Mapped[UUID] = mapped_column(ForeignKey(PurchaseRow.id))
    position: Mapped[int]
    sku: Mapped[str]
    name: Mapped[str | None]
    category: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    amount_minor: Mapped[int]
    discount_minor: Mapped[int]
    net_minor: Mapped[int]
    points: Mapped[int]
    returned_quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    product: Mapped[str | None]
    tax_minor: Mapped[int | None]
    # What of it earns by the program's base policy; None where nothing was evaluated.
    base_minor: Mapped[int | None]


class PurchaseAccrualRow(TenantRow):
    """What one rule gave for a purchase: first, and what stands of it after refunds."""

    __tablename__ = "purchase_accruals"
    __table_args__ = (
        PrimaryKeyConstraint("purchase_id", "rule_id"),
        CheckConstraint("points >= 0 AND standing >= 0 AND standing <= points", name="standing_check"),
    )

    purchase_id: Mapped[UUID] = mapped_column(ForeignKey(PurchaseRow.id))
    rule_id: Mapped[str]
    lot_id: Mapped[UUID | None]
    points: Mapped[int]
    standing: Mapped[int]
    # None: the program's own.
    unit: Mapped[str | None]


class RefundRow(TenantRow):
    """A taking back of a part or the whole of a purchase.

    ``points_taken_back`` is below zero where a negative line came back and points were given.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        UniqueConstraint("source", "external_id", name="external_id_key"),
        CheckConstraint("shortfall >= 0", name="shortfall_check"),
        Index(None, "purchase_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purchase_id: Mapped[UUID] = mapped_column(ForeignKey(PurchaseRow.id))
    source: Mapped[str]
    external_id: Mapped[str]
    content_hash: Mapped[bytes]
    refunded_minor: Mapped[int]
    points_taken_back: Mapped[int]
    shortfall: Mapped[int]
    reason: Mapped[str | None]
    entry_id: Mapped[UUID | None]
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class RefundLineRow(TenantRow):
    """How much of a line a refund took back."""

    __tablename__ = "refund_lines"
    __table_args__ = (PrimaryKeyConstraint("refund_id", "position"),)

    refund_id: Mapped[UUID] = mapped_column(ForeignKey(RefundRow.id))
    position: Mapped[int]
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    amount_minor: Mapped[int]


class PurchaseSettlementRow(TenantRow):
    """What of a purchase was settled by points and coupons, and in ``back`` what has come back of it in all.

    Money, points and coupons are `settlement.settlement_json` and `settlement.back_json`.
    """

    __tablename__ = "purchase_settlements"

    purchase_id: Mapped[UUID] = mapped_column(ForeignKey(PurchaseRow.id), primary_key=True)
    settled: Mapped[dict[str, Any]] = mapped_column(JSONB)
    back: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class WaitingRefundRow(TenantRow):
    """A refund of a purchase that was not known when it was told of. ``refusal`` is a code: why it came to nothing."""

    __tablename__ = "waiting_refunds"
    __table_args__ = (
        UniqueConstraint("source", "external_id", name="external_id_key"),
        CheckConstraint("state IN ('waiting', 'applied', 'refused')", name="state_check"),
        CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name="settled_check"),
        CheckConstraint("(state = 'applied') = (refund_id IS NOT NULL)", name="applied_check"),
        CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="refused_check"),
        Index(
            "waiting_refunds_purchase_idx",
            "purchase_source",
            "purchase_external_id",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("waiting_refunds_look_at_idx", "look_at", postgresql_where=text("state = 'waiting'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str]
    external_id: Mapped[str]
    content_hash: Mapped[bytes]
    purchase_source: Mapped[str]
    purchase_external_id: Mapped[str]
    member_id: Mapped[UUID | None]
    request: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str | None]
    state: Mapped[str]
    refusal: Mapped[str | None]
    refund_id: Mapped[UUID | None]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    # When it is looked at again: first soon after it was told of, in the end to let it go.
    look_at: Mapped[datetime] = mapped_column(server_default=text("'1970-01-01 00:00:00+00'"))


class PurchaseChangeRow(TenantRow):
    """A purchase was voided, amended, exchanged or claimed; ``before`` is the evidence as it stood until then."""

    __tablename__ = "purchase_changes"
    __table_args__ = (
        CheckConstraint("kind IN ('void', 'amendment', 'exchange', 'claim')", name="kind_check"),
        Index(None, "purchase_id"),
        Index(
            "purchase_changes_once_idx",
            "purchase_id",
            "kind",
            unique=True,
            postgresql_where=text("kind IN ('void', 'claim')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purchase_id: Mapped[UUID] = mapped_column(ForeignKey(PurchaseRow.id))
    kind: Mapped[str]
    reason: Mapped[str | None]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    other_purchase_id: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
