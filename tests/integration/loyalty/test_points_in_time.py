"""Points begin, end, are owed, lost in part and told of, each at its instant, whatever a job has done."""

import dataclasses
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.loyalty.actions import service as actions
from services.loyalty.actions.domain import ReportAction
from services.loyalty.earning.domain.validity import validity
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger import service as ledger_service
from services.loyalty.ledger.domain import (
    EntryKind,
    Purpose,
    Reference,
    allocate_clawback,
    clawback_entry,
    restoration_entry,
)
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.clocks import Validity
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.members import service as members
from services.loyalty.programs.domain import Activation, Expiry, NoSilentLoss, PartialLoss, Sliding, Span, TimeUnit
from services.loyalty.stores.domain import Store
from services.platform.db.session import UnitOfWork
from services.platform.ids import new_id
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.points import accrue, ending, pass_time, policies, program, with_book

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)


def kinds(merchant: Merchant, member_id: UUID) -> list[tuple[EntryKind, timedelta]]:
    """The entries, oldest first, each with when it happened."""
    entries = merchant.read(lambda session: ledger.entries_page(session, holder_id=member_id, limit=100))
    return [(entry.kind, entry.header.occurred_at - NOW) for entry in reversed(entries)]


def lot_of(merchant: Merchant, lot_id: UUID) -> tuple[int, datetime | None, datetime | None]:
    lot = merchant.read(lambda session: ledger.lots_by_ids(session, lot_ids=(lot_id,)))[lot_id]
    return lot.remaining, lot.expires_at, lot.loses_at


@pytest.mark.parametrize("runs", [0, 1, 3])
def test_points_begin_and_end_whether_or_not_a_job_runs(merchant: Merchant, runs: int) -> None:
    program(merchant, policies(expiry_notice_days=0))
    member_id = merchant.member()
    accrue(merchant, member_id, 10, validity=Validity(NOW + DAY, NOW + 3 * DAY))
    accrue(merchant, member_id, 20, validity=Validity(NOW, NOW + DAY))

    merchant.now = NOW + DAY
    for _run in range(runs):
        pass_time(merchant, merchant.now)
    assert merchant.balance(member_id) == Balance(member_id, "points", available=10, earned=30, expired=20)
    merchant.now = NOW + 3 * DAY
    for _run in range(runs):
        pass_time(merchant, merchant.now)

    assert merchant.balance(member_id) == Balance(member_id, "points", earned=30, expired=30)
    if runs:
        assert kinds(merchant, member_id)[2:] == [
            (EntryKind.ACTIVATION, DAY),
            (EntryKind.EXPIRY, DAY),
            (EntryKind.EXPIRY, 3 * DAY),
        ]
    assert merchant.verdict().faults == ()


def test_a_job_that_runs_again_does_nothing(merchant: Merchant) -> None:
    program(merchant)
    for member_id in [merchant.member() for _ in range(3)]:
        accrue(merchant, member_id, 10, validity=ending(merchant, days=1))

    first = pass_time(merchant, NOW + DAY)
    again = pass_time(merchant, NOW + DAY)

    assert (first.done["expire_points"], again.done) == (3, {})
    assert (first.is_finished, again.next_due) == (True, None)


def test_awaited_points_begin_by_the_action(merchant: Merchant) -> None:
    program(merchant)
    member_id, activity_id = merchant.member(), new_id()
    awaits = Activation(action="order_shipped", within_days=14)
    waiting = validity(awaits, Expiry(), at=NOW, zone=SHANGHAI)
    accrue(merchant, member_id, 30, validity=waiting, origin_id=activity_id)
    merchant.now = NOW + DAY

    def report(action: str, key: str) -> int:
        command = ReportAction(action, key, key.encode(), activity_id=activity_id)
        return merchant.do(lambda uow: actions.report_action(uow, command=command)).points

    assert report("order_packed", "one") == 0
    assert merchant.balance(member_id) == Balance(member_id, "points", pending=30, earned=30)
    assert report("order_shipped", "two") == 30
    assert merchant.balance(member_id) == Balance(member_id, "points", available=30, earned=30)
    assert report("order_shipped", "two") == 30
    assert report("order_shipped", "three") == 0
    pass_time(merchant, NOW + 15 * DAY)
    assert merchant.balance(member_id).available == 30
    assert merchant.verdict().faults == ()


