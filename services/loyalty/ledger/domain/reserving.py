"""Points that a hold has reserved: which part of which lot, and the entries that reserve, capture and release them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.loyalty.ledger.domain.accounts import AccountRef, Posting, Purpose
from services.loyalty.ledger.domain.entries import EntryDraft, EntryHeader, EntryKind, assert_balanced
from services.loyalty.ledger.domain.lots import LotMovement


@dataclass(frozen=True, slots=True)
class HeldPart:
    """``amount`` points of a lot that a hold reserves until ``expires_at``; ``position`` is its place in drawing."""

    hold_id: UUID
    position: int
    lot_id: UUID
    amount: int
    expires_at: datetime


def hold_entry(header: EntryHeader, *, unit: str, movements: Sequence[LotMovement]) -> EntryDraft:
    """The points of ``movements`` (from ``allocate_lots``) are held: still in their lots, but not spendable."""
    moved = [(movement.lot_id, -movement.delta) for movement in movements]
    sides = _own(header, unit, Purpose.AVAILABLE), _own(header, unit, Purpose.HELD)
    return _moving(header, EntryKind.HOLD, sides, moved)


def release_entry(header: EntryHeader, *, unit: str, parts: Sequence[HeldPart]) -> EntryDraft:
    """Held points are spendable again."""
    moved = [(part.lot_id, part.amount) for part in parts]
    sides = _own(header, unit, Purpose.HELD), _own(header, unit, Purpose.AVAILABLE)
    return _moving(header, EntryKind.RELEASE, sides, moved)


def capture_entry(header: EntryHeader, *, unit: str, parts: Sequence[HeldPart]) -> EntryDraft:
    """Held points are spent."""
    moved = [(part.lot_id, part.amount) for part in parts]
    sides = _own(header, unit, Purpose.HELD), AccountRef(None, unit, Purpose.REDEMPTION)
    return _moving(header, EntryKind.CAPTURE, sides, moved)


def first_of(parts: Sequence[HeldPart], amount: int) -> tuple[tuple[HeldPart, ...], tuple[HeldPart, ...]]:
    """The parts that make up the first ``amount`` points in the order of drawing, and those that remain."""
    taken: list[HeldPart] = []
    kept: list[HeldPart] = []
    left = amount
    for part in parts:
        portion = min(left, part.amount)
        left -= portion
        for portions, points in ((taken, portion), (kept, part.amount - portion)):
            if points:
                portions.append(HeldPart(part.hold_id, part.position, part.lot_id, points, part.expires_at))
    return tuple(taken), tuple(kept)


def _own(header: EntryHeader, unit: str, purpose: Purpose) -> AccountRef:
    return AccountRef(header.holder_id, unit, purpose)


def _moving(
    header: EntryHeader, kind: EntryKind, sides: tuple[AccountRef, AccountRef], moved: Sequence[tuple[UUID, int]]
) -> EntryDraft:
    debit, credit = sides
    posting = Posting(1, debit.unit, debit, credit, sum(points for _, points in moved))
    steps = [(lot_id, debit.purpose, -points) for lot_id, points in moved]
    if credit.holder_id is not None:
        steps += [(lot_id, credit.purpose, points) for lot_id, points in moved]
    movements = tuple(LotMovement(position, *step) for position, step in enumerate(steps, start=1))
    draft = EntryDraft(header, kind, (posting,), movements)
    assert_balanced(draft)
    return draft
