"""What is due of one holder happens in the order of instants, and at one instant in the order of its kinds."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.loyalty.ledger.domain import ChainHead, EntryHeader, EntryKind, LotOrigin, accrual_entry, new_lot
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.clocks import Loss, LotClock, Stretch, Validity
from services.loyalty.ledger.domain.settling import GAINS, settle
from services.platform.actors import SYSTEM

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
DUE = NOW + timedelta(days=1)
HOLDER = UUID(int=1)


def book_of(*lives: Validity) -> HolderBook:
    book = HolderBook(HOLDER, ChainHead(), {}, {}, frozenset(), ids=(UUID(int=n) for n in range(1_000, 2_000)))
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
