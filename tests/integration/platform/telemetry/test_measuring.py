"""The letters of all tenants as gauges, and what is counted when letters fail."""

from datetime import UTC, datetime, timedelta

from services.contracts.events.loyalty import MemberEnrolled
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.session import unit_of_work
from services.platform.ids import new_id
from services.platform.outbox.measuring import measure_letters
from services.platform.outbox.service import publish
from services.platform.telemetry import metrics
from services.platform.tenancy.domain import Tenant
from tests.support.worker import TestWorker

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
GAUGES = ("outbox_depth", "inbox_pending", "inbox_parked", "scheduler_leads")


def _shown(*names: str) -> list[float | None]:
    return [metrics.REGISTRY.get_sample_value(f"regulars_{name}") for name in names]


def _publish(database: Database, tenant: Tenant, count: int) -> None:
    with unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="test") as uow:
        for _ in range(count):
            publish(
                uow,
                MemberEnrolled(member_id=new_id(), merchant_name="x", unit_name_en="x", unit_name_zh="x", unit_scale=0),
            )


def test_what_waits_and_what_was_given_up_is_counted_over_all_tenants(
    database: Database, tenant: Tenant, worker: TestWorker
) -> None:
    _publish(database, tenant, 3)
    with unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="test") as uow:
        uow.execute("UPDATE outbox SET created_at = created_at - %(age)s", {"age": timedelta(seconds=90)})

    measure_letters(database)

    assert _shown(*GAUGES) == [3, 0, 0, 1]
    (oldest,) = _shown("outbox_oldest_seconds")
    assert oldest is not None
    assert 90 <= oldest < 150

    worker.run("dispatch_outbox", tenant_id=str(tenant.id))
    with unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="test") as uow:
        parked = "(SELECT min(event_id::text) FROM inbox)"
        uow.execute(f"UPDATE inbox SET state = 'parked' WHERE event_id::text = {parked}")
    measure_letters(database)

    assert _shown(*GAUGES, "outbox_oldest_seconds") == [0, 2, 1, 1, 0]


def test_who_does_not_lead_tells_of_no_letters() -> None:
    metrics.letters_measured(undispatched=5, oldest_seconds=9.0, pending=4, parked=3, now=1.0)

    metrics.leads_no_more()

    assert _shown(*GAUGES, "outbox_oldest_seconds") == [0, 0, 0, 0, 0]


def test_an_operation_is_counted_by_its_root_field_and_a_refusal_by_its_code() -> None:
    labels = {"operation": "member", "outcome": "refused"}
    before = metrics.REGISTRY.get_sample_value("regulars_graphql_operation_seconds_count", labels) or 0

    metrics.operation_done("member", "refused", seconds=0.004)

    assert metrics.REGISTRY.get_sample_value("regulars_graphql_operation_seconds_count", labels) == before + 1
