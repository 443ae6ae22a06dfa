"""Letters: written with the work, dispatched at least once, done once, parked when they keep failing."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import structlog

from services.contracts.events.base import Envelope
from services.contracts.events.loyalty import MemberContactChanged, TierChanged
from services.contracts.events.tenancy import StaffInvited
from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import UnitOfWork, read_session, unit_of_work
from services.platform.ids import new_id
from services.platform.inbox import service as inbox
from services.platform.inbox.errors import LetterTooEarly
from services.platform.inbox.service import DELIVERIES_MAX, Handlers, Letter, consume_once
from services.platform.outbox import relay, retention
from services.platform.outbox.queries import depths, replay_parked
from services.platform.outbox.relay import run_once
from services.platform.outbox.retention import KEPT, forget_done_letters
from services.platform.outbox.service import publish
from services.platform.tenancy.domain import Tenant
from tests.support.doorbell import RecordingDoorbell
from tests.support.worker import TestWorker

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MEMBER = UUID("01900000-0000-7000-8000-0000000000aa")
CHANGED = MemberContactChanged(
    member_id=MEMBER, name="Li 李", email="li@example.test", phone=None, locale="zh-CN", timezone="Asia/Shanghai"
)
INBOX = "SELECT consumer, event_id, state, deliveries, last_error FROM inbox ORDER BY event_id"
COUNT_EFFECTS = "SELECT count(*) AS effects FROM usage_facts"
EFFECT = """
INSERT INTO usage_facts (meter, event_id, quantity, occurred_at, day)
VALUES ('test', %(id)s, 1, %(now)s, %(now)s)"""


@pytest.fixture
def doorbell(database: Database) -> RecordingDoorbell:
    recording = RecordingDoorbell()
    database.doorbell = recording
    return recording


def _work(database: Database, home: Home) -> AbstractContextManager[UnitOfWork]:
    return unit_of_work(database, home, now=NOW, actor=SYSTEM, correlation_id="made-by-a-test")


def _publish(database: Database, tenant: Tenant) -> None:
    with _work(database, tenant.home) as uow:
        publish(uow, CHANGED)


def _rows(database: Database, home: Home, query: str) -> list[dict[str, object]]:
    with read_session(database, home, now=NOW) as session:
        return session.fetch_all(query)


def _only_letter(doorbell: RecordingDoorbell) -> Letter:
    (letter,) = _letters(doorbell)
    return letter


def _letters(doorbell: RecordingDoorbell) -> list[Letter]:
    return [
        Letter(UUID(str(ring["tenant_id"])), str(ring["consumer"]), UUID(event_id))
        for ring in doorbell.take("deliver_letters")
        for event_id in str(ring["event_ids"]).split(",")
    ]


def _deliver(
    database: Database, tenant: Tenant, letter: Letter, handle: Callable[[UnitOfWork, Envelope], None]
) -> bool:
    handlers: Handlers = {MemberContactChanged: handle}
    return consume_once(lambda _: _work(database, tenant.home), letter, handlers)


def test_a_letter_reaches_its_consumer_whole(database: Database, tenant: Tenant, doorbell: RecordingDoorbell) -> None:
    heard: list[Envelope] = []
    _publish(database, tenant)
    assert doorbell.nudges == [tenant.home]

    assert run_once(database, tenant.home) == 1
    assert _deliver(database, tenant, _only_letter(doorbell), lambda _, envelope: heard.append(envelope))

    (envelope,) = heard
    assert (envelope.event, envelope.tenant_id, envelope.correlation_id, envelope.occurred_at) == (
        CHANGED,
        tenant.id,
        "made-by-a-test",
        NOW,
    )


def test_work_that_fails_publishes_nothing(database: Database, tenant: Tenant, doorbell: RecordingDoorbell) -> None:
    with pytest.raises(RuntimeError, match="refused"), _work(database, tenant.home) as uow:
        publish(uow, CHANGED)
        raise RuntimeError("refused")

    assert doorbell.nudges == []
    assert run_once(database, tenant.home) == 0


def test_a_letter_that_nobody_hears_is_done_at_once(
    database: Database, tenant: Tenant, doorbell: RecordingDoorbell
) -> None:
    with _work(database, tenant.home) as uow:
        publish(uow, TierChanged(member_id=MEMBER, from_tier="basic", to_tier="gold"))

    assert run_once(database, tenant.home) == 1
    assert run_once(database, tenant.home) == 0
    assert _rows(database, tenant.home, INBOX) == []
    assert not doorbell.rings


def test_what_is_delivered_twice_is_done_once(database: Database, tenant: Tenant, doorbell: RecordingDoorbell) -> None:
    def effect(uow: UnitOfWork, _: Envelope) -> None:
        uow.execute(EFFECT, {"id": new_id(), "now": NOW})

    _publish(database, tenant)
    run_once(database, tenant.home)
    letter = _only_letter(doorbell)

    assert [_deliver(database, tenant, letter, effect) for _ in range(3)] == [True, False, False]
    assert _rows(database, tenant.home, COUNT_EFFECTS) == [{"effects": 1}]


def test_a_failing_letter_rests_keeps_nothing_and_is_parked(
    database: Database, tenant: Tenant, doorbell: RecordingDoorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [wall_now()]
    monkeypatch.setattr(inbox, "wall_now", lambda: clock[0])

    def fail(uow: UnitOfWork, _: Envelope) -> None:
        uow.execute(EFFECT, {"id": new_id(), "now": NOW})
        raise RuntimeError("no")

    _publish(database, tenant)
    run_once(database, tenant.home)
    letter = _only_letter(doorbell)
    for delivery in range(1, DELIVERIES_MAX + 1):
        assert not _deliver(database, tenant, letter, fail)
        # Rung again too early: not a delivery.
        assert not _deliver(database, tenant, letter, fail)
        (row,) = _rows(database, tenant.home, INBOX)
        assert row["deliveries"] == delivery
        clock[0] += timedelta(hours=1)

    (row,) = _rows(database, tenant.home, INBOX)
    assert (row["state"], row["last_error"]) == ("parked", "RuntimeError: no")
    assert _rows(database, tenant.home, COUNT_EFFECTS) == [{"effects": 0}]
    with read_session(database, PLATFORM, now=NOW) as session:
        (depth,) = depths(session, (tenant.home,))
    assert (depth.undispatched, depth.pending, depth.parked) == (0, 0, 1)

    with _work(database, tenant.home) as uow:
        assert replay_parked(uow, consumer=None) == 1
    assert _deliver(database, tenant, letter, lambda *_: None)


def test_a_letter_whose_workers_die_is_parked(
    database: Database, tenant: Tenant, doorbell: RecordingDoorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [wall_now()]
    monkeypatch.setattr(inbox, "wall_now", lambda: clock[0])

    class Killed(BaseException):
        """As SIGKILL: nothing after it runs."""

    def die(*_: object) -> None:
        raise Killed

    _publish(database, tenant)
    run_once(database, tenant.home)
    letter = _only_letter(doorbell)
    for _ in range(DELIVERIES_MAX):
        with pytest.raises(Killed):
            _deliver(database, tenant, letter, die)
        clock[0] += timedelta(minutes=1)

    assert not _deliver(database, tenant, letter, die)
    (row,) = _rows(database, tenant.home, INBOX)
    assert (row["state"], row["deliveries"]) == ("parked", DELIVERIES_MAX)


def test_the_platforms_letters_are_copied_to_their_tenant_once(
    database: Database, tenant: Tenant, tenant_b: Tenant, doorbell: RecordingDoorbell
) -> None:
    with _work(database, PLATFORM) as uow:
        publish(
            uow,
            StaffInvited(
                tenant_id=tenant.id,
                invitation_id=new_id(),
                email="bob@example.test",
                role="cashier",
                merchant_name="Corner Café",
                inviter_name="Ann",
                locale="en",
                expires_at=NOW,
            ),
        )

    assert run_once(database, PLATFORM) == 1
    assert run_once(database, PLATFORM) == 0

    assert _only_letter(doorbell).tenant_id == tenant.id
    assert len(_rows(database, tenant.home, INBOX)) == 1
    assert _rows(database, tenant_b.home, INBOX) == []


def test_done_letters_are_forgotten_and_others_kept(
    database: Database, tenant: Tenant, doorbell: RecordingDoorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        _publish(database, tenant)
    run_once(database, tenant.home)
    done, waiting = _letters(doorbell)
    _deliver(database, tenant, done, lambda *_: None)

    with _work(database, tenant.home) as uow:
        assert forget_done_letters(uow) == 0
    later = wall_now() + KEPT + timedelta(seconds=1)
    monkeypatch.setattr(retention, "wall_now", lambda: later)
    with _work(database, tenant.home) as uow:
        assert forget_done_letters(uow) == 1

    (row,) = _rows(database, tenant.home, INBOX)
    assert (row["event_id"], row["state"]) == (waiting.event_id, "pending")
    assert _rows(database, tenant.home, "SELECT id FROM outbox") == [{"id": row["event_id"]}]


def _publish_many(database: Database, tenant: Tenant, count: int) -> None:
    with _work(database, tenant.home) as uow:
        for _ in range(count):
            publish(uow, CHANGED)


def test_a_backlog_waits_in_its_own_outbox_and_goes_on_when_others_had_their_turn(
    database: Database, tenant: Tenant, tenant_b: Tenant, worker: TestWorker
) -> None:
    _publish_many(database, tenant, 450)
    worker.run("dispatch_outbox", tenant_id=str(tenant.id))
    _publish_many(database, tenant_b, 1)
    worker.run("dispatch_outbox", tenant_id=str(tenant_b.id))
    worker.run("dispatch_outbox", tenant_id=str(tenant.id))

    rung = [(ring["tenant_id"], len(str(ring["event_ids"]).split(","))) for _, ring in worker.doorbell.rings]
    assert rung == [(str(tenant.id), 25)] * 4 + [(str(tenant_b.id), 1)]

    worker.work_until_idle()

    assert worker.waiting() == {}
    for home, count in ((tenant.home, 450), (tenant_b.home, 1)):
        (row,) = _rows(database, home, "SELECT count(*) AS done FROM inbox WHERE state = 'done'")
        assert row["done"] == count


def test_letters_that_nobody_takes_up_do_not_hold_the_others_for_ever(
    database: Database, tenant: Tenant, doorbell: RecordingDoorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    _publish_many(database, tenant, 150)
    assert run_once(database, tenant.home) == 100
    assert run_once(database, tenant.home) == 0

    later = wall_now() + relay.RING_GRACE
    monkeypatch.setattr(relay, "wall_now", lambda: later)

    assert run_once(database, tenant.home) == 50
    assert len(set(_letters(doorbell))) == 150


def test_a_letter_that_comes_too_early_waits_without_an_error(
    database: Database, tenant: Tenant, doorbell: RecordingDoorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [wall_now()]
    monkeypatch.setattr(inbox, "wall_now", lambda: clock[0])

    def too_early(*_: object) -> None:
        raise LetterTooEarly

    _publish(database, tenant)
    run_once(database, tenant.home)
    letter = _only_letter(doorbell)

    with structlog.testing.capture_logs() as logs:
        assert not _deliver(database, tenant, letter, too_early)
    assert [(line["event"], line["log_level"]) for line in logs] == [("letter_waits", "info")]
    clock[0] += inbox.backoff(1)
    assert _deliver(database, tenant, letter, lambda *_: None)
