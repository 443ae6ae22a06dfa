"""What an entry does to running balances and counters."""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from services.loyalty.ledger.domain.accounts import AccountRef, Posting, Purpose
from services.loyalty.ledger.domain.entries import Entry, EntryDraft, EntryKind


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """What an entry adds to the running in and out of one holder account.

    What is owed stands on the other side: a debit adds to it, a credit pays it back.
    """

    holder_id: UUID
    unit: str
    purpose: Purpose
    moved_in: int
    moved_out: int


@dataclass(frozen=True, slots=True)
class CounterChange:
    """What an entry adds to a holder's counters of one unit.

    Law: pending + available + held - owed = earned - spent - expired - reversed + adjusted + transferred.
    ``adjusted`` and ``transferred`` (what came from other holders, less what went to them) are signed; ``spent`` and
    ``reversed`` fall when points come back to their lots.
    """

    holder_id: UUID
    unit: str
    earned: int = 0
    spent: int = 0
    expired: int = 0
    reversed: int = 0
    adjusted: int = 0
    transferred: int = 0


COUNTERS = ("earned", "spent", "expired", "reversed", "adjusted", "transferred")
_SIGNED = frozenset({"adjusted", "transferred"})
_COUNTERS = {
    Purpose.ISSUANCE: "reversed",
    Purpose.REDEMPTION: "spent",
    Purpose.BREAKAGE: "expired",
    Purpose.ADJUSTMENT: "adjusted",
    Purpose.CLEARING: "transferred",
}


def balance_changes(entry: EntryDraft | Entry) -> tuple[BalanceChange, ...]:
    """The holder accounts that an entry touches, in lock order (holder, unit, purpose).

    Accounts of the program are left out: they keep no running balance, or a whole tenant would queue on one row.
    """
    moved: defaultdict[AccountRef, list[int]] = defaultdict(lambda: [0, 0])
    for posting in entry.postings:
        for account, side in ((posting.credit, 0), (posting.debit, 1)):
            moved[account][1 - side if account.purpose is Purpose.OWED else side] += posting.amount
    changes = [
        BalanceChange(account.holder_id, account.unit, account.purpose, moved_in, moved_out)
        for account, (moved_in, moved_out) in moved.items()
        if account.holder_id is not None
    ]
    return tuple(sorted(changes, key=lambda change: (change.holder_id, change.unit, change.purpose)))


def counter_changes(entry: EntryDraft | Entry) -> tuple[CounterChange, ...]:
    """What an entry adds to the counters of each holder and unit, ordered by both.

    Raises:
        ValueError: a posting between a holder and the program for which no counter is kept.
    """
    sums: defaultdict[tuple[UUID, str], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for posting in entry.postings:
        counted = _counted(entry.kind, posting)
        if counted is not None:
            holder_id, counter, amount = counted
            sums[holder_id, posting.unit][counter] += amount
    return tuple(CounterChange(holder_id, unit, **sums[holder_id, unit]) for holder_id, unit in sorted(sums))


def _counted(kind: EntryKind, posting: Posting) -> tuple[UUID, str, int] | None:
    giving = posting.credit.holder_id
    taking = posting.debit.holder_id
    if giving is not None and taking is None:
        holder_id, program, sign = giving, posting.debit.purpose, 1
    elif taking is not None and giving is None:
        holder_id, program, sign = taking, posting.credit.purpose, -1
    else:
        return None
    if kind is EntryKind.ACCRUAL:
        return holder_id, "earned", sign * posting.amount
    if program not in _COUNTERS:
        message = f"no counter is kept of {program}"
        raise ValueError(message)
    counter = _COUNTERS[program]
    return holder_id, counter, posting.amount * (sign if counter in _SIGNED else -sign)