@pytest.mark.parametrize("runs", [0, 1])
def test_an_action_that_does_not_come_cancels(merchant: Merchant, runs: int) -> None:
    program(merchant)
    member_id = merchant.member()
    waiting = validity(Activation(action="order_shipped", within_days=14), Expiry(), at=NOW, zone=SHANGHAI)
    accrue(merchant, member_id, 30, validity=waiting)

    merchant.now = NOW + 14 * DAY
    for _run in range(runs):
        pass_time(merchant, merchant.now)

    assert merchant.balance(member_id) == Balance(member_id, "points", earned=30, reversed=30)
    assert merchant.verdict().faults == ()


def test_purchases_slide_ends_and_a_full_return_slides_them_back(merchant: Merchant, store: Store) -> None:
    program(merchant)
    member_id = merchant.member()
    sliding = Expiry(sliding=Sliding(Span(10, TimeUnit.DAY), ("purchase",)))
    lot_id = accrue(merchant, member_id, 30, validity=validity(Activation(), sliding, at=NOW, zone=SHANGHAI))

    merchant.now = NOW + 4 * DAY
    first = merchant.buy(store, member_id, 500)
    assert lot_of(merchant, lot_id)[1] == NOW + 14 * DAY
    merchant.now = NOW + 6 * DAY
    second = merchant.buy(store, member_id, 500)
    assert lot_of(merchant, lot_id)[1] == NOW + 16 * DAY
    merchant.refund(first.purchase_id)
    assert lot_of(merchant, lot_id)[1] == NOW + 16 * DAY
    merchant.refund(second.purchase_id)

    assert lot_of(merchant, lot_id)[1] == NOW + 10 * DAY
    assert merchant.verdict().faults == ()


def test_a_part_is_lost_after_each_stretch_without_activity(merchant: Merchant, store: Store) -> None:
    program(merchant)
    member_id = merchant.member()
    tenth = Expiry(partial=PartialLoss(10, Span(30, TimeUnit.DAY), ("purchase",)))
    lot_id = accrue(merchant, member_id, 1_000, validity=validity(Activation(), tenth, at=NOW, zone=SHANGHAI))

    pass_time(merchant, NOW + 60 * DAY)
    assert lot_of(merchant, lot_id) == (810, None, NOW + 90 * DAY)
    merchant.now = NOW + 80 * DAY
    merchant.buy(store, member_id, 500)
    pass_time(merchant, NOW + 109 * DAY)
    assert lot_of(merchant, lot_id) == (810, None, NOW + 110 * DAY)
    pass_time(merchant, NOW + 110 * DAY)

    assert lot_of(merchant, lot_id) == (729, None, NOW + 140 * DAY)
    assert merchant.balance(member_id).expired == 271
    assert merchant.verdict().faults == ()


def claw_back(merchant: Merchant, member_id: UUID, points: int, *, owed_max: int) -> None:
    """Take points back, as a refund of a purchase whose points are spent does."""

    def take(uow: UnitOfWork, book: HolderBook) -> None:
        room = book.owing_room("points", owed_max)
        taken = allocate_clawback([], book.lots_of("points"), points, owing_room=room)
        header = ledger_service.entry_header(uow, holder_id=member_id, occurred_at=uow.now)
        book.post(clawback_entry(header, unit="points", movements=taken.movements, owed=taken.owed))

    with_book(merchant, member_id, take)


def test_what_is_owed_is_paid_back_first(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 10)

    claw_back(merchant, member_id, 50, owed_max=30)
    assert merchant.balance(member_id) == Balance(member_id, "points", owed=30, earned=10, reversed=40)
    accrue(merchant, member_id, 25, validity=Validity(NOW + DAY, NOW + 2 * DAY))
    assert (merchant.balance(member_id).owed, merchant.balance(member_id).pending) == (30, 25)
    merchant.now = NOW + DAY
    assert (merchant.balance(member_id).owed, merchant.balance(member_id).available) == (5, 0)
    accrue(merchant, member_id, 12)

    assert merchant.balance(member_id) == Balance(member_id, "points", available=7, earned=47, reversed=40)
    assert [kind for kind, _ in kinds(merchant, member_id)].count(EntryKind.REPAYMENT) == 2
    assert merchant.verdict().faults == ()


