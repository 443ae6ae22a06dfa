"""Rows of what members did besides buying, and of the links that they shared."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow

TRIGGERS = (
    "('sign_up', 'check_in', 'review', 'survey', 'share', 'referral_registered', 'referral_purchased', 'birthday',"
    " 'anniversary', 'profile_completed', 'mention', 'custom_event')"
)


class ActivityRow(TenantRow):
    """Something that a member did, stored even when it earns nothing.

    ``once_key`` names what counts once, such as a visit of a store on a day. ``frozen`` is what its evaluation saw,
    ``accruals`` what each rule gave. ``withdrawn_at``: what it had earned was taken back.
    """

    __tablename__ = "activities"
    __table_args__ = (
        CheckConstraint(f"trigger IN {TRIGGERS}", name="trigger_check"),
        CheckConstraint("points >= 0", name="points_check"),
        UniqueConstraint("source", "external_id", name="external_id_key"),
        UniqueConstraint("once_key", name="once_key"),
        Index(None, "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    trigger: Mapped[str]
    event_code: Mapped[str | None]
    source: Mapped[str]
    external_id: Mapped[str]
    once_key: Mapped[str | None]
    content_hash: Mapped[bytes]
    member_id: Mapped[UUID]
    store_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    program_version_id: Mapped[UUID | None]
    frozen: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    accruals: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    points: Mapped[int]
    entry_id: Mapped[UUID | None]
    # What the recording answered, for whoever tells of the same activity again under another key.
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    withdrawn_at: Mapped[datetime | None]


class ShareRow(TenantRow):
    """A link that a member shared. ``visits`` counts visitors, each once."""

    __tablename__ = "shares"
    __table_args__ = (Index(None, "member_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    channel: Mapped[str]
    url: Mapped[str]
    created_at: Mapped[datetime]
    visits: Mapped[int]
    first_visited_at: Mapped[datetime | None]


class ShareVisitRow(TenantRow):
    """A visitor who followed a shared link, by a hash that is of use for this link only."""

    __tablename__ = "share_visits"
    __table_args__ = (PrimaryKeyConstraint("share_id", "visitor_hash"),)

    share_id: Mapped[UUID] = mapped_column(ForeignKey(ShareRow.id))
    visitor_hash: Mapped[bytes]
    visited_at: Mapped[datetime]
