"""Rows of cases and of what happened to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class CaseRow(TenantRow):
    """A return, an exchange, a repair or a question. ``effect`` holds ids and numbers only, as a stored answer does."""

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("kind IN ('return', 'exchange', 'repair', 'support')", name="kind_check"),
        CheckConstraint(
            "status IN ('open', 'in_progress', 'waiting_for_member', 'approved', 'rejected', 'completed', 'closed')",
            name="status_check",
        ),
        CheckConstraint("kind = 'support' OR purchase_id IS NOT NULL", name="purchase_check"),
        CheckConstraint("member_id IS NOT NULL OR purchase_id IS NOT NULL", name="about_check"),
        CheckConstraint("(refund_id IS NULL) = (effect IS NULL)", name="effect_check"),
        CheckConstraint("refund_id IS NULL OR status IN ('completed', 'closed')", name="refund_check"),
        Index(None, "status", "id"),
        Index("cases_member_id_id_idx", "member_id", "id", postgresql_where=text("member_id IS NOT NULL")),
        Index("cases_purchase_id_id_idx", "purchase_id", "id", postgresql_where=text("purchase_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    status: Mapped[str]
    subject: Mapped[str]
    member_id: Mapped[UUID | None]
    purchase_id: Mapped[UUID | None]
    store_id: Mapped[UUID | None]
    lines: Mapped[list[Any]] = mapped_column(JSONB)
    opener_kind: Mapped[str]
    opener_id: Mapped[UUID | None]
    assignee_id: Mapped[UUID | None]
    assignee_name: Mapped[str | None]
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    refund_id: Mapped[UUID | None]
    exchange_purchase_id: Mapped[UUID | None]
    effect: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class CaseEventRow(TenantRow):
    """One thing that happened to a case: it was opened, moved, assigned, or somebody wrote. Never changed."""

    __tablename__ = "case_events"
    __table_args__ = (
        CheckConstraint("kind IN ('opened', 'moved', 'assigned', 'noted')", name="kind_check"),
        CheckConstraint("(kind IN ('opened', 'moved')) = (to_status IS NOT NULL)", name="status_check"),
        CheckConstraint("kind <> 'noted' OR text IS NOT NULL", name="text_check"),
        Index(None, "case_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(CaseRow.id))
    kind: Mapped[str]
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    from_status: Mapped[str | None]
    to_status: Mapped[str | None]
    assignee_name: Mapped[str | None]
    text: Mapped[str | None]
    is_internal: Mapped[bool]
