"""Rows of members' standing in the tiers."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Index, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow


class MemberTierRow(TenantRow):
    """A member's earned tier, the sums of all time, and what is decided and due.

    ``points_earned`` is of the program's own unit, ``spend_minor`` in its currency. ``next_at`` is the instant at which
    something is to be decided (never too late), ``amounts_from`` the first day that this will look at, ``ladder`` what
    tells the rules apart by which ``decided_at`` was reached. A given tier lies over the earned one. ``notice_at`` is
    when the member is to be told that a review will take the tier. ``reached_with`` is what could be spent when the
    tier was reached, where tiers look at that.
    """

    __tablename__ = "member_tiers"
    __table_args__ = (
        Index("member_tiers_next_at_idx", "next_at", "member_id", postgresql_where=text("next_at IS NOT NULL")),
        Index("member_tiers_ladder_idx", "ladder", "member_id"),
        Index("member_tiers_notice_at_idx", "notice_at", "member_id", postgresql_where=text("notice_at IS NOT NULL")),
    )

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    tier_code: Mapped[str]
    points_earned: Mapped[int]
    spend_minor: Mapped[int]
    since: Mapped[datetime]
    visits: Mapped[int] = mapped_column(server_default=text("0"))
    decided_at: Mapped[datetime | None]
    grace_from: Mapped[datetime | None]
    grace_until: Mapped[datetime | None]
    let_down_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    amounts_from: Mapped[date | None] = mapped_column(Date())
    ladder: Mapped[str | None]
    given_code: Mapped[str | None]
    given_since: Mapped[datetime | None]
    given_until: Mapped[datetime | None]
    notice_at: Mapped[datetime | None]
    reached_with: Mapped[int | None]


class TierAmountRow(TenantRow):
    """What one event contributes to a member's tier from ``counted_at`` on, on ``day`` of the program's zone.

    ``store_id`` is where it was a visit. A purchase has one row, and one more for each later instant and other unit.
    """

    __tablename__ = "tier_amounts"
    __table_args__ = (
        PrimaryKeyConstraint("member_id", "event_id", "unit", "counted_at"),
        Index("tier_amounts_member_id_day_idx", "member_id", "day"),
    )

    member_id: Mapped[UUID]
    event_id: Mapped[UUID]
    unit: Mapped[str]
    counted_at: Mapped[datetime]
    day: Mapped[date] = mapped_column(Date())
    points: Mapped[int]
    spend_minor: Mapped[int]
    store_id: Mapped[UUID | None]


class TierNoticeRow(TenantRow):
    """The loss of a tier by a review, foreseen for ``loses_at``: who was told of it, and what came of that.

    ``told_of`` is the end that the latest letter named, ``outcome`` what became of the notice at ``settled_at``.
    ``due_at`` is when the tier would have been lost, and ``kept_until`` how long it was kept then.
    """

    __tablename__ = "tier_notices"
    __table_args__ = (
        PrimaryKeyConstraint("member_id", "tier_code", "loses_at"),
        CheckConstraint("outcome IN ('accepted', 'unreachable')", name="outcome_check"),
        CheckConstraint("(outcome IS NULL) = (settled_at IS NULL)", name="settled_check"),
        CheckConstraint(
            "verdict IN ('in_time', 'kept', 'would_keep', 'unreachable', 'given_up')", name="verdict_check"
        ),
        Index("tier_notices_id_idx", "id", unique=True, postgresql_where=text("id IS NOT NULL")),
        Index("tier_notices_told_at_idx", "told_at", postgresql_where=text("outcome IS NULL AND id IS NOT NULL")),
        Index("tier_notices_due_at_idx", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    member_id: Mapped[UUID]
    tier_code: Mapped[str]
    loses_at: Mapped[datetime]
    id: Mapped[UUID | None]
    told_of: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    kept_until: Mapped[datetime | None]
    verdict: Mapped[str | None]


class TierChangeRow(TenantRow):
    """A change of a member's tier as the member saw it; never changed.

    ``at`` is when it took effect, ``event_id`` what counted or came back, ``reason`` and ``until`` those of a tier that
    staff gave.
    """

    __tablename__ = "tier_changes"
    __table_args__ = (Index("tier_changes_member_id_id_idx", "member_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    from_code: Mapped[str]
    to_code: Mapped[str]
    kind: Mapped[str]
    event_id: Mapped[UUID | None]
    reason: Mapped[str | None]
    until: Mapped[datetime | None]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    at: Mapped[datetime]
    recorded_at: Mapped[datetime]
