"""Rows of members and of the identities by which they are found."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class MemberRow(TenantRow):
    """A person in the program."""

    __tablename__ = "members"
    __table_args__ = (CheckConstraint("status IN ('active', 'inactive')", name="status_check"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    birthday: Mapped[date | None] = mapped_column(Date())
    locale: Mapped[str]
    timezone: Mapped[str]
    status: Mapped[str]
    enrolled_at: Mapped[datetime]
    enrolled_store_id: Mapped[UUID | None]
    updated_at: Mapped[datetime]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    # The merchant's own fields by code, as JSON values.
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    is_referred: Mapped[bool] = mapped_column(server_default=false())
    birthday_changed_at: Mapped[datetime | None]
    profile_completed_at: Mapped[datetime | None]


class MemberOccasionRow(TenantRow):
    """From when on a member's next birthday or anniversary is to be looked for; never after it begins."""

    __tablename__ = "member_occasions"
    __table_args__ = (
        PrimaryKeyConstraint("member_id", "kind"),
        CheckConstraint("kind IN ('birthday', 'anniversary')", name="kind_check"),
        Index("member_occasions_due_idx", "kind", "due_at", "member_id"),
    )

    member_id: Mapped[UUID] = mapped_column(ForeignKey(MemberRow.id))
    kind: Mapped[str]
    due_at: Mapped[datetime]


class MemberIdentityRow(TenantRow):
    """One way to find a member: a phone, an e-mail address, a card or an id of another system; one person each."""

    __tablename__ = "member_identities"
    __table_args__ = (
        UniqueConstraint("kind", "value", name="value_key"),
        CheckConstraint("kind IN ('phone', 'email', 'card', 'external')", name="kind_check"),
        Index(None, "member_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey(MemberRow.id))
    kind: Mapped[str]
    value: Mapped[str]
    created_at: Mapped[datetime]
