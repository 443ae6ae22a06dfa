"""What is due of one holder happens in the order of instants, and at one instant in the order of its kinds."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.loyalty.ledger.domain import (
    ChainHead,
    EntryHeader,
    EntryKind,
    LotOrigin,
    Reference,
    accrual_entry,
    allocate_lots,
    give_back,
    new_lot,
    redemption_entry,
    restoration_entry,
)
from services.loyalty.ledger.domain.accounts import Purpose
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.clocks import Loss, LotClock, Stretch, Validity
from services.loyalty.ledger.domain.settling import GAINS, settle
from services.platform.actors import SYSTEM

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
DUE = NOW + timedelta(days=1)
HOLDER = UUID(int=1)


def book_of(*lives: Validity) -> HolderBook:
    book = HolderBook(HOLDER, ChainHead(), {}, {}, frozenset(), ids=(UUID(int=n) for n in range(1_000, 9_000)))
    lots = [
        new_lot(
            lot_id=UUID(int=100 + number),
            holder_id=HOLDER,
            unit="points",
            amount=10,
            origin=LotOrigin("purchase", None),
            now=NOW,
            validity=validity,
        )
        for number, validity in enumerate(lives)
    ]
    book.post(accrual_entry(header(NOW), lots=lots))
    return book


def header(at: datetime) -> EntryHeader:
    return EntryHeader(UUID(int=999), HOLDER, None, None, SYSTEM, None, None, at, at)


def told(book: HolderBook) -> list[tuple[EntryKind, timedelta]]:
    return [(entry.kind, entry.header.occurred_at - NOW) for entry in book.entries[1:]]


def losing(at: datetime) -> Validity:
    clock = LotClock("UTC", NOW, loss=Loss(10, Stretch(30, "day"), ()))
    return Validity(NOW, loses_at=at, clock=clock)


def test_at_one_instant_points_begin_before_others_are_canceled_released_lost_and_end() -> None:
    awaited = Validity(DUE, awaits_action="shipped", clock=LotClock("UTC", NOW))
    book = book_of(Validity(NOW, DUE), losing(DUE), Validity(NOW, NOW + timedelta(days=9)), awaited, Validity(DUE))
    book.hold(header(NOW), unit="points", amount=12, hold_id=UUID(int=7), expires_at=DUE)

    settle(book, header(DUE))

    day = timedelta(days=1)
    # What the hold had of the lot that ends at this instant lapses as it is released.
    assert told(book)[1:] == [
        (EntryKind.ACTIVATION, day),
        (EntryKind.CANCELLATION, day),
        (EntryKind.RELEASE, day),
        (EntryKind.EXPIRY, day),
        (EntryKind.EXPIRY, day),
    ]
    assert book.balance("points").available == 10 + 10 + 9


def test_gains_alone_are_settled_before_tiers_are_reviewed() -> None:
    book = book_of(Validity(NOW, DUE), Validity(DUE))

    settle(book, header(DUE), steps=GAINS)
    assert told(book) == [(EntryKind.ACTIVATION, timedelta(days=1))]
    settle(book, header(DUE))

    assert told(book)[1:] == [(EntryKind.EXPIRY, timedelta(days=1))]


def test_each_thing_is_told_at_the_instant_at_which_it_was_due() -> None:
    hour = timedelta(hours=1)
    book = book_of(Validity(NOW, NOW + 3 * hour), Validity(NOW + 2 * hour, NOW + 4 * hour), losing(NOW + hour))

    settle(book, header(NOW + timedelta(days=2)))

    assert told(book) == [
        (EntryKind.EXPIRY, hour),
        (EntryKind.ACTIVATION, 2 * hour),
        (EntryKind.EXPIRY, 3 * hour),
        (EntryKind.EXPIRY, 4 * hour),
    ]
    assert (book.balance("points").available, book.balance("points").expired) == (9, 21)


def test_points_that_were_held_as_a_whole_do_not_catch_up_with_what_is_lost_meanwhile() -> None:
    day = timedelta(days=1)
    book = book_of(losing(NOW + 30 * day))
    book.hold(header(NOW), unit="points", amount=10, hold_id=UUID(int=7), expires_at=NOW + 100 * day)

    settle(book, header(NOW + 119 * day))
    assert book.balance("points").available == 10
    settle(book, header(NOW + 120 * day))

    assert told(book)[1:] == [(EntryKind.RELEASE, 100 * day), (EntryKind.EXPIRY, 120 * day)]
    assert book.balance("points").available == 9


def test_points_that_come_back_do_not_catch_up_with_what_was_lost_while_they_were_spent() -> None:
    day = timedelta(days=1)
    book = book_of(losing(NOW + 30 * day))
    drawn = allocate_lots(book.lots_of("points"), 10, NOW)
    book.post(redemption_entry(header(NOW), unit="points", movements=drawn))

    back = give_back(drawn, amount=10)
    book.post(restoration_entry(header(NOW + 70 * day), unit="points", movements=back, source=Purpose.REDEMPTION))
    settle(book, header(NOW + 89 * day))
    assert book.balance("points").available == 10
    settle(book, header(NOW + 90 * day))

    assert told(book)[2:] == [(EntryKind.EXPIRY, 90 * day)]
    assert book.balance("points").available == 9


def test_a_part_that_was_lost_is_not_lost_again_when_a_visit_is_taken_back() -> None:
    day, visit = timedelta(days=1), Reference("purchase", UUID(int=5))
    clock = LotClock("UTC", NOW, loss=Loss(10, Stretch(30, "day"), ("purchase",)))
    book = book_of(Validity(NOW, loses_at=NOW + 30 * day, clock=clock))
    settle(book, header(NOW + 40 * day))
    book.show_activity("purchase", NOW + 40 * day, visit)
    assert book.lots_of("points")[0].loses_at == NOW + 70 * day

    book.withdraw_activity(visit, book.marks)
    settle(book, header(NOW + 40 * day))

    assert told(book) == [(EntryKind.EXPIRY, 30 * day)]
    assert book.lots_of("points")[0].loses_at == NOW + 60 * day


def test_settling_costs_as_much_for_each_lot_however_many_there_are() -> None:
    few, many = steps_of(lambda: settling_of(100)), steps_of(lambda: settling_of(400))

    assert many < 6 * few


def settling_of(count: int) -> None:
    """Lots that each end at an instant of their own."""
    book = book_of(*(Validity(NOW, NOW + timedelta(hours=number + 1)) for number in range(count)))
    settle(book, header(NOW + timedelta(days=30)))
    assert len(told(book)) == count


def steps_of(work: Callable[[], None]) -> int:
    """How many calls of functions some work takes."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count
