"""What is due happens, instant by instant: activation, cancellation, the end of holds, loss of a part, expiry."""

import dataclasses
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType
from uuid import UUID

from services.loyalty.ledger.domain.book import HOLD_REFERENCE, HolderBook
from services.loyalty.ledger.domain.chain import ChainHead
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


_Due = tuple[datetime, Step, UUID]
"""When what happens to which lot or hold; they happen in this order."""


def settle(book: HolderBook, header: EntryHeader, *, steps: frozenset[Step] = EVERY_STEP) -> None:
    """Post what is due when ``header`` is recorded, each at its own instant; what is not due stays untouched."""
    now = header.recorded_at
    waiting = [due for due in _due(book.lots.values(), steps) if due[0] <= now]
    if Step.RELEASE in steps:
        waiting += [due for due in _releases(book) if due[0] <= now]
    heapq.heapify(waiting)
    while waiting:
        at, step, keys = _next(waiting, book)
        if not keys:
            continue
        touched = [part.lot_id for key in keys for part in book.parts[key]] if step is Step.RELEASE else keys
        # A thing that was to happen before the header's own clock began is told with the instant it was due at.
        _POSTING[step](book, dataclasses.replace(header, id=next(book.ids), occurred_at=at), keys)
        for due in _due((book.lots[key] for key in dict.fromkeys(touched)), steps):
            if due[0] <= now:
                heapq.heappush(waiting, due)


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


def _next(waiting: list[_Due], book: HolderBook) -> tuple[datetime, Step, list[UUID]]:
    """What happens next at one instant, and to which of those that waited; some are not due any more."""
    at, step, key = heapq.heappop(waiting)
    keys = [key]
    while waiting and waiting[0][:2] == (at, step):
        keys.append(heapq.heappop(waiting)[2])
    return at, step, [key for key in dict.fromkeys(keys) if _is_due(book, at, step, key)]


def _is_due(book: HolderBook, at: datetime, step: Step, key: UUID) -> bool:
    if step is Step.RELEASE:
        return bool(book.parts[key])
    return (at, step) in _due_of(book.lots[key])


def _due(lots: Iterable[Lot], steps: frozenset[Step]) -> Iterator[_Due]:
    for lot in lots:
        for at, step in _due_of(lot):
            if step in steps:
                yield at, step, lot.id


def _releases(book: HolderBook) -> Iterator[_Due]:
    for hold_id, parts in book.parts.items():
        if parts:
            yield parts[0].expires_at, Step.RELEASE, hold_id


def _due_of(lot: Lot) -> list[tuple[datetime, Step]]:
    """When time will do what to a lot. Of one that is held as a whole nothing is lost, and its clock goes on."""
    if lot.remaining == 0 and lot.held == 0:
        return []
    if lot.state is LotState.PENDING:
        return [(lot.activates_at, Step.ACTIVATION if lot.awaits_action is None else Step.CANCELLATION)]
    ending = [(lot.expires_at, Step.EXPIRY)] if lot.expires_at is not None and lot.remaining > 0 else []
    losing = [(lot.loses_at, Step.LOSS)] if lot.loses_at is not None else []
    return ending + losing


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
    lots = [book.lots[key] for key in keys if book.lots[key].remaining > 0]
    for unit in dict.fromkeys(lot.unit for lot in lots):
        movements = [
            LotMovement(position, lot.id, lot.purpose, -_lost(lot))
            for position, lot in enumerate((lot for lot in lots if lot.unit == unit), start=1)
        ]
        book.post(loss_entry(dataclasses.replace(header, id=next(book.ids)), unit=unit, movements=movements))
    due = [book.lots[key] for key in keys]
    book.reschedule(lot.lasting(lot.validity.after_loss()) for lot in due)


def _lost(lot: Lot) -> int:
    assert lot.clock is not None
    assert lot.clock.loss is not None
    return lot.clock.loss.of(lot.remaining)


_POSTING: Mapping[Step, Callable[[HolderBook, EntryHeader, list[UUID]], None]] = MappingProxyType(
    {
        Step.ACTIVATION: _activate,
        Step.CANCELLATION: _cancel,
        Step.RELEASE: _release,
        Step.LOSS: _lose,
        Step.EXPIRY: _expire,
    }
)
