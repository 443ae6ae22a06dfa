"""Entries: immutable sets of postings, made only by the constructors here and balanced by construction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.loyalty.ledger.domain.accounts import LOT_PURPOSES, AccountRef, Posting, Purpose
from services.loyalty.ledger.domain.lots import Lot, LotMovement
from services.platform.actors import Actor
from services.platform.errors import InvalidInput


class EntryKind(StrEnum):
    """What happened."""

    ACCRUAL = "accrual"
    REDEMPTION = "redemption"
    CLAWBACK = "clawback"
    RESTORATION = "restoration"
    ADJUSTMENT = "adjustment"
    ACTIVATION = "activation"
    EXPIRY = "expiry"
    CANCELLATION = "cancellation"
    """Pending points whose awaited action has not come."""
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    TRANSFER = "transfer"
    REPAYMENT = "repayment"
    """Points that became spendable pay back what is owed."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The thing an entry is about: ``kind`` such as ``purchase``, ``refund``, ``redemption``, and its id."""

    kind: str
    id: UUID


@dataclass(frozen=True, slots=True)
class EntryHeader:
    """What every entry says about itself. ``holder_id`` owns the chain; None is the chain of program-only entries."""

    id: UUID
    holder_id: UUID | None
    store_id: UUID | None
    program_version_id: UUID | None
    actor: Actor
    reference: Reference | None
    reason: str | None
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An entry that has no place in its chain yet. ``lots`` are those born with it."""

    header: EntryHeader
    kind: EntryKind
    postings: tuple[Posting, ...]
    lot_movements: tuple[LotMovement, ...]
    lots: tuple[Lot, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A sealed entry: ``seq`` counts from 1 in the holder's chain, hashes are 32 bytes (``chain.entry_hash``)."""

    header: EntryHeader
    kind: EntryKind
    seq: int
    postings: tuple[Posting, ...]
    lot_movements: tuple[LotMovement, ...]
    prev_hash: bytes
    hash: bytes


def accrual_entry(header: EntryHeader, *, lots: Sequence[Lot]) -> EntryDraft:
    """Points are born: one posting a lot from the program's issuance to the holder's pending or available account."""
    return _birth(header, EntryKind.ACCRUAL, Purpose.ISSUANCE, lots)


def adjustment_credit_entry(header: EntryHeader, *, lot: Lot) -> EntryDraft:
    """Staff give points, for a reason.

    Raises:
        InvalidInput: the header states no reason.
    """
    _require_reason(header)
    return _birth(header, EntryKind.ADJUSTMENT, Purpose.ADJUSTMENT, (lot,))


def adjustment_debit_entry(header: EntryHeader, *, unit: str, movements: Sequence[LotMovement]) -> EntryDraft:
    """Staff take the points of ``movements`` (from ``allocate_lots``), for a reason.

    Raises:
        InvalidInput: the header states no reason.
    """
    _require_reason(header)
    return _taking(header, EntryKind.ADJUSTMENT, Purpose.ADJUSTMENT, unit, movements)


def redemption_entry(header: EntryHeader, *, unit: str, movements: Sequence[LotMovement]) -> EntryDraft:
    """The holder spends the points of ``movements`` (from ``allocate_lots``)."""
    return _taking(header, EntryKind.REDEMPTION, Purpose.REDEMPTION, unit, movements)


def clawback_entry(header: EntryHeader, *, unit: str, movements: Sequence[LotMovement], owed: int = 0) -> EntryDraft:
    """A refund takes back the points of ``movements`` (from ``allocate_clawback``), and ``owed`` that are not there."""
    return _taking(header, EntryKind.CLAWBACK, Purpose.ISSUANCE, unit, movements, owed=owed)


def restoration_entry(
    header: EntryHeader, *, unit: str, movements: Sequence[LotMovement], source: Purpose, owed: int = 0
) -> EntryDraft:
    """Points come back to the lots they were drawn from (``give_back``), and ``owed`` less are owed.

    ``source`` is where they had gone: ``redemption`` when a redemption is canceled, ``issuance`` when a claw-back is.
    """
    by_purpose = _sums(movements) + ([(Purpose.OWED, owed)] if owed else [])
    postings = tuple(
        Posting(position, unit, AccountRef(None, unit, source), AccountRef(header.holder_id, unit, purpose), amount)
        for position, (purpose, amount) in enumerate(by_purpose, start=1)
    )
    return _balanced(EntryDraft(header, EntryKind.RESTORATION, postings, tuple(movements)))


def activation_entry(header: EntryHeader, *, lots: Sequence[Lot]) -> EntryDraft:
    """Pending lots become spendable: their remainders move from pending to available, one posting a unit."""
    amounts = _remainders(lots)
    postings = tuple(
        Posting(
            position,
            unit,
            AccountRef(header.holder_id, unit, Purpose.PENDING),
            AccountRef(header.holder_id, unit, Purpose.AVAILABLE),
            amount,
        )
        for position, (unit, amount) in enumerate(amounts, start=1)
    )
    movements = tuple(
        LotMovement(2 * index + offset, lot.id, purpose, sign * lot.remaining)
        for index, lot in enumerate(lots)
        for offset, purpose, sign in ((1, Purpose.PENDING, -1), (2, Purpose.AVAILABLE, 1))
    )
    return _balanced(EntryDraft(header, EntryKind.ACTIVATION, postings, movements))


