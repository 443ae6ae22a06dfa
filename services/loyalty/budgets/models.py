"""Rows of budgets, and of what each sale and redemption takes from them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class BudgetRow(TenantRow):
    """What may be given away. Its checks are what keeps it from being oversold, whoever writes.

    The identity and the counters come first: a refusal tells the failing row, cut off where it gets long
    (`repository.refusal_of`).
    """

    __tablename__ = "budgets"
    __table_args__ = (
        UniqueConstraint("code", name="code_key"),
        CheckConstraint("points_held + points_spent <= points_max", name="points_check"),
        CheckConstraint("units_held + units_spent <= units_max", name="units_check"),
        CheckConstraint("money_held + money_spent <= money_max", name="money_check"),
        CheckConstraint(
            "points_held >= 0 AND points_spent >= 0 AND units_held >= 0 AND units_spent >= 0"
            " AND money_held >= 0 AND money_spent >= 0",
            name="open_check",
        ),
        CheckConstraint("alert_percent BETWEEN 1 AND 100", name="alert_percent_check"),
        Index("budgets_alert_due_at_idx", "alert_due_at", postgresql_where=text("alert_due_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    points_max: Mapped[int | None]
    points_held: Mapped[int]
    points_spent: Mapped[int]
    units_max: Mapped[int | None]
    units_held: Mapped[int]
    units_spent: Mapped[int]
    money_max: Mapped[int | None]
    money_held: Mapped[int]
    money_spent: Mapped[int]
    code: Mapped[str]
    version: Mapped[int]
    name_en: Mapped[str]
    name_zh: Mapped[str]
    currency: Mapped[str | None]
    begins_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    alert_percent: Mapped[int | None]
    alerted_at: Mapped[datetime | None]
    alert_due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class BudgetUseRow(TenantRow):
    """What one owner (a cart, a purchase, a redemption) holds until ``expires_at`` and has spent of a budget.

    Written with the budget's row locked, so that the counters there are the sums here.
    """

    __tablename__ = "budget_uses"
    __table_args__ = (
        CheckConstraint(
            "points_held >= 0 AND points_spent >= 0 AND units_held >= 0 AND units_spent >= 0"
            " AND money_held >= 0 AND money_spent >= 0",
            name="amounts_check",
        ),
        Index("budget_uses_expires_at_idx", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        Index(
            "budget_uses_budget_id_expires_at_idx",
            "budget_id",
            "expires_at",
            postgresql_where=text("expires_at IS NOT NULL"),
        ),
        Index("budget_uses_budget_id_spent_at_idx", "budget_id", "spent_at"),
    )

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_kind: Mapped[str] = mapped_column(primary_key=True)
    budget_id: Mapped[UUID] = mapped_column(ForeignKey(BudgetRow.id), primary_key=True)
    points_held: Mapped[int]
    units_held: Mapped[int]
    money_held: Mapped[int]
    points_spent: Mapped[int]
    units_spent: Mapped[int]
    money_spent: Mapped[int]
    expires_at: Mapped[datetime | None]
    spent_at: Mapped[datetime | None]
