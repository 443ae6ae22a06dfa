"""Points reserved, captured, released and timed out: never oversold, exact to the lot, whatever a job has done."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.holds import queries
from services.loyalty.holds import service as holds
from services.loyalty.holds.domain import HoldMoved, HoldStatus
from services.loyalty.holds.errors import HoldEnded, HoldTooSmall
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain import EntryKind
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.ledger.errors import InsufficientPoints
from services.loyalty.members import service as members
from services.loyalty.members.errors import MemberInactive
from services.loyalty.programs.domain import TransferPolicy
from services.platform.db.session import UnitOfWork
from services.platform.errors import DomainError, InvalidInput
from services.platform.idempotency.errors import IdempotencyConflict
from tests.integration.loyalty.conftest import Dump
from tests.integration.loyalty.test_concurrency import race
from tests.support.builders.merchant import NOW, Merchant
from tests.support.builders.points import (
    accrue,
    capture,
    ending,
    hold,
    hold_command,
    pass_time,
    policies,
    program,
    release,
    transfer,
)


def balance_of(merchant: Merchant, member_id: UUID) -> tuple[int, int, int, int]:
    """Available, held, spent and expired."""
    balance = merchant.balance(member_id)
    return balance.available, balance.held, balance.spent, balance.expired


def test_a_hold_reserves_the_lots_that_end_soonest(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    forever = accrue(merchant, member_id, 50)
    soon = accrue(merchant, member_id, 20, validity=ending(merchant, days=9))

    held = hold(merchant, member_id, 30, reference="order 7")

    assert (held.points, held.balance) == (30, 40)
    assert merchant.balance(member_id) == Balance(member_id, "points", available=40, held=30, earned=70)
    lots = merchant.read(lambda session: ledger.lots_by_ids(session, lot_ids=(forever, soon)))
    assert [(lots[id_].remaining, lots[id_].held) for id_ in (soon, forever)] == [(0, 20), (40, 10)]
    kept = merchant.read(lambda session: queries.hold_by_id(session, hold_id=held.hold_id))
    assert (kept.status(merchant.now), kept.held(merchant.now), kept.reference) == (HoldStatus.OPEN, 30, "order 7")
    assert kept.expires_at == merchant.now + timedelta(minutes=30)
    assert merchant.verdict().faults == ()


def test_held_points_can_be_spent_by_nothing_else(merchant: Merchant, dump: Dump) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 50)
    hold(merchant, member_id, 41)
    coffee = merchant.reward(cost=10)
    before = dump()

    with pytest.raises(InsufficientPoints) as refused:
        merchant.redeem(member_id, coffee)

    assert refused.value.facts() == {"needed": 10, "available": 9}
    assert dump() == before


def test_a_part_is_captured_and_the_rest_released(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 50)
    held = hold(merchant, member_id, 30)

    captured = capture(merchant, held.hold_id, 12)

    assert (captured.points, captured.balance) == (12, 38)
    assert balance_of(merchant, member_id) == (38, 0, 12, 0)
    kept = merchant.read(lambda session: queries.hold_by_id(session, hold_id=held.hold_id))
    assert (kept.captured, kept.released, kept.status(merchant.now)) == (12, 18, HoldStatus.CAPTURED)
    assert merchant.verdict().faults == ()


def test_parts_are_captured_until_nothing_is_left(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 20, validity=ending(merchant, days=9))
    accrue(merchant, member_id, 30)
    held = hold(merchant, member_id, 30)

    capture(merchant, held.hold_id, 12, keeps_rest=True)
    assert balance_of(merchant, member_id) == (20, 18, 12, 0)
    with pytest.raises(HoldTooSmall) as refused:
        capture(merchant, held.hold_id, 19)
    assert refused.value.facts() == {"asked": 19, "held": 18}
    capture(merchant, held.hold_id)

    assert balance_of(merchant, member_id) == (20, 0, 30, 0)
    with pytest.raises(HoldEnded) as ended:
        capture(merchant, held.hold_id, 1)
    assert ended.value.status == "captured"
    assert merchant.verdict().faults == ()


def test_released_points_of_ended_lots_lapse(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 20, validity=ending(merchant, days=1))
    accrue(merchant, member_id, 30)
    held = hold(merchant, member_id, 25, minutes=60 * 72)
    pass_time(merchant, NOW + timedelta(days=2))
    assert balance_of(merchant, member_id) == (25, 25, 0, 0)

    released = release(merchant, held.hold_id)

    assert (released.points, released.balance) == (25, 30)
    assert balance_of(merchant, member_id) == (30, 0, 0, 20)
    assert merchant.verdict().faults == ()


@pytest.mark.parametrize("runs", [0, 1, 2])
def test_a_hold_times_out_whether_or_not_a_job_runs(merchant: Merchant, runs: int) -> None:
    program(merchant, policies(hold_minutes=15))
    member_id = merchant.member()
    accrue(merchant, member_id, 20, validity=ending(merchant, minutes=10))
    accrue(merchant, member_id, 30)
    held = hold(merchant, member_id, 25)
    merchant.now = NOW + timedelta(minutes=15)

    for _run in range(runs):
        pass_time(merchant, merchant.now)

    assert balance_of(merchant, member_id) == (30, 0, 0, 20)
    kept = merchant.read(lambda session: queries.hold_by_id(session, hold_id=held.hold_id))
    assert (kept.status(merchant.now), kept.held(merchant.now)) == (HoldStatus.TIMED_OUT, 0)
    with pytest.raises(HoldEnded) as refused:
        capture(merchant, held.hold_id)
    assert refused.value.status == "timed_out"
    coffee = merchant.reward(cost=30)
    assert merchant.redeem(member_id, coffee).balance == 0
    assert merchant.verdict().faults == ()


def test_a_hold_that_times_out_is_told_at_its_instant(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 20, validity=ending(merchant, minutes=10))
    hold(merchant, member_id, 20)

    pass_time(merchant, NOW + timedelta(days=1))

    entries = merchant.read(lambda session: ledger.entries_page(session, holder_id=member_id, limit=2))
    told = [(entry.kind, entry.header.occurred_at - NOW) for entry in entries]
    assert told == [(EntryKind.EXPIRY, timedelta(minutes=30)), (EntryKind.RELEASE, timedelta(minutes=30))]


def test_the_same_key_holds_once(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 50)
    command = hold_command(merchant, member_id, 30)

    first = merchant.do(lambda uow: holds.hold_points(uow, command=command))
    again = merchant.do(lambda uow: holds.hold_points(uow, command=command))

    assert again == dataclasses.replace(first, replayed=True)
    assert balance_of(merchant, member_id) == (20, 30, 0, 0)
    with pytest.raises(IdempotencyConflict):
        hold(merchant, member_id, 30, idempotency_key=command.idempotency_key)


def test_who_is_inactive_holds_and_captures_nothing_but_gets_points_back(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 50)
    held = hold(merchant, member_id, 30)
    merchant.do(lambda uow: members.deactivate_member(uow, member_id=member_id))

    with pytest.raises(MemberInactive):
        hold(merchant, member_id, 1)
    with pytest.raises(MemberInactive):
        capture(merchant, held.hold_id)
    release(merchant, held.hold_id)

    assert balance_of(merchant, member_id) == (50, 0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"points": 0}, "points"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 200_000}, "minutes"),
        ({"unit": "x"}, "unit"),
    ],
)
def test_impossible_holds_are_refused(merchant: Merchant, dump: Dump, changes: dict[str, Any], field: str) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 50)
    before = dump()

    with pytest.raises(InvalidInput) as refused:
        hold(merchant, member_id, **({"points": 1} | changes))

    assert refused.value.field == field
    assert dump() == before


def test_fifty_writers_never_oversell(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    for _lot in range(10):
        accrue(merchant, member_id, 10)
    commands = [hold_command(merchant, member_id, 7) for _ in range(50)]

    def holding(index: int) -> Callable[[], HoldMoved]:
        def work(uow: UnitOfWork) -> HoldMoved:
            return holds.hold_points(uow, command=commands[index])

        return lambda: merchant.do(work)

    results = race([holding(index) for index in range(50)])

    granted = [result for result in results if isinstance(result, HoldMoved)]
    refused = [result for result in results if isinstance(result, DomainError)]
    assert (len(granted), {type(error) for error in refused}) == (14, {InsufficientPoints})
    assert balance_of(merchant, member_id) == (2, 98, 0, 0)
    assert merchant.verdict().faults == ()


def test_capturing_and_releasing_one_hold_at_once_ends_it_once(merchant: Merchant) -> None:
    program(merchant)
    member_id = merchant.member()
    accrue(merchant, member_id, 100)
    held = hold(merchant, member_id, 60)

    results = race(
        [lambda: capture(merchant, held.hold_id) for _ in range(5)]
        + [lambda: release(merchant, held.hold_id) for _ in range(5)]
    )

    assert len([result for result in results if isinstance(result, HoldMoved)]) == 1
    balance = merchant.balance(member_id)
    assert (balance.held, balance.available + balance.spent) == (0, 100)
    assert merchant.verdict().faults == ()


def test_holders_who_give_to_each_other_at_once_do_not_wait_for_each_other(merchant: Merchant) -> None:
    program(merchant, policies(transfers=TransferPolicy(is_allowed=True)))
    one, other = merchant.member(), merchant.member()
    accrue(merchant, one, 100)
    accrue(merchant, other, 100)

    results = race(
        [lambda: transfer(merchant, one, other, 3) for _ in range(10)]
        + [lambda: transfer(merchant, other, one, 2) for _ in range(10)]
    )

    assert [result for result in results if isinstance(result, DomainError)] == []
    assert (merchant.balance(one).available, merchant.balance(other).available) == (90, 110)
    assert merchant.verdict().faults == ()