def test_a_claw_back_that_is_undone_lowers_what_is_owed(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 10)
    claw_back(merchant, member_id, 30, owed_max=100)

    def give(uow: UnitOfWork, book: HolderBook) -> None:
        header = ledger_service.entry_header(uow, holder_id=member_id, occurred_at=uow.now)
        book.post(restoration_entry(header, unit="points", movements=(), source=Purpose.ISSUANCE, owed=20))

    with_book(merchant, member_id, give)

    assert merchant.balance(member_id) == Balance(member_id, "points", earned=10, reversed=10)
    assert merchant.verdict().faults == ()


@pytest.mark.parametrize(("grace_days", "left"), [(30, 10), (0, 0)])
def test_points_that_come_back_to_an_ended_lot(merchant: Merchant, grace_days: int, left: int) -> None:
    program(merchant)
    member_id = merchant.member()
    lot_id = accrue(merchant, member_id, 10, validity=ending(merchant, days=1))
    claw_back(merchant, member_id, 10, owed_max=0)
    merchant.now = NOW + 2 * DAY

    def give(uow: UnitOfWork, book: HolderBook) -> None:
        stored = ledger.lots_by_ids(uow, lot_ids=(lot_id,))
        book.lots |= stored
        entry = ledger.entries_page(uow, holder_id=member_id, limit=1)[0]
        back = [dataclasses.replace(movement, delta=-movement.delta) for movement in entry.lot_movements]
        book.give_back_ends((lot_id,), at=uow.now, grace_days=grace_days)
        header = ledger_service.entry_header(uow, holder_id=member_id, occurred_at=uow.now)
        book.post(restoration_entry(header, unit="points", movements=back, source=Purpose.ISSUANCE))
        ledger_service.settle_again(uow, book)

    with_book(merchant, member_id, give)

    assert merchant.balance(member_id).available == left
    ends = lot_of(merchant, lot_id)[1]
    assert ends == (merchant.now + grace_days * DAY if grace_days else NOW + DAY)
    assert merchant.verdict().faults == ()


def test_one_notice_for_a_member_and_a_day_with_the_sum(merchant: Merchant) -> None:
    program(merchant, policies(expiry_notice_days=30, no_silent_expiry=NoSilentLoss.OFF))
    one, other, inactive = merchant.member(), merchant.member(), merchant.member()
    last = datetime(2026, 4, 30, 16, tzinfo=UTC)  # the end of 30 April in Shanghai
    for member_id, points, ends in ((one, 10, last), (one, 5, last - DAY / 2), (one, 7, last + DAY), (other, 3, last)):
        accrue(merchant, member_id, points, validity=Validity(NOW, ends))
    accrue(merchant, inactive, 9, validity=Validity(NOW, last))
    merchant.do(lambda uow: members.deactivate_member(uow, member_id=inactive))

    assert pass_time(merchant, last - 31 * DAY).done == {}
    pass_time(merchant, last - 30 * DAY - DAY / 2)
    pass_time(merchant, last - 30 * DAY)
    accrue(merchant, one, 100, validity=Validity(merchant.now, last))
    pass_time(merchant, last - 29 * DAY)

    given = merchant.rows("SELECT member_id, ends_on::text, points FROM expiry_notices ORDER BY ends_on, points")
    assert [(row["member_id"], row["ends_on"], row["points"]) for row in given] == [
        (other, "2026-04-30", 3),
        (one, "2026-04-30", 15),
        (one, "2026-05-01", 7),
    ]
    letters = merchant.rows("SELECT payload FROM outbox WHERE type = 'PointsExpiring'")
    assert len(letters) == 3


def test_an_end_that_has_moved_is_told_anew(merchant: Merchant) -> None:
    program(merchant, policies(expiry_notice_days=5, no_silent_expiry=NoSilentLoss.OFF))
    member_id = merchant.member()
    sliding = Expiry(sliding=Sliding(Span(10, TimeUnit.DAY), ("purchase",)))
    accrue(merchant, member_id, 30, validity=validity(Activation(), sliding, at=NOW, zone=SHANGHAI))
    pass_time(merchant, NOW + 5 * DAY)

    with_book(
        merchant, member_id, lambda uow, book: book.show_activity("purchase", uow.now, Reference("visit", new_id()))
    )
    pass_time(merchant, NOW + 10 * DAY)

    given = merchant.rows("SELECT ends_on::text FROM expiry_notices ORDER BY ends_on")
    assert [row["ends_on"] for row in given] == ["2026-03-12", "2026-03-17"]
