"""Rows of how members are reached, as letters told it."""

from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class RecipientRow(TenantRow):
    """A member's addresses, as the letter told them: an older letter (by its id) never overwrites a newer one's."""

    __tablename__ = "recipients"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    locale: Mapped[str]
    timezone: Mapped[str]
    letter_id: Mapped[UUID]
