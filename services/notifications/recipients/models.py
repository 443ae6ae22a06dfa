"""Rows of how members are reached, as letters told it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class RecipientRow(TenantRow):
    """A member's addresses. ``told_at`` is when the letter was written: an older letter never overwrites a newer."""

    __tablename__ = "recipients"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    locale: Mapped[str]
    timezone: Mapped[str]
    told_at: Mapped[datetime]
