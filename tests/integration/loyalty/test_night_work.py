"""The night work beside everything else: members who are busy wait for nobody, and nothing is lost or done twice."""

import dataclasses
import threading
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from services.loyalty.earning.domain.validity import validity
from services.loyalty.expiry.service import LOTS_PER_BATCH, batches, settle_losses
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger import service as ledger_service
from services.loyalty.ledger.domain import Reference
from services.loyalty.ledger.domain.book import HolderBook
from services.loyalty.ledger.domain.clocks import LotClock, Validity
from services.loyalty.programs.domain import Activation, Expiry, Sliding, Span, TimeUnit
from services.platform.db.session import UnitOfWork
from services.platform.ids import new_id
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.points import accrue, hold, policies, program, transfer, with_book

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
WAITING = (
    "SELECT count(*) AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def expired(merchant: Merchant, member_id: UUID) -> int:
    """What the books say has expired; what is due and not settled is not in it."""
    rows = merchant.rows(f"SELECT expired FROM ledger_balances WHERE holder_id = '{member_id}'")
    return int(rows[0]["expired"])


def test_a_busy_member_keeps_no_other_waiting(merchant: Merchant) -> None:
    program(merchant)
    busy, other = merchant.member(), merchant.member()
    for member_id in (busy, other):
        accrue(merchant, member_id, 10, validity=Validity(NOW, NOW + DAY))
    merchant.now = NOW + DAY
    night = threading.Thread(target=settle_losses, args=(merchant.database, merchant.home, merchant.now))

    def purchase(uow: UnitOfWork) -> None:
        ledger_service.lock_holders(uow, holder_ids=(busy,))
        night.start()
        while not merchant.rows(WAITING)[0]["waiting"]:
            threading.Event().wait(0.01)
        assert (expired(merchant, busy), expired(merchant, other)) == (0, 10)

    merchant.do(purchase)
    night.join()

    assert (expired(merchant, busy), expired(merchant, other)) == (10, 10)
    assert settle_losses(merchant.database, merchant.home, merchant.now) == 0
    assert merchant.verdict().faults == ()


def test_a_batch_is_bounded_by_its_lots_and_no_member_is_split() -> None:
    members = [UUID(int=number) for number in range(5)]
    due = dict(zip(members, (LOTS_PER_BATCH - 1, 1, 1, 3 * LOTS_PER_BATCH, 2), strict=True))

    assert list(batches(due)) == [members[:2], members[2:3], members[3:4], members[4:]]
    assert list(batches({})) == []


def test_a_gift_ends_where_it_ended_once_the_recipient_s_visit_is_taken_back(merchant: Merchant) -> None:
    sliding = Expiry(sliding=Sliding(Span(10, TimeUnit.DAY), ("purchase",)))
    program(
        merchant,
        lambda plain: policies(transfers=dataclasses.replace(plain.policies.transfers, is_allowed=True))(plain),
    )
    giver, recipient = merchant.member(), merchant.member()
    accrue(merchant, giver, 30, validity=validity(Activation(), sliding, at=NOW, zone=SHANGHAI))
    merchant.now = NOW + 5 * DAY
    visit(merchant, giver)
    transfer(merchant, giver, recipient, 30)
    assert ends_of(merchant, recipient) == [NOW + 15 * DAY]

    merchant.now = NOW + 12 * DAY
    source = visit(merchant, recipient)
    assert ends_of(merchant, recipient) == [NOW + 22 * DAY]
    take_back(merchant, recipient, source)

    assert ends_of(merchant, recipient) == [NOW + 15 * DAY]
    assert merchant.balance(recipient).available == 30


def visit(merchant: Merchant, member_id: UUID) -> Reference:
    source = Reference("visit", new_id())
    with_book(merchant, member_id, lambda uow, book: book.show_activity("purchase", uow.now, source))
    return source


def take_back(merchant: Merchant, member_id: UUID, source: Reference) -> None:
    def run(uow: UnitOfWork, book: HolderBook) -> None:
        (rows,) = uow.fetch_pipeline([ledger_service.marks_statement(holder_ids=(member_id,))])
        book.withdraw_activity(source, ledger_service.marks_of(rows)[member_id])
        ledger_service.settle_again(uow, book)

    with_book(merchant, member_id, run)


def ends_of(merchant: Merchant, member_id: UUID) -> list[object]:
    lots = merchant.read(lambda session: ledger.lots(session, holder_id=member_id, limit=100))
    return [lot.expires_at for lot in lots]


@pytest.mark.parametrize(
    "change",
    ["awaits_action = 'shipped'", "awaits_action = 'shipped', state = 'pending', clock = '{}', expires_at = now()"],
)
def test_the_database_refuses_a_lot_that_awaits_an_action_and_has_begun(merchant: Merchant, change: str) -> None:
    program(merchant)
    accrue(merchant, merchant.member(), 10, validity=Validity(NOW, NOW + DAY, clock=LotClock("UTC", NOW)))

    with pytest.raises(psycopg.errors.CheckViolation, match="ledger_lots_awaits_check"):
        merchant.do(lambda uow: uow.execute(f"UPDATE ledger_lots SET {change}, activates_at = '2000-01-01'"))


@pytest.mark.parametrize("change", ["ended_at = now()", "released = points"])
def test_the_database_refuses_a_hold_that_has_ended_with_something_held(merchant: Merchant, change: str) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 10)
    hold(merchant, member_id, 4)

    with pytest.raises(psycopg.errors.CheckViolation, match="holds_ended_check"):
        merchant.do(lambda uow: uow.execute(f"UPDATE holds SET {change}"))
