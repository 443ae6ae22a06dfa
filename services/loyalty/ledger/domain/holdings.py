"""What a holder has of one unit, and what can be wrong with it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.loyalty.ledger.domain.accounts import Purpose
from services.loyalty.ledger.domain.balances import COUNTERS, balance_changes, counter_changes
from services.loyalty.ledger.domain.entries import Entry, EntryDraft, EntryKind
from services.loyalty.ledger.errors import BalanceTooLarge
from services.platform.actors import ActorKind
from services.platform.money import AMOUNT_MAX


@dataclass(frozen=True, slots=True)
class Balance:
    """What a holder has and what happened, in the unit's smallest part (``CounterChange`` states the law)."""

    holder_id: UUID
    unit: str
    pending: int = 0
    available: int = 0
    held: int = 0
    owed: int = 0
    earned: int = 0
    spent: int = 0
    expired: int = 0
    reversed: int = 0
    adjusted: int = 0
    transferred: int = 0

    def after(self, entry: EntryDraft | Entry) -> "Balance":
        """The balance once the entry is posted.

        Raises:
            BalanceTooLarge: an account or a counter would leave what can be counted.
        """
        change: defaultdict[str, int] = defaultdict(int)
        for moved in balance_changes(entry):
            if (moved.holder_id, moved.unit) == (self.holder_id, self.unit):
                change[moved.purpose] += moved.moved_in - moved.moved_out
        for counted in counter_changes(entry):
            if (counted.holder_id, counted.unit) == (self.holder_id, self.unit):
                for counter in COUNTERS:
                    change[counter] += getattr(counted, counter)
        after = Balance(
            self.holder_id,
            self.unit,
            self.pending + change["pending"],
            self.available + change["available"],
            self.held + change["held"],
            self.owed + change["owed"],
            self.earned + change["earned"],
            self.spent + change["spent"],
            self.expired + change["expired"],
            self.reversed + change["reversed"],
            self.adjusted + change["adjusted"],
            self.transferred + change["transferred"],
        )
        if max(after.pending + after.available + after.held, after.earned, after.spent, after.adjusted) > AMOUNT_MAX:
            raise BalanceTooLarge(maximum=AMOUNT_MAX)
        return after


@dataclass(frozen=True, slots=True)
class EntryLine:
    """What a list shows of an entry; ``gained`` is what the holder's accounts gained by its postings."""

    id: UUID
    holder_id: UUID | None
    kind: EntryKind
    seq: int
    gained: int
    store_id: UUID | None
    reason: str | None
    actor_kind: ActorKind
    occurred_at: datetime
    recorded_at: datetime
    prev_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class EndingLot:
    """What is left of a lot that ends; ``is_noticed``: its holder was told of this end."""

    id: UUID
    holder_id: UUID
    unit: str
    points: int
    expires_at: datetime
    is_noticed: bool


@dataclass(frozen=True, slots=True)
class AwaitingLot:
    """A lot that awaits an action, and by which version of the program it was born."""

    id: UUID
    holder_id: UUID
    program_version_id: UUID | None


class LedgerFaultKind(StrEnum):
    """What a verification can find."""

    UNIT_NOT_ZERO = "unit_not_zero"
    """What holders have and what the program gave do not cancel out."""
    BALANCE_DIFFERS = "balance_differs"
    """A running balance is not the sum of its postings."""
    COUNTERS_DIFFER = "counters_differ"
    """The counters do not explain the balance."""
    LOTS_DIFFER = "lots_differ"
    """A balance is not the sum of its lots."""
    MOVEMENTS_DIFFER = "movements_differ"
    """A lot's remainder is not the sum of its movements."""
    HOLDS_DIFFER = "holds_differ"
    """What holds have reserved of a lot is not what the lot says is held."""
    CHAIN_BROKEN = "chain_broken"
    """A hash chain does not hold; ``detail`` says how."""


@dataclass(frozen=True, slots=True)
class LedgerFault:
    """One fault with its place. ``expected`` comes from the entries, ``actual`` is what was found in its place."""

    kind: LedgerFaultKind
    holder_id: UUID | None = None
    unit: str | None = None
    purpose: Purpose | None = None
    lot_id: UUID | None = None
    seq: int | None = None
    expected: int | None = None
    actual: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerVerdict:
    """What was counted and found; ``faults`` holds the first ``FAULTS_MAX``."""

    entries: int
    holders: int
    units: tuple[str, ...]
    faults: tuple[LedgerFault, ...]
