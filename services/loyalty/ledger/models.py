"""Rows of the ledger. Entries, postings and lot movements are never changed; the database refuses it to everyone.

An account is (holder, unit, purpose); a null holder is the program. Only holders have running balances: a program row
that every purchase touched would make a whole tenant queue on one lock.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.platform.db.base import TenantRow

OPEN = "remaining > 0 OR held > 0"
WAITING = "remaining > 0 AND state = 'pending'"
ENDING = "remaining > 0 AND expires_at IS NOT NULL"
LOSING = "remaining > 0 AND loses_at IS NOT NULL"
PURPOSES = "'pending', 'available', 'held', 'owed', 'issuance', 'redemption', 'breakage', 'adjustment', 'clearing'"


class LedgerHolderRow(TenantRow):
    """Whose points they are. Its row is the lock of everything that the holder has, and the head of its chain."""

    __tablename__ = "ledger_holders"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_seq: Mapped[int]
    last_hash: Mapped[bytes]
    created_at: Mapped[datetime]


class LedgerBalanceRow(TenantRow):
    """What went in and out of each of a holder's accounts in one unit, and what happened in all."""

    __tablename__ = "ledger_balances"
    __table_args__ = (
        PrimaryKeyConstraint("holder_id", "unit"),
        CheckConstraint("pending_in - pending_out >= 0", name="pending_check"),
        CheckConstraint("available_in - available_out >= 0", name="available_check"),
        CheckConstraint("held_in - held_out >= 0", name="held_check"),
        CheckConstraint("owed_in - owed_out >= 0", name="owed_check"),
        CheckConstraint("available_in - available_out <= 9007199254740991", name="range_check"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerHolderRow.id))
    unit: Mapped[str]
    pending_in: Mapped[int]
    pending_out: Mapped[int]
    available_in: Mapped[int]
    available_out: Mapped[int]
    held_in: Mapped[int]
    held_out: Mapped[int]
    owed_in: Mapped[int]
    owed_out: Mapped[int]
    earned: Mapped[int]
    spent: Mapped[int]
    expired: Mapped[int]
    reversed: Mapped[int]
    adjusted: Mapped[int]
    transferred: Mapped[int] = mapped_column(server_default=text("0"))


