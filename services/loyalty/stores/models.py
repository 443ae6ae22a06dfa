"""Rows of a tenant's stores."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class StoreRow(TenantRow):
    """A place where members buy; ``code`` is the merchant's own name for it."""

    __tablename__ = "stores"
    __table_args__ = (UniqueConstraint("code", name="code_key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]
    address: Mapped[str | None]
    timezone: Mapped[str]
    currency: Mapped[str]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
