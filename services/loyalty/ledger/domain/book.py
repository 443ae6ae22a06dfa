"""One holder's ledger while it is locked: what is there, and the entries that are to be written."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.loyalty.ledger.domain.accounts import Purpose
from services.loyalty.ledger.domain.activity import ActivityMark, withdrawn
from services.loyalty.ledger.domain.chain import ChainHead, head_of, seal
from services.loyalty.ledger.domain.entries import (
    Entry,
    EntryDraft,
    EntryHeader,
    EntryKind,
    Reference,
    expiry_entry,
    repayment_entry,
)
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.ledger.domain.lots import Lot, allocate_lots, apply_movements, draw_from, spending_order
from services.loyalty.ledger.domain.reserving import HeldPart, capture_entry, first_of, hold_entry, release_entry
from services.platform.ids import new_id

HOLD_REFERENCE = "hold"


def _ids() -> Iterator[UUID]:
    while True:
        yield new_id()


@dataclass(slots=True)
class HolderBook:
    """Posts entries one after the other: each follows the last in the chain and sees the lots that the last left.

    ``lots`` are those that were loaded (at least the ones that are due, held, or move with activities) and those born
    since. What becomes spendable pays back what is owed first, so that nothing is available while anything is owed.
    """

    holder_id: UUID
    head: ChainHead
    balances: dict[str, Balance]
    lots: dict[UUID, Lot]
    known_units: frozenset[str]
    """The units of which the holder has a stored balance."""
    parts: dict[UUID, tuple[HeldPart, ...]] = field(default_factory=dict)
    """What holds reserve, by hold, in the order of drawing."""
    entries: list[Entry] = field(default_factory=list)
    born: dict[UUID, EntryHeader] = field(default_factory=dict)
    """The new lots, by id, with the header of the entry that they were born with."""
    changed: set[UUID] = field(default_factory=set)
    """The ids of the stored lots that entries or activities have changed."""
    parts_changed: set[UUID] = field(default_factory=set)
    """The ids of the holds whose parts have changed."""
    marks: list[ActivityMark] = field(default_factory=list)
    """Activities that are to be stored."""
    marks_gone: list[UUID] = field(default_factory=list)
    """The ids of stored activities that are to be forgotten."""
    ids: Iterator[UUID] = field(default_factory=_ids)

    @property
    def has_news(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.entries or self.changed or self.marks or self.marks_gone)

    def balance(self, unit: str) -> Balance:
        """What the holder has of a unit, after all entries so far."""
        return self.balances.get(unit) or Balance(self.holder_id, unit)

    def lots_of(self, unit: str) -> tuple[Lot, ...]:
        """The lots of a unit with a remainder."""
        return tuple(lot for lot in self.lots.values() if lot.unit == unit and lot.remaining > 0)

    def owing_room(self, unit: str, owed_max: int) -> int:
        """How much more of a unit the holder may owe, of at most ``owed_max``."""
        return max(0, owed_max - self.balance(unit).owed)

    def post(self, draft: EntryDraft) -> Entry:
        """Seal the draft as the next entry; a repayment follows where it made points spendable and some are owed.

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
            self._put(lot)
        self.entries.append(entry)
        self.head = head_of(entry)
        self._repay(draft)
        return entry

    def hold(self, header: EntryHeader, *, unit: str, amount: int, hold_id: UUID, expires_at: datetime) -> Entry:
        """Reserve points of the lots that expire soonest, by name. Due lots must be settled, all open ones loaded.

        Raises:
            InsufficientPoints
        """
        movements = allocate_lots(self.lots_of(unit), amount, header.recorded_at)
        entry = self.post(hold_entry(header, unit=unit, movements=movements))
        parts = tuple(HeldPart(hold_id, m.position, m.lot_id, -m.delta, expires_at) for m in movements)
        self._set_parts(hold_id, parts)
        return entry

    def held_by(self, hold_id: UUID) -> int:
        """How many points a hold still reserves."""
        return sum(part.amount for part in self.parts.get(hold_id, ()))

    def capture(self, header: EntryHeader, *, hold_id: UUID, amount: int) -> Entry:
        """Spend the first ``amount`` of what a hold reserves (at least as much); the rest stays held."""
        taken, kept = first_of(self.parts[hold_id], amount)
        entry = self.post(capture_entry(header, unit=self._unit_of(taken), parts=taken))
        self._set_parts(hold_id, kept)
        return entry

    def release(self, header: EntryHeader, *, hold_id: UUID) -> Entry:
        """Give back what a hold still reserves; points of lots that have ended meanwhile lapse at once."""
        parts = self.parts[hold_id]
        entry = self.post(release_entry(header, unit=self._unit_of(parts), parts=parts))
        self._set_parts(hold_id, ())
        lots = [self.lots[lot_id] for lot_id in dict.fromkeys(part.lot_id for part in parts)]
        ended = [lot for lot in lots if lot.remaining > 0 and lot.expired(header.occurred_at)]
        if ended:
            lapsing = dataclasses.replace(header, id=next(self.ids), reference=None, reason=None)
            self.post(expiry_entry(lapsing, lots=ended))
        return entry

    def show_activity(self, activity: str, at: datetime, source: Reference) -> None:
        """The holder did something at an instant: ends that it moves move away, and never nearer."""
        living = [lot for lot in self.lots.values() if lot.remaining + lot.held > 0 and not lot.expired(at)]
        clocked = [lot for lot in living if lot.clock is not None]
        for lot in clocked:
            validity = lot.validity.after(activity, at)
            if validity != lot.validity:
                self._put(lot.lasting(validity))
        if clocked:
            self.marks.append(ActivityMark(next(self.ids), activity, at, source))

    def withdraw_activity(self, source: Reference, marks: Sequence[ActivityMark]) -> None:
        """Move ends as if what the holder did there had not been; ``marks`` are all that are stored of the holder."""
        gone = [mark.id for mark in marks if mark.source == source]
        if not gone:
            return
        for lot in [lot for lot in self.lots.values() if lot.clock is not None]:
            back = withdrawn(lot, source=source, marks=marks)
            if back != lot:
                self._put(back)
        self.marks_gone += gone

    def give_back_ends(self, lot_ids: Iterable[UUID], *, at: datetime, grace_days: int) -> None:
        """Before points come back to lots: those that have ended last ``grace_days`` times 24 hours from ``at``."""
        for lot in [self.lots[lot_id] for lot_id in lot_ids]:
            if grace_days > 0 and lot.expired(at):
                self._put(dataclasses.replace(lot, expires_at=at + timedelta(days=grace_days)))

    def reschedule(self, lots: Iterable[Lot]) -> None:
        """Lots whose validity has become another one."""
        for lot in lots:
            self._put(lot)

    def lapsed(self, lot_ids: Collection[UUID]) -> int:
        """How many points of these lots the entries so far have expired."""
        return -sum(
            movement.delta
            for entry in self.entries
            if entry.kind is EntryKind.EXPIRY
            for movement in entry.lot_movements
            if movement.lot_id in lot_ids
        )

    def _put(self, lot: Lot) -> None:
        self.lots[lot.id] = lot
        if lot.id not in self.born:
            self.changed.add(lot.id)

    def _set_parts(self, hold_id: UUID, parts: tuple[HeldPart, ...]) -> None:
        self.parts[hold_id] = parts
        self.parts_changed.add(hold_id)

    def _unit_of(self, parts: Sequence[HeldPart]) -> str:
        return self.lots[parts[0].lot_id].unit

    def _repay(self, draft: EntryDraft) -> None:
        gained = [m.lot_id for m in draft.lot_movements if m.purpose is Purpose.AVAILABLE and m.delta > 0]
        for unit in dict.fromkeys(self.lots[lot_id].unit for lot_id in gained):
            owed = self.balance(unit).owed
            lots = [self.lots[lot_id] for lot_id in dict.fromkeys(gained) if self.lots[lot_id].unit == unit]
            movements = draw_from(spending_order(lots), owed)
            if movements:
                header = dataclasses.replace(draft.header, id=next(self.ids), reference=None, reason=None)
                self.post(repayment_entry(header, unit=unit, movements=movements))
