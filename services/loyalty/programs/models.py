"""Rows of the program: one draft that is edited, and published versions that never change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class ProgramDraftRow(TenantRow):
    """The document that the merchant is editing; there is one at most. ``revision`` grows with each save."""

    __tablename__ = "program_drafts"
    __table_args__ = (CheckConstraint("singleton = 1", name="singleton_check"),)

    singleton: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    revision: Mapped[int]
    updated_at: Mapped[datetime]


class ProgramVersionRow(TenantRow):
    """A published document, in force from ``effective_from`` until the next version's.

    ``restores_number`` is the older version whose document was published again.
    """

    __tablename__ = "program_versions"
    __table_args__ = (UniqueConstraint("number", name="number_key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    effective_from: Mapped[datetime]
    published_at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    restores_number: Mapped[int | None]


class ProgramWithdrawalRow(TenantRow):
    """A version that was taken back before it began."""

    __tablename__ = "program_withdrawals"

    version_id: Mapped[UUID] = mapped_column(ForeignKey(ProgramVersionRow.id), primary_key=True)
    withdrawn_at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
