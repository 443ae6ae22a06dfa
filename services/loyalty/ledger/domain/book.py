"""One holder's ledger while it is locked: what is there, and the entries that are to be written."""

import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.loyalty.ledger.domain.chain import ChainHead, head_of, seal
from services.loyalty.ledger.domain.entries import (
    Entry,
    EntryDraft,
    EntryHeader,
    EntryKind,
    activation_entry,
    expiry_entry,
)
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.ledger.domain.lots import Lot, apply_movements, due_lots


@dataclass(slots=True)
class HolderBook:
    """Posts entries one after the other: each follows the last in the chain and sees the lots that the last left.

    ``lots`` are those that were loaded (at least the ones that are due) and those born since.
    """

    holder_id: UUID
    head: ChainHead
    balances: dict[str, Balance]
    lots: dict[UUID, Lot]
    known_units: frozenset[str]
    """The units of which the holder has a stored balance."""
    entries: list[Entry] = field(default_factory=list)
    born: dict[UUID, EntryHeader] = field(default_factory=dict)
    """The new lots, by id, with the header of the entry that they were born with."""
    changed: set[UUID] = field(default_factory=set)
    """The ids of the stored lots that entries have moved."""

    def balance(self, unit: str) -> Balance:
        """What the holder has of a unit, after all entries so far."""
        return self.balances.get(unit) or Balance(self.holder_id, unit)

    def lots_of(self, unit: str) -> tuple[Lot, ...]:
        """The lots of a unit with a remainder."""
        return tuple(lot for lot in self.lots.values() if lot.unit == unit and lot.remaining > 0)

    def post(self, draft: EntryDraft) -> Entry:
        """Seal the draft as the next entry.

        Raises:
            BalanceTooLarge: the holder would have more than can be counted.
        """
        entry = seal(draft, head=self.head)
        for unit in dict.fromkeys(posting.unit for posting in draft.postings):
            self.balances[unit] = self.balance(unit).after(draft)
        for lot in draft.lots:
            self.lots[lot.id] = lot
            self.born[lot.id] = draft.header
        newborn = {lot.id for lot in draft.lots}
        movements = [movement for movement in draft.lot_movements if movement.lot_id not in newborn]
        moved = [self.lots[lot_id] for lot_id in dict.fromkeys(movement.lot_id for movement in movements)]
        for lot in apply_movements(moved, movements):
            self.lots[lot.id] = lot
            if lot.id not in self.born:
                self.changed.add(lot.id)
        self.entries.append(entry)
        self.head = head_of(entry)
        return entry

    def settle_due(self, header: EntryHeader, *, ids: Iterator[UUID]) -> None:
        """Activate and expire what is due when ``header`` is recorded, instant by instant, activation first."""
        now = header.recorded_at
        due = due_lots(self.lots.values(), now)
        steps = [(lot.activates_at, EntryKind.ACTIVATION, lot) for lot in due.activate]
        steps += [(_end(lot), EntryKind.EXPIRY, lot) for lot in due.expire]
        for instant, kind in sorted({(instant, kind) for instant, kind, _ in steps}):
            lots = [self.lots[lot.id] for at, what, lot in steps if (at, what) == (instant, kind)]
            step = dataclasses.replace(header, id=next(ids), occurred_at=instant)
            make = activation_entry if kind is EntryKind.ACTIVATION else expiry_entry
            self.post(make(step, lots=lots))

    def lapsed(self, lot_ids: Collection[UUID]) -> int:
        """How many points of these lots the entries so far have expired."""
        return -sum(
            movement.delta
            for entry in self.entries
            if entry.kind is EntryKind.EXPIRY
            for movement in entry.lot_movements
            if movement.lot_id in lot_ids
        )


def _end(lot: Lot) -> datetime:
    assert lot.expires_at is not None
    return lot.expires_at
