"""What is due happens, instant by instant: activation, cancellation, the end of holds, loss of a part, expiry."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType
from uuid import UUID

from services.loyalty.ledger.domain.book import HOLD_REFERENCE, HolderBook
from services.loyalty.ledger.domain.chain import ChainHead
from services.loyalty.ledger.domain.clocks import Loss
from services.loyalty.ledger.domain.entries import (
    EntryHeader,
    Reference,
    activation_entry,
    cancellation_entry,
    expiry_entry,
    loss_entry,
)
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.ledger.domain.lots import Lot, LotMovement, LotState
from services.loyalty.ledger.domain.reserving import HeldPart
from services.platform.actors import SYSTEM


class Step(IntEnum):
    """Kinds of what is due, in the order in which they happen at one instant."""

    ACTIVATION = 1
    CANCELLATION = 2
    RELEASE = 3
    LOSS = 4
    EXPIRY = 5


EVERY_STEP = frozenset(Step)
GAINS = frozenset({Step.ACTIVATION, Step.CANCELLATION, Step.RELEASE})
"""What comes before the review of tiers at one instant; the rest comes after it."""

READ_STEPS = EVERY_STEP - {Step.LOSS}
"""What a balance shows before it has been posted: a part is lost when it is posted."""


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    at: datetime
    step: Step
    key: UUID


def settle(book: HolderBook, header: EntryHeader, *, steps: frozenset[Step] = EVERY_STEP) -> None:
    """Post what is due when ``header`` is recorded, each at its own instant; what is not due stays untouched."""
    now = header.recorded_at
    while due := min(_due(book, now, steps), default=None):
        keys = [other.key for other in _due(book, now, steps) if (other.at, other.step) == (due.at, due.step)]
        # A thing that was to happen before the header's own clock began is told with the instant it was due at.
        at = dataclasses.replace(header, id=next(book.ids), occurred_at=due.at)
        _POSTING[due.step](book, at, keys)


def settled_balances(
    balances: Iterable[Balance], *, lots: Iterable[Lot], parts: Mapping[UUID, tuple[HeldPart, ...]], now: datetime
) -> dict[str, Balance]:
    """One holder's balances by unit as they are at ``now``, given at least the lots that are due or held."""
    by_unit = {balance.unit: balance for balance in balances}
    holder_id = next(iter(by_unit.values())).holder_id
    book = HolderBook(
        holder_id, ChainHead(), dict(by_unit), {lot.id: lot for lot in lots}, frozenset(by_unit), parts=dict(parts)
    )
    settle(book, EntryHeader(next(book.ids), holder_id, None, None, SYSTEM, None, None, now, now), steps=READ_STEPS)
    return book.balances


def _due(book: HolderBook, now: datetime, steps: frozenset[Step]) -> Iterator[_Due]:
    for lot in book.lots.values():
        if lot.remaining > 0:
            for due in _due_of(lot):
                if due.at <= now and due.step in steps:
                    yield due
    if Step.RELEASE in steps:
        for hold_id, parts in book.parts.items():
            if parts and parts[0].expires_at <= now:
                yield _Due(parts[0].expires_at, Step.RELEASE, hold_id)


def _due_of(lot: Lot) -> Iterator[_Due]:
    if lot.state is LotState.PENDING:
        step = Step.ACTIVATION if lot.awaits_action is None else Step.CANCELLATION
        yield _Due(lot.activates_at, step, lot.id)
        return
    if lot.expires_at is not None:
        yield _Due(lot.expires_at, Step.EXPIRY, lot.id)
    if lot.loses_at is not None:
        yield _Due(lot.loses_at, Step.LOSS, lot.id)


def _activate(book: HolderBook, header: EntryHeader, keys: list[UUID]) -> None:
    book.post(activation_entry(header, lots=[book.lots[key] for key in keys]))


def _cancel(book: HolderBook, header: EntryHeader, keys: list[UUID]) -> None:
    book.post(cancellation_entry(header, lots=[book.lots[key] for key in keys]))


def _expire(book: HolderBook, header: EntryHeader, keys: list[UUID]) -> None:
    book.post(expiry_entry(header, lots=[book.lots[key] for key in keys]))


def _release(book: HolderBook, header: EntryHeader, keys: list[UUID]) -> None:
    for key in keys:
        about = dataclasses.replace(header, id=next(book.ids), reference=Reference(HOLD_REFERENCE, key))
        book.release(about, hold_id=key)


def _lose(book: HolderBook, header: EntryHeader, keys: list[UUID]) -> None:
    lots = [book.lots[key] for key in keys]
    for unit in dict.fromkeys(lot.unit for lot in lots):
        movements = [
            LotMovement(position, lot.id, lot.purpose, -_lost(lot))
            for position, lot in enumerate((lot for lot in lots if lot.unit == unit), start=1)
        ]
        book.post(loss_entry(dataclasses.replace(header, id=next(book.ids)), unit=unit, movements=movements))
    book.reschedule(_loses_next(book.lots[key]) for key in keys)


def _lost(lot: Lot) -> int:
    return _loss(lot).of(lot.remaining)


def _loses_next(lot: Lot) -> Lot:
    assert lot.clock is not None
    assert lot.loses_at is not None
    return dataclasses.replace(lot, loses_at=_loss(lot).stretch.after(lot.loses_at, lot.clock.zone_info))


def _loss(lot: Lot) -> Loss:
    assert lot.clock is not None
    assert lot.clock.loss is not None
    return lot.clock.loss


_POSTING: Mapping[Step, Callable[[HolderBook, EntryHeader, list[UUID]], None]] = MappingProxyType(
    {
        Step.ACTIVATION: _activate,
        Step.CANCELLATION: _cancel,
        Step.RELEASE: _release,
        Step.LOSS: _lose,
        Step.EXPIRY: _expire,
    }
)
