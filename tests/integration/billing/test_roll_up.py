"""Usage facts become daily sums that a repeat, a late fact or a crash never makes wrong."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest

from services.billing.metering import repository, service
from services.billing.metering.domain import MeterUsage
from services.billing.metering.queries import rolled_up_usage, usage_by_meter
from services.billing.metering.service import roll_up_once
from services.platform.actors import SYSTEM
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import Database, open_database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session, unit_of_work
from services.platform.ids import new_id
from services.platform.metering.cost import FLUSH_SECONDS, CostMeter
from services.platform.metering.service import count
from services.platform.tenancy.domain import Tenant

DAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
SINCE, UNTIL = date(2026, 11, 1), date(2026, 12, 1)


def _use(database: Database, tenant: Tenant, meter: str, quantity: int, *, at: datetime = DAY) -> None:
    with unit_of_work(database, tenant.home, now=at, actor=SYSTEM, correlation_id="test") as uow:
        count(uow, meter=meter, event_id=new_id(), quantity=quantity)


def _rolled_up(database: Database, tenant: Tenant) -> dict[str, int]:
    with read_session(database, PLATFORM, now=DAY) as session:
        return rolled_up_usage(session, tenant_id=tenant.id, since=SINCE, until=UNTIL)


def test_facts_are_summed_by_meter_and_day(database: Database, tenant: Tenant, tenant_b: Tenant) -> None:
    _use(database, tenant, "purchases", 1)
    _use(database, tenant, "purchases", 1, at=DAY + timedelta(days=1))
    _use(database, tenant, "api_cost", 40)
    _use(database, tenant_b, "purchases", 7)

    assert roll_up_once(database, tenant.home) == 3
    assert roll_up_once(database, tenant.home) == 0

    assert _rolled_up(database, tenant) == {"purchases": 2, "api_cost": 40}
    assert _rolled_up(database, tenant_b) == {}
    with read_session(database, tenant.home, now=DAY) as session:
        assert usage_by_meter(session, since=SINCE, until=UNTIL) == (
            MeterUsage("api_cost", 40, 1),
            MeterUsage("purchases", 2, 2),
        )


def test_a_late_fact_is_added_to_its_day(database: Database, tenant: Tenant) -> None:
    _use(database, tenant, "purchases", 1)
    roll_up_once(database, tenant.home)
    _use(database, tenant, "purchases", 1)

    assert roll_up_once(database, tenant.home) == 1
    assert _rolled_up(database, tenant) == {"purchases": 2}


def test_a_crash_between_the_steps_is_repeated_without_harm(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(database, tenant, "purchases", 1)

    def die(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(repository, "mark_rolled_up", die)
        with pytest.raises(RuntimeError, match="killed"):
            roll_up_once(database, tenant.home)
    assert _rolled_up(database, tenant) == {"purchases": 1}

    assert roll_up_once(database, tenant.home) == 1
    assert _rolled_up(database, tenant) == {"purchases": 1}


def test_sums_that_another_run_has_overtaken_wait_for_the_next_round(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(database, tenant, "purchases", 1)
    later = wall_now() + timedelta(seconds=5)
    with unit_of_work(database, PLATFORM, now=DAY, actor=SYSTEM, correlation_id="test") as uow:
        overtaking = repository.DayTotal("purchases", DAY.date(), 0)
        repository.store_totals(uow, tenant_id=tenant.id, totals=[overtaking], as_of=later)

    assert roll_up_once(database, tenant.home) == 0
    assert _rolled_up(database, tenant) == {"purchases": 0}

    monkeypatch.setattr(service, "wall_now", lambda: later + timedelta(seconds=1))
    assert roll_up_once(database, tenant.home) == 1
    assert _rolled_up(database, tenant) == {"purchases": 1}


def test_a_fact_is_counted_once_under_its_id(database: Database, tenant: Tenant) -> None:
    event_id = new_id()
    for _ in range(3):
        with unit_of_work(database, tenant.home, now=DAY, actor=SYSTEM, correlation_id="test") as uow:
            count(uow, meter="purchases", event_id=event_id)

    roll_up_once(database, tenant.home)

    assert _rolled_up(database, tenant) == {"purchases": 1}


def test_an_unknown_meter_is_refused(database: Database, tenant: Tenant) -> None:
    with (
        pytest.raises(ValueError, match="unknown meter"),
        unit_of_work(database, tenant.home, now=DAY, actor=SYSTEM, correlation_id="test") as uow,
    ):
        count(uow, meter="purchase", event_id=new_id())


def test_the_cost_meter_outlives_a_database_that_is_away(database: Database, tenant: Tenant) -> None:
    away = open_database("postgresql://regulars_app@127.0.0.1:1/regulars", pool_size=1)
    meter = CostMeter(away)
    meter.add(tenant.home, 3)
    threading.Event().wait(FLUSH_SECONDS * 1.5)  # at least one flush has failed by now
    away.pool = database.pool

    meter.close()

    with read_session(database, tenant.home, now=DAY) as session:
        (usage,) = usage_by_meter(session, since=date(2000, 1, 1), until=date(2100, 1, 1))
    assert (usage.meter, usage.quantity) == ("api_cost", 3)


def test_the_cost_of_operations_is_written_when_the_meter_closes(
    database: Database, tenant: Tenant, tenant_b: Tenant
) -> None:
    started = monotonic()
    meter = CostMeter(database)
    for _ in range(100):
        meter.add(tenant.home, 3)
    meter.add(tenant_b.home, 5)
    meter.close()

    for one, expected in ((tenant, 300), (tenant_b, 5)):
        with read_session(database, one.home, now=DAY) as session:
            (usage,) = usage_by_meter(session, since=date(2000, 1, 1), until=date(2100, 1, 1))
        assert (usage.meter, usage.quantity) == ("api_cost", expected)
        # One fact a flush, not one an operation.
        assert usage.facts <= monotonic() - started + 2
