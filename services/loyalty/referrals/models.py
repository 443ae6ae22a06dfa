"""Rows of members who brought friends."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class ReferralCodeRow(TenantRow):
    """What a member gives to friends, in capitals."""

    __tablename__ = "referral_codes"
    __table_args__ = (UniqueConstraint("code", name="code_key"),)

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    created_at: Mapped[datetime]


class ReferralRow(TenantRow):
    """A friend who joined by a member's code: one row for each friend, so that nobody has two referrers.

    ``purchase_id`` is the friend's first purchase, as long as it stands; ``judged_purchase_id`` the one for which the
    referrer has been rewarded, as it was after an amendment, if any. Where they differ, there is something to do since
    ``changed_at``. ``kept`` is what was not there to take back when such a purchase was gone, by unit.
    """

    __tablename__ = "referrals"
    __table_args__ = (
        CheckConstraint("friend_id <> referrer_id", name="self_check"),
        CheckConstraint("(purchase_id IS NULL) = (purchased_at IS NULL)", name="purchase_check"),
        Index(None, "referrer_id"),
        Index("referrals_purchase_id_idx", "purchase_id", postgresql_where=text("purchase_id IS NOT NULL")),
        Index(
            "referrals_to_judge_idx",
            "changed_at",
            postgresql_where=text(
                "purchase_id IS DISTINCT FROM judged_purchase_id OR amendment_id IS DISTINCT FROM judged_amendment_id"
            ),
        ),
    )

    friend_id: Mapped[UUID] = mapped_column(primary_key=True)
    referrer_id: Mapped[UUID]
    registered_at: Mapped[datetime]
    purchase_id: Mapped[UUID | None]
    purchased_at: Mapped[datetime | None]
    # What rules may ask of that purchase, as it was recorded.
    purchase_facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    judged_purchase_id: Mapped[UUID | None]
    changed_at: Mapped[datetime]
    amendment_id: Mapped[UUID | None]
    judged_amendment_id: Mapped[UUID | None]
    kept: Mapped[dict[str, int] | None] = mapped_column(JSONB)