def expiry_entry(header: EntryHeader, *, lots: Sequence[Lot]) -> EntryDraft:
    """Active lots end: their remainders move from available to the program's breakage, one posting a unit."""
    postings = tuple(
        Posting(
            position,
            unit,
            AccountRef(header.holder_id, unit, Purpose.AVAILABLE),
            AccountRef(None, unit, Purpose.BREAKAGE),
            amount,
        )
        for position, (unit, amount) in enumerate(_remainders(lots), start=1)
    )
    movements = tuple(
        LotMovement(position, lot.id, Purpose.AVAILABLE, -lot.remaining) for position, lot in enumerate(lots, start=1)
    )
    return _balanced(EntryDraft(header, EntryKind.EXPIRY, postings, movements))


def loss_entry(header: EntryHeader, *, unit: str, movements: Sequence[LotMovement]) -> EntryDraft:
    """Parts of active lots end, as ``movements`` say."""
    return _taking(header, EntryKind.EXPIRY, Purpose.BREAKAGE, unit, movements)


def cancellation_entry(header: EntryHeader, *, lots: Sequence[Lot]) -> EntryDraft:
    """Pending lots go back to where they came from: the action that they awaited has not come, or is called off."""
    movements = [LotMovement(position, lot.id, lot.purpose, -lot.remaining) for position, lot in enumerate(lots, 1)]
    postings = tuple(
        Posting(
            position,
            unit,
            AccountRef(header.holder_id, unit, Purpose.PENDING),
            AccountRef(None, unit, Purpose.ISSUANCE),
            amount,
        )
        for position, (unit, amount) in enumerate(_remainders(lots), start=1)
    )
    return _balanced(EntryDraft(header, EntryKind.CANCELLATION, postings, tuple(movements)))


def repayment_entry(header: EntryHeader, *, unit: str, movements: Sequence[LotMovement]) -> EntryDraft:
    """The points of ``movements`` pay back what the holder owes."""
    amount = -sum(movement.delta for movement in movements)
    available = AccountRef(header.holder_id, unit, Purpose.AVAILABLE)
    posting = Posting(1, unit, available, AccountRef(header.holder_id, unit, Purpose.OWED), amount)
    return _balanced(EntryDraft(header, EntryKind.REPAYMENT, (posting,), tuple(movements)))


def transfer_out_entry(header: EntryHeader, *, unit: str, movements: Sequence[LotMovement]) -> EntryDraft:
    """The points of ``movements`` (from ``allocate_lots``) go to another holder, by way of the program's clearing."""
    return _taking(header, EntryKind.TRANSFER, Purpose.CLEARING, unit, movements)


def transfer_in_entry(header: EntryHeader, *, lots: Sequence[Lot]) -> EntryDraft:
    """Points of another holder arrive as lots of the holder's own."""
    return _birth(header, EntryKind.TRANSFER, Purpose.CLEARING, lots)


def assert_balanced(entry: EntryDraft | Entry) -> None:
    """Check what the constructors promise; the database repeats it.

    Every posting balances by its shape, so what remains is: there is a posting, positions count from 1, and what the
    holder's accounts gain by postings is what the lots gain by movements, purpose by purpose.

    Raises:
        ValueError: the entry breaks one of these.
    """
    if not entry.postings:
        message = "an entry without postings"
        raise ValueError(message)
    for items in (entry.postings, entry.lot_movements):
        if [item.position for item in items] != list(range(1, len(items) + 1)):
            message = "positions do not count from 1"
            raise ValueError(message)
    gained: defaultdict[Purpose, int] = defaultdict(int)
    for posting in entry.postings:
        gained[posting.credit.purpose] += posting.amount if posting.credit.purpose in LOT_PURPOSES else 0
        gained[posting.debit.purpose] -= posting.amount if posting.debit.purpose in LOT_PURPOSES else 0
    for movement in entry.lot_movements:
        gained[movement.purpose] -= movement.delta
    if any(gained.values()):
        message = f"postings and lots disagree by { ({k.value: v for k, v in gained.items() if v}) }"
        raise ValueError(message)


def _balanced(draft: EntryDraft) -> EntryDraft:
    assert_balanced(draft)
    return draft


def _birth(header: EntryHeader, kind: EntryKind, source: Purpose, lots: Sequence[Lot]) -> EntryDraft:
    postings = tuple(
        Posting(
            position,
            lot.unit,
            AccountRef(None, lot.unit, source),
            AccountRef(lot.holder_id, lot.unit, lot.purpose),
            lot.amount,
        )
        for position, lot in enumerate(lots, start=1)
    )
    movements = tuple(LotMovement(p, lot.id, lot.purpose, lot.amount) for p, lot in enumerate(lots, start=1))
    return _balanced(EntryDraft(header, kind, postings, movements, tuple(lots)))


def _taking(
    header: EntryHeader,
    kind: EntryKind,
    target: Purpose,
    unit: str,
    movements: Sequence[LotMovement],
    *,
    owed: int = 0,
) -> EntryDraft:
    sums = _sums(movements) + ([(Purpose.OWED, -owed)] if owed else [])
    postings = tuple(
        Posting(position, unit, AccountRef(header.holder_id, unit, purpose), AccountRef(None, unit, target), -amount)
        for position, (purpose, amount) in enumerate(sums, start=1)
    )
    return _balanced(EntryDraft(header, kind, postings, tuple(movements)))


def _sums(movements: Iterable[LotMovement]) -> list[tuple[Purpose, int]]:
    sums: dict[Purpose, int] = {}
    for movement in movements:
        sums[movement.purpose] = sums.get(movement.purpose, 0) + movement.delta
    return list(sums.items())


def _remainders(lots: Iterable[Lot]) -> list[tuple[str, int]]:
    sums: dict[str, int] = {}
    for lot in lots:
        sums[lot.unit] = sums.get(lot.unit, 0) + lot.remaining
    return list(sums.items())


def _require_reason(header: EntryHeader) -> None:
    if header.reason is None or not header.reason.strip():
        raise InvalidInput(field="reason", reason="BLANK")
