"""The minute's round: which tenants' errands are run, when, and by whom."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.loyalty import worker as loyalty
from services.platform.clock import wall_now
from services.platform.config import Settings
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.questions import Question
from services.platform.db.session import ReadSession, Statement, UnitOfWork
from services.platform.db.wire import Answer, Line
from services.platform.errands import Due, Errand, OneByOne, Phase, Place, next_due, next_dues, run_due
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.leases import take_lease
from services.platform.worker import rounds
from services.platform.worker.rounds import LEASE, errand_tasks, lease_name
from tests.support.doorbell import RecordingDoorbell
from tests.support.worker import TestWorker, working

FOREVER = float("inf")


class _Diary:
    """An errand that is due in some homes at some instants, and notes its runs."""

    def __init__(self, name: str, phase: Phase, log: list[tuple[str, str]]) -> None:
        self.due: dict[Home, list[datetime]] = {}
        self.refuses: set[Home] = set()
        self.is_stuck = False
        self.is_broken = False
        self.log = log
        self.errand = Errand(name, phase, self._next_due, self._run)

    def _next_due(self, session: ReadSession) -> Question[datetime | None]:
        query = "SELECT 1 FROM no_such_table" if session.home in self.refuses else "SELECT current_schema() AS name"

        def answer(rows: Sequence[list[dict[str, Any]]]) -> datetime | None:
            assert rows[0][0]["name"] == session.home.schema
            return min(self.due.get(session.home, []), default=None)

        return Question([Statement(query)], answer)

    def _run(self, database: Database, home: Home, now: datetime) -> int:
        if self.is_broken:
            raise KeyError("a bug")
        if self.is_stuck:
            return 0
        waiting = sorted(self.due[home])
        ripe = [instant for instant in waiting if instant <= now][:1]
        self.due[home] = waiting[len(ripe) :]
        self.log += [(self.errand.name, home.schema)] * len(ripe)
        return len(ripe)


@pytest.fixture
def log() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def diaries(log: list[tuple[str, str]]) -> Sequence[_Diary]:
    return [_Diary("notice", Phase.NOTICE, log), _Diary("activate", Phase.ACTIVATION, log)]


def _round(database: Database, settings: Settings, diaries: Sequence[_Diary]) -> None:
    _work_round(database, settings, [diary.errand for diary in diaries])


def _work_round(database: Database, settings: Settings, errands: Sequence[Errand]) -> None:
    database.doorbell = doorbell = RecordingDoorbell()
    tasks = {task.name: task for task in errand_tasks(errands)}
    with working(database, settings) as (context, _tasks):
        worker = TestWorker(context, doorbell, tasks)
        worker.sweep()


def test_a_round_makes_few_trips_however_many_tenants_and_errands(
    database: Database, tenant: Tenant, tenant_b: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = wall_now()
    clocks = [(home, now) for home in (tenant.home, tenant_b.home)]
    trips: list[int] = []
    exchange = Line.exchange

    def counted(line: Line, statements: Sequence[Statement]) -> list[Answer]:
        trips.append(len(statements))
        return exchange(line, statements)

    monkeypatch.setattr(Line, "exchange", counted)
    dues = next_dues(database, clocks, loyalty.ERRANDS)
    of_both, trips[:] = list(trips), []
    due = next_due(database, tenant.home, loyalty.ERRANDS, now=now)

    # One for all of both homes, as for one alone.
    assert (dues, len(of_both)) == ({tenant.home: None, tenant_b.home: None}, 1)
    assert (due, len(trips)) == (None, 1)


def test_what_is_due_is_done_in_order_tenant_by_tenant(
    database: Database,
    settings: Settings,
    tenant: Tenant,
    tenant_b: Tenant,
    diaries: Sequence[_Diary],
    log: list[tuple[str, str]],
) -> None:
    past, future = wall_now() - timedelta(hours=1), wall_now() + timedelta(hours=1)
    notice, activate = diaries
    notice.due = {tenant.home: [past, past, future], tenant_b.home: [future]}
    activate.due = {tenant.home: [past], tenant_b.home: [future]}

    _round(database, settings, diaries)
    _round(database, settings, diaries)

    schema = tenant.home.schema
    assert log == [("activate", schema), ("notice", schema), ("notice", schema)]
    assert (notice.due[tenant.home], activate.due[tenant_b.home]) == ([future], [future])


def test_rows_that_fail_slowly_do_not_fill_every_turn(
    database: Database, settings: Settings, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next turn of a visit goes on behind them; the next round begins with them again."""
    past = wall_now() - timedelta(hours=1)
    waiting = [Due((past, UUID(int=number)), number) for number in range(1, 6)]
    looked_at: list[int] = []

    def due(session: ReadSession, after: Place | None, limit: int) -> list[Due[int]]:
        is_here = session.home == tenant.home
        return [each for each in waiting if is_here and (after is None or each.place > after)][:limit]

    def settle(_: UnitOfWork, number: int) -> None:
        looked_at.append(number)
        if number in {1, 2, 4}:
            raise KeyError("a bug")
        waiting[:] = [each for each in waiting if each.row != number]

    def first_due(session: ReadSession) -> Question[datetime | None]:
        is_due = session.home == tenant.home and waiting
        return Question([Statement("SELECT 1")], lambda _: past if is_due else None)

    errand = Errand("slow", Phase.EXPIRY, first_due, OneByOne("slow", due, settle, batch=1))
    # A turn is over after the first batch.
    monkeypatch.setattr(rounds, "TURN_SECONDS", -1.0)

    _work_round(database, settings, [errand])
    assert looked_at == [1, 2, 3, 4, 5]
    _work_round(database, settings, [errand])
    assert looked_at == [1, 2, 3, 4, 5, 1, 2, 4]


