"""From a published letter to a mail in the sink: with the deterministic worker, and with the real one on Valkey."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from services import scheduler
from services.billing.metering.queries import rolled_up_usage
from services.contracts.events.loyalty import MemberContactChanged, MemberEnrolled
from services.platform.actors import SYSTEM
from services.platform.config import Settings
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session, unit_of_work
from services.platform.ids import new_id
from services.platform.outbox.service import publish
from services.platform.surroundings.broker import check_broker
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.registry import set_suspended
from services.platform.worker.broker import open_broker
from services.platform.worker.doorbell import BrokerDoorbell
from services.platform.worker.process import run_worker
from tests.support.mailbox import Mailbox
from tests.support.worker import TestWorker, working

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
THREADS = 3
MEMBERS = 25


def _enroll(database: Database, tenant: Tenant, *, email: str) -> UUID:
    """The letters of an enrollment, without the loyalty service."""
    member_id = new_id()
    with unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="test") as uow:
        publish(
            uow,
            MemberContactChanged(
                member_id=member_id, name="Li 李", email=email, phone=None, locale="en", timezone="Asia/Shanghai"
            ),
        )
        publish(
            uow,
            MemberEnrolled(
                member_id=member_id, merchant_name="Corner Café", unit_name_en="Beans", unit_name_zh="豆", unit_scale=0
            ),
        )
    return member_id


def test_a_letter_becomes_one_mail_and_one_usage_fact(
    database: Database, tenant: Tenant, worker: TestWorker, mailbox: Mailbox
) -> None:
    _enroll(database, tenant, email="li@example.test")
    assert mailbox.messages() == ()

    worker.work_until_idle()
    worker.sweep()

    (mail,) = mailbox.messages(to="li@example.test")
    assert mail.subject == "Welcome to Corner Café"
    assert worker.waiting() == {}
    with read_session(database, PLATFORM, now=NOW) as session:
        usage = rolled_up_usage(session, tenant_id=tenant.id, since=NOW.date(), until=date.max)
    assert usage == {"messages.email": 1}


def test_a_suspended_tenants_letters_wait(
    database: Database, tenant: Tenant, worker: TestWorker, mailbox: Mailbox
) -> None:
    _enroll(database, tenant, email="li@example.test")
    _set_suspended(database, tenant, suspended=True)

    worker.work_until_idle()
    assert mailbox.messages() == ()

    _set_suspended(database, tenant, suspended=False)
    worker.context.registry.forget()
    assert worker.waiting() == {tenant.home.schema: 2}
    for ring in _undone(database, tenant):
        worker.doorbell.ring("deliver_letters", **ring)
    worker.work_until_idle()

    assert len(mailbox.messages(to="li@example.test")) == 1
    assert worker.waiting() == {}


def test_the_real_worker_and_scheduler_leave_no_letter_behind(
    database: Database, tenant: Tenant, settings: Settings, mailbox: Mailbox
) -> None:
    # Threads take letters in any order: a welcome that overtakes its address rests until a sweep rings again.
    check_broker(settings.broker_url)

    with _running(database, settings):
        for number in range(MEMBERS):
            _enroll(database, tenant, email=f"member{number}@example.test")
        mails = mailbox.wait_for(MEMBERS)

    assert sorted(mail.recipient for mail in mails) == sorted(f"member{n}@example.test" for n in range(MEMBERS))
    assert len(set(mailbox.message_ids())) == MEMBERS


@contextmanager
def _running(database: Database, settings: Settings) -> Iterator[None]:
    """The threads of the worker and scheduler processes, with sweeps once a second."""
    stop = threading.Event()
    with closing(open_broker(settings.broker_url)) as broker, working(database, settings) as (context, tasks):
        doorbell = BrokerDoorbell(broker)
        database.doorbell = doorbell
        eager = [replace(task, every=timedelta(seconds=1)) if task.every else task for task in tasks]
        threads = [
            threading.Thread(
                target=run_worker, args=(context, broker, tasks), kwargs={"threads": THREADS, "stop": stop}
            ),
            threading.Thread(target=scheduler.run_scheduler, args=(database, eager), kwargs={"stop": stop}),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            doorbell.close()


def _undone(database: Database, tenant: Tenant) -> list[dict[str, str | int | None]]:
    with read_session(database, tenant.home, now=NOW) as session:
        rows = session.fetch_all("SELECT consumer, event_id FROM inbox WHERE state = 'pending' ORDER BY event_id")
    return [
        {"tenant_id": str(tenant.id), "consumer": row["consumer"], "event_ids": str(row["event_id"])} for row in rows
    ]


def _set_suspended(database: Database, tenant: Tenant, *, suspended: bool) -> None:
    with unit_of_work(database, PLATFORM, now=NOW, actor=SYSTEM, correlation_id="test") as uow:
        assert set_suspended(uow, tenant_id=tenant.id, suspended=suspended)