class LedgerEntryRow(TenantRow):
    """One immutable fact of the ledger, chained to the one before it of the same holder."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("holder_id", "seq", name="seq_key"),
        CheckConstraint("seq > 0", name="seq_check"),
        CheckConstraint(
            "kind IN ('accrual', 'activation', 'redemption', 'clawback', 'restoration', 'adjustment', 'expiry', "
            "'cancellation', 'hold', 'capture', 'release', 'transfer', 'repayment')",
            name="kind_check",
        ),
        Index(None, "reference_id"),
        Index(None, "recorded_at", postgresql_using="brin"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerHolderRow.id))
    seq: Mapped[int]
    kind: Mapped[str]
    store_id: Mapped[UUID | None]
    program_version_id: Mapped[UUID | None]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    reference_kind: Mapped[str | None]
    reference_id: Mapped[UUID | None]
    reason: Mapped[str | None]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    previous_hash: Mapped[bytes]
    hash: Mapped[bytes]


class LedgerPostingRow(TenantRow):
    """One positive amount from a debit account to a credit account; so every entry balances by construction."""

    __tablename__ = "ledger_postings"
    __table_args__ = (
        PrimaryKeyConstraint("entry_id", "position"),
        CheckConstraint("amount > 0", name="amount_check"),
        CheckConstraint(f"debit_purpose IN ({PURPOSES})", name="debit_purpose_check"),
        CheckConstraint(f"credit_purpose IN ({PURPOSES})", name="credit_purpose_check"),
        CheckConstraint(
            "(debit_holder_id, debit_purpose) IS DISTINCT FROM (credit_holder_id, credit_purpose)", name="sides_check"
        ),
    )

    entry_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerEntryRow.id))
    position: Mapped[int]
    unit: Mapped[str]
    debit_holder_id: Mapped[UUID | None]
    debit_purpose: Mapped[str]
    credit_holder_id: Mapped[UUID | None]
    credit_purpose: Mapped[str]
    amount: Mapped[int]


class LedgerLotRow(TenantRow):
    """Points born together. ``remaining`` counts into pending or available, by ``state``, and ``held`` into held.

    A lot that waits for ``awaits_action`` has its deadline in ``activates_at``. ``clock`` is what moves its ends:
    ``expires_at``, and ``loses_at``, when the next part of it is lost. ``noticed`` says that the holder was told of
    its end as it is now. ``wanted`` of what is held is taken back once it is released.
    """

    __tablename__ = "ledger_lots"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_check"),
        CheckConstraint("remaining >= 0 AND remaining <= amount", name="remaining_check"),
        CheckConstraint("held >= 0 AND remaining + held <= amount", name="held_check"),
        CheckConstraint("loses_at IS NULL OR clock IS NOT NULL", name="loses_check"),
        CheckConstraint("wanted >= 0", name="wanted_check"),
        CheckConstraint(
            "awaits_action IS NULL OR (state = 'pending' AND clock IS NOT NULL AND expires_at IS NULL"
            " AND loses_at IS NULL)",
            name="awaits_check",
        ),
        CheckConstraint("state IN ('pending', 'active')", name="state_check"),
        CheckConstraint("expires_at IS NULL OR expires_at > activates_at", name="period_check"),
        Index("ledger_lots_held_or_open_idx", "holder_id", "unit", postgresql_where=text(OPEN)),
        # Lots for which time means something: a purchase looks for those that are due, among however many are open.
        Index(
            "ledger_lots_clocked_idx",
            "holder_id",
            postgresql_where=text(
                f"({OPEN}) AND (expires_at IS NOT NULL OR state = 'pending' OR clock IS NOT NULL OR held > 0)"
            ),
        ),
        # By time, for the night work, which looks at nothing but what is due.
        Index("ledger_lots_activates_at_idx", "activates_at", "id", postgresql_where=text(WAITING)),
        Index("ledger_lots_expires_at_idx", "expires_at", "id", postgresql_where=text(ENDING)),
        Index("ledger_lots_unnoticed_idx", "expires_at", "id", postgresql_where=text(f"{ENDING} AND NOT noticed")),
        Index("ledger_lots_loses_at_idx", "loses_at", "id", postgresql_where=text(LOSING)),
        Index("ledger_lots_deferred_idx", "deferred_from", postgresql_where=text("deferred_from IS NOT NULL")),
        Index("ledger_lots_origin_id_idx", "origin_id", postgresql_where=text("awaits_action IS NOT NULL")),
        Index("ledger_lots_origin_entry_id_idx", "origin_entry_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerHolderRow.id))
    unit: Mapped[str]
    amount: Mapped[int]
    remaining: Mapped[int]
    state: Mapped[str]
    activates_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    origin_entry_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerEntryRow.id))
    origin_kind: Mapped[str]
    origin_id: Mapped[UUID | None]
    rule_id: Mapped[str | None]
    funder_store_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    held: Mapped[int] = mapped_column(server_default=text("0"))
    loses_at: Mapped[datetime | None]
    awaits_action: Mapped[str | None]
    clock: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    noticed: Mapped[bool] = mapped_column(server_default=text("false"))
    wanted: Mapped[int] = mapped_column(server_default=text("0"))
    deferred_from: Mapped[datetime | None]


class LedgerHeldPartRow(TenantRow):
    """What a hold reserves of a lot; gone when the hold has ended. ``position`` is its place in drawing."""

    __tablename__ = "ledger_held_parts"
    __table_args__ = (
        PrimaryKeyConstraint("hold_id", "position"),
        CheckConstraint("amount > 0", name="amount_check"),
        Index(None, "lot_id"),
        Index("ledger_held_parts_expires_at_idx", "expires_at", "hold_id"),
    )

    hold_id: Mapped[UUID]
    position: Mapped[int]
    lot_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerLotRow.id))
    holder_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerHolderRow.id))
    amount: Mapped[int]
    expires_at: Mapped[datetime]


class LedgerActivityRow(TenantRow):
    """What a holder did that holds points alive; gone when it is taken back."""

    __tablename__ = "ledger_activities"
    __table_args__ = (Index("ledger_activities_holder_id_id_idx", "holder_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerHolderRow.id))
    activity: Mapped[str]
    occurred_at: Mapped[datetime]
    source_kind: Mapped[str]
    source_id: Mapped[UUID]
    recorded_at: Mapped[datetime | None]


class LedgerLotMovementRow(TenantRow):
    """What an entry did to a lot, so that a reversal gives back to the very lots that were drawn."""

    __tablename__ = "ledger_lot_movements"
    __table_args__ = (
        PrimaryKeyConstraint("entry_id", "position"),
        CheckConstraint("delta <> 0", name="delta_check"),
        CheckConstraint("purpose IN ('pending', 'available', 'held')", name="purpose_check"),
        Index(None, "lot_id"),
    )

    entry_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerEntryRow.id))
    position: Mapped[int]
    lot_id: Mapped[UUID] = mapped_column(ForeignKey(LedgerLotRow.id))
    purpose: Mapped[str]
    delta: Mapped[int]