def test_a_tenant_in_trouble_keeps_no_other_from_its_errands(
    database: Database,
    settings: Settings,
    tenant: Tenant,
    tenant_b: Tenant,
    diaries: Sequence[_Diary],
    log: list[tuple[str, str]],
) -> None:
    past = wall_now() - timedelta(hours=1)
    notice, _ = diaries
    notice.due = {tenant.home: [past], tenant_b.home: [past]}
    notice.refuses = {tenant.home}

    _round(database, settings, diaries)

    assert log == [("notice", tenant_b.home.schema)]


def test_an_errand_in_trouble_keeps_no_other_from_its_work(
    database: Database,
    settings: Settings,
    tenant: Tenant,
    diaries: Sequence[_Diary],
    log: list[tuple[str, str]],
) -> None:
    past = wall_now() - timedelta(hours=1)
    notice, activate = diaries
    notice.due = activate.due = {tenant.home: [past]}
    activate.is_broken = True

    _round(database, settings, diaries)

    assert log == [("notice", tenant.home.schema)]


def test_a_tenant_is_left_to_whoever_is_at_it(
    database: Database,
    settings: Settings,
    tenant: Tenant,
    diaries: Sequence[_Diary],
    log: list[tuple[str, str]],
) -> None:
    notice, _ = diaries
    notice.due = {tenant.home: [wall_now() - timedelta(hours=1)]}
    assert take_lease(database, name=lease_name(tenant.home), holder="somebody", life=LEASE)

    _round(database, settings, diaries)
    assert log == []

    assert take_lease(database, name=lease_name(tenant.home), holder="somebody", life=-LEASE)
    _round(database, settings, diaries)
    assert log == [("notice", tenant.home.schema)]


def test_an_errand_that_calls_itself_due_for_ever_does_not_stop_the_others(
    database: Database, tenant: Tenant, diaries: Sequence[_Diary], log: list[tuple[str, str]]
) -> None:
    now = wall_now()
    notice, activate = diaries
    later = now + timedelta(days=1)
    notice.due, activate.due = {tenant.home: [now, later]}, {tenant.home: [now]}
    activate.is_stuck = True

    ran = run_due(database, tenant.home, [diary.errand for diary in diaries], now=now, until=FOREVER)

    assert (dict(ran.done), ran.next_due, ran.is_finished) == ({"notice": 1}, later, True)
    assert log == [("notice", tenant.home.schema)]


def test_what_comes_of_an_errand_at_the_same_instant_is_done_too(
    database: Database, tenant: Tenant, diaries: Sequence[_Diary], log: list[tuple[str, str]]
) -> None:
    now = wall_now()
    notice, activate = diaries
    notice.due, activate.due = {tenant.home: [now]}, {}

    def run_and_wake(database: Database, home: Home, at: datetime) -> int:
        count = notice.errand.run(database, home, at)
        if count:
            activate.due[home] = [at]
        return count

    waking = replace(notice.errand, run=run_and_wake)
    ran = run_due(database, tenant.home, [waking, activate.errand], now=now, until=FOREVER)

    assert dict(ran.done) == {"notice": 1, "activate": 1}
    assert ran.is_finished
