"""One holder's ledger while it is locked: what is there, and the entries that are to be written."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.loyalty.ledger.domain.accounts import Purpose
from services.loyalty.ledger.domain.activity import ActivityMark, replayed, withdrawn
from services.loyalty.ledger.domain.chain import ChainHead, head_of, seal
from services.loyalty.ledger.domain.entries import (
    Entry,
    EntryDraft,
    EntryHeader,
    EntryKind,
    Reference,
    clawback_entry,
    expiry_entry,
    repayment_entry,
)
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.ledger.domain.lots import Lot, allocate_lots, apply_movements, draw_from, spending_order
from services.loyalty.ledger.domain.reserving import HeldPart, capture_entry, first_of, hold_entry, release_entry
from services.platform.ids import new_id

HOLD_REFERENCE = "hold"
PURCHASE_REFERENCE = "purchase"
ENDINGS = frozenset({EntryKind.EXPIRY, EntryKind.CANCELLATION})


def _is_ending(entry: Entry) -> bool:
    """Whether points ended by it, or went back by themselves: what a refund takes is about the refund."""
    about = entry.header.reference
    is_by_itself = about is not None and about.kind == PURCHASE_REFERENCE
    return entry.kind in ENDINGS or (entry.kind is EntryKind.CLAWBACK and is_by_itself)


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
    now: datetime | None = None
    """When activities are noted; None: when they happen."""

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
        for before, lot in zip(moved, apply_movements(moved, movements), strict=True):
            is_back = before.remaining == 0 < lot.remaining
            self._put(lot.lasting(lot.validity.resumed(draft.header.occurred_at)) if is_back else lot)
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
        """Give back what a hold still reserves.

        What was wanted back while it was held is taken now, and the rest of lots that have ended meanwhile lapses.
        """
        parts = self.parts[hold_id]
        wanted = {part.lot_id: self.lots[part.lot_id].wanted for part in parts if self.lots[part.lot_id].wanted}
        entry = self.post(release_entry(header, unit=self._unit_of(parts), parts=parts))
        self._set_parts(hold_id, ())
        for lot_id, points in wanted.items():
            self._take_wanted(header, lot_id, points)
        lots = [self.lots[lot_id] for lot_id in dict.fromkeys(part.lot_id for part in parts)]
        ended = [lot for lot in lots if lot.remaining > 0 and lot.expired(header.occurred_at)]
        if ended:
            lapsing = dataclasses.replace(header, id=next(self.ids), reference=None, reason=None)
            self.post(expiry_entry(lapsing, lots=ended))
        return entry

    def want(self, lot_ids: Iterable[UUID], points: int) -> int:
        """Of these lots ``points`` in all are wanted back that are held; how many of them holds may still release."""
        left = points
        for lot in spending_order(self.lots[lot_id] for lot_id in lot_ids):
            part = min(left, lot.held)
            left -= part
            if part != lot.wanted:
                self._put(dataclasses.replace(lot, wanted=part))
        return points - left

    def show_activity(self, activity: str, at: datetime, source: Reference) -> None:
        """The holder did something at an instant: ends that it moves move away, and never nearer."""
        living = [lot for lot in self.lots.values() if lot.remaining + lot.held > 0 and not lot.expired(at)]
        clocked = [lot for lot in living if lot.clock is not None]
        for lot in clocked:
            validity = lot.validity.after(activity, at)
            if validity != lot.validity:
                self._put(lot.lasting(validity))
        if clocked:
            self.marks.append(ActivityMark(next(self.ids), activity, at, source, self.now or at))

    def withdraw_activity(self, source: Reference, marks: Sequence[ActivityMark]) -> None:
        """Move ends as if what the holder did there had not been; ``marks`` are all that are stored of the holder."""
        marks = [mark for mark in marks if mark.id not in self.marks_gone]
        gone = [mark.id for mark in marks if mark.source == source]
        if not gone:
            return
        for lot in [lot for lot in self.lots.values() if lot.clock is not None]:
            back = withdrawn(lot, source=source, marks=marks)
            if back != lot:
                self._put(back)
        self.marks_gone += gone

    def give_back_ends(
        self, lot_ids: Iterable[UUID], *, at: datetime, grace_days: int, marks: Sequence[ActivityMark] = ()
    ) -> None:
        """Before points come back to lots: those that have ended last ``grace_days`` times 24 hours from ``at``.

        Activities count that were noted while nothing was left of a lot; ``marks`` are all that are stored.
        """
        noted = [mark for mark in (*marks, *self.marks) if mark.id not in self.marks_gone]
        for lot in [self.lots[lot_id] for lot_id in lot_ids]:
            back = lot.lasting(replayed(lot, noted)) if noted and lot.remaining + lot.held == 0 else lot
            if grace_days > 0 and back.expired(at):
                ending = back.validity.ends_by(expires_at=at + timedelta(days=grace_days), loses_at=back.loses_at)
                back = back.lasting(ending.resumed(at).rebased(next(self.ids)))
            if back != lot:
                self._put(back)

    def begin(self, lots: Iterable[Lot]) -> None:
        """Lots that have got a validity of their own: no activity that was noted before moves it."""
        for lot in lots:
            clock = lot.clock and dataclasses.replace(lot.clock, since=next(self.ids))
            self._put(dataclasses.replace(lot, clock=clock))

    def defer(self, lot_ids: Iterable[UUID], until: datetime) -> None:
        """Lots live on until then, whatever activity moved their ends before; where they would have ended is kept."""
        for lot in [self.lots[lot_id] for lot_id in lot_ids]:
            later = lot.validity.ends_by(expires_at=until, loses_at=lot.loses_at).rebased(next(self.ids))
            first = lot.deferred_from or lot.expires_at
            self._put(dataclasses.replace(lot.lasting(later), deferred_from=first))

    def reschedule(self, lots: Iterable[Lot]) -> None:
        """Lots whose ends have moved."""
        for lot in lots:
            self._put(lot)

    def lapsed(self, lot_ids: Collection[UUID], *, kinds: frozenset[EntryKind] | None = None) -> int:
        """How many points of these lots the entries so far have ended, or those of some ``kinds`` have.

        How they may end is told with `queries.lapsed_statement`.
        """
        return -sum(
            movement.delta
            for entry in self.entries
            if (entry.kind in kinds if kinds is not None else _is_ending(entry))
            for movement in entry.lot_movements
            if movement.lot_id in lot_ids
        )

    def _take_wanted(self, header: EntryHeader, lot_id: UUID, points: int) -> None:
        lot = self.lots[lot_id]
        part = min(points, lot.remaining)
        if part:
            assert lot.origin.id is not None, "what is wanted back was born of something"
            about = Reference(lot.origin.kind, lot.origin.id)
            taking = dataclasses.replace(header, id=next(self.ids), reference=about, reason=None)
            self.post(clawback_entry(taking, unit=lot.unit, movements=draw_from((lot,), part)))
            lot = self.lots[lot_id]
        self._put(dataclasses.replace(lot, wanted=min(points - part, lot.held)))

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
