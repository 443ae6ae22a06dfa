"""Rows of links to cards' pages, and of what merchants gave to sign passes with."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class CardLinkRow(TenantRow):
    """A link to the page of a member's card. Of its secret and of the device's key only SHA-256 is kept."""

    __tablename__ = "card_links"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="period_check"),
        CheckConstraint("(opened_at IS NULL) = (device_hash IS NULL)", name="opened_check"),
        CheckConstraint("(opened_at IS NULL) = (used_at IS NULL)", name="used_check"),
        Index(None, "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    link_hash: Mapped[bytes]
    device_hash: Mapped[bytes | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class PassIssuerRow(TenantRow):
    """What signs passes of one kind: identifiers in the open, certificates and keys sealed by the house's secret."""

    __tablename__ = "pass_issuers"
    __table_args__ = (CheckConstraint("kind IN ('apple', 'google')", name="kind_check"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sealed: Mapped[bytes]
    ends_at: Mapped[datetime | None]
    saved_at: Mapped[datetime]
