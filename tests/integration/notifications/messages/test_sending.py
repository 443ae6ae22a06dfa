"""From a letter to an e-mail: queued once, sent under one id, rested, refused or parked, counted once."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from uuid import UUID

import pytest

from services.billing.metering.queries import usage_by_meter
from services.contracts.events.base import Envelope, Event
from services.contracts.events.loyalty import (
    MemberContactChanged,
    MemberEnrolled,
    PointsExpiring,
    PurchaseRecorded,
    TierEnding,
)
from services.contracts.events.tenancy import StaffInvited
from services.doubles.mailbox.store import StoredMail
from services.notifications.channels.service import Providers, open_providers
from services.notifications.handlers import handlers
from services.notifications.messages import service as messages
from services.notifications.messages.domain import ATTEMPTS_MAX, LEASE, ClaimedMessage
from services.notifications.messages.tasks import message_tasks
from services.notifications.recipients.errors import RecipientUnknown
from services.platform.actors import SYSTEM
from services.platform.auth.tokens import Signer
from services.platform.clock import wall_now
from services.platform.config import Settings
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session, unit_of_work
from services.platform.ids import new_id
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.registry import TenantRegistry
from services.platform.worker.tasks import WorkContext
from tests.support.doorbell import RecordingDoorbell
from tests.support.mailbox import Mailbox

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = b"a secret of thirty-two bytes, yes"
MEMBER = UUID("01900000-0000-7000-8000-0000000000aa")
STATES = "SELECT state, attempts, last_error FROM messages ORDER BY id"


@pytest.fixture
def doorbell(database: Database) -> RecordingDoorbell:
    recording = RecordingDoorbell()
    database.doorbell = recording
    return recording


@pytest.fixture
def providers(mailbox: Mailbox) -> Iterator[Providers]:
    opened = open_providers(smtp_url=mailbox.smtp_url)
    yield opened
    opened.close()


@pytest.fixture
def context(database: Database, mailbox: Mailbox, tmp_path: Path) -> WorkContext:
    settings = Settings(
        environment="development",
        home=tmp_path,
        database_url="",
        direct_database_url="",
        broker_url="",
        valkey_url="",
        smtp_url=mailbox.smtp_url,
        mail_sender="hello@regulars.test",
        secret=SECRET,
        base_url="http://localhost:8000",
        database_pool_size=4,
        worker_threads=2,
    )
    return WorkContext(settings, database, TenantRegistry(database), {})


def _hear(database: Database, tenant: Tenant, event: Event, *, letter_id: UUID | None = None) -> None:
    envelope = Envelope(letter_id or new_id(), event, tenant.id, "test", NOW)
    with unit_of_work(database, tenant.home, now=NOW, actor=SYSTEM, correlation_id="test") as uow:
        handlers(Signer(SECRET), base_url="http://localhost:8000")[type(event)](uow, envelope)


def _send(context: WorkContext, providers: Providers, doorbell: RecordingDoorbell) -> list[str]:
    """Answer the rings for messages; the ids that were rung."""
    send, _sweep = message_tasks(providers)
    rung = doorbell.take("send_message")
    for keywords in rung:
        send.run(context, **keywords)
    return [str(keywords["message_id"]) for keywords in rung]


def _text(mailbox: Mailbox, mail: StoredMail) -> str:
    parsed = message_from_bytes(mailbox.content(mail), policy=policy.default)
    part = parsed.get_body(("plain",))
    assert part is not None
    text: str = part.get_content()
    return text


def _contact(email: str | None, *, locale: str = "en", name: str | None = "Li") -> MemberContactChanged:
    return MemberContactChanged(
        member_id=MEMBER, name=name, email=email, phone=None, locale=locale, timezone="Asia/Shanghai"
    )


def _purchase(purchase_id: UUID) -> PurchaseRecorded:
    return PurchaseRecorded(
        purchase_id=purchase_id,
        member_id=MEMBER,
        merchant_name="Corner Café",
        store_name="Main",
        occurred_at=NOW,
        timezone="Asia/Shanghai",
        total_minor=12_345,
        currency="CNY",
        points=123,
        balance=1_123,
        unit_name_en="beans",
        unit_name_zh="豆",
        unit_scale=0,
        tier_name_en="Gold",
        tier_name_zh="金卡",
    )


def _states(database: Database, tenant: Tenant) -> list[tuple[object, ...]]:
    with read_session(database, tenant.home, now=NOW) as session:
        return [tuple(row.values()) for row in session.fetch_all(STATES)]


def _emails_counted(database: Database, tenant: Tenant) -> int:
    with read_session(database, tenant.home, now=NOW) as session:
        usage = usage_by_meter(session, since=date(2000, 1, 1), until=date(2100, 1, 1))
    return sum(meter.quantity for meter in usage if meter.meter == "messages.email")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The wall's time, which a test may move."""
    now = [wall_now()]
    monkeypatch.setattr(messages, "wall_now", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("locale", "subject_part", "body_parts"),
    [
        ("en", "123", ("Corner Café", "CN¥123.45", "+123", "1,123", "Gold", "Nov 22, 2026, 8:00 PM", "beans")),
        ("zh-CN", "123", ("Corner Café", "¥123.45", "+123", "1,123", "金卡", "2026年11月22日 20:00", "豆")),
    ],
)
def test_a_receipt_arrives_in_the_members_language(
    database: Database,
    tenant: Tenant,
    doorbell: RecordingDoorbell,
    context: WorkContext,
    providers: Providers,
    mailbox: Mailbox,
    locale: str,
    subject_part: str,
    body_parts: tuple[str, ...],
) -> None:
    _hear(database, tenant, _contact("li@example.test", locale=locale))
    _hear(database, tenant, _purchase(new_id()))

    (message_id,) = _send(context, providers, doorbell)

    (mail,) = mailbox.messages(to="li@example.test")
    assert mail.message_id == f"<{message_id}@regulars.test>"
    assert subject_part in mail.subject
    text = _text(mailbox, mail)
    for part in body_parts:
        assert part in text
    assert _states(database, tenant) == [("sent", 1, None)]
    assert _emails_counted(database, tenant) == 1


def test_a_notice_heard_twice_is_one_message(
    database: Database,
    tenant: Tenant,
    doorbell: RecordingDoorbell,
    context: WorkContext,
    providers: Providers,
    mailbox: Mailbox,
) -> None:
    purchase = _purchase(new_id())
    _hear(database, tenant, _contact("li@example.test"))
    for _ in range(2):
        _hear(database, tenant, purchase)

    assert len(_send(context, providers, doorbell)) == 1
    assert len(mailbox.messages()) == 1


def test_a_ring_that_comes_twice_sends_once(
    database: Database,
    tenant: Tenant,
    doorbell: RecordingDoorbell,
    context: WorkContext,
    providers: Providers,
    mailbox: Mailbox,
) -> None:
    _hear(database, tenant, _contact("li@example.test"))
    _hear(database, tenant, _purchase(new_id()))
    (message_id,) = _send(context, providers, doorbell)
    doorbell.ring("send_message", tenant_id=str(tenant.id), message_id=message_id)

    _send(context, providers, doorbell)

    assert len(mailbox.messages()) == 1
    assert _emails_counted(database, tenant) == 1


def test_a_letter_about_a_member_waits_for_the_one_with_the_address(
    database: Database, tenant: Tenant, doorbell: RecordingDoorbell
) -> None:
    with pytest.raises(RecipientUnknown) as refusal:
        _hear(database, tenant, _purchase(new_id()))

    assert refusal.value.member_id == MEMBER
    assert _states(database, tenant) == []


def test_a_member_without_an_address_gets_nothing(
    database: Database, tenant: Tenant, doorbell: RecordingDoorbell
) -> None:
    _hear(database, tenant, _contact(None))
    _hear(database, tenant, _purchase(new_id()))

    assert _states(database, tenant) == []
    assert not doorbell.rings


def test_an_older_letter_never_overwrites_a_newer_address(
    database: Database,
    tenant: Tenant,
    doorbell: RecordingDoorbell,
    context: WorkContext,
    providers: Providers,
    mailbox: Mailbox,
) -> None:
    older, newer = new_id(), new_id()
    _hear(database, tenant, _contact("new@example.test"), letter_id=newer)
    _hear(database, tenant, _contact("old@example.test"), letter_id=older)
    _hear(database, tenant, _purchase(new_id()))

    _send(context, providers, doorbell)

    assert [mail.recipient for mail in mailbox.messages()] == ["new@example.test"]


def test_a_refused_address_is_not_tried_again(
    database: Database,
    tenant: Tenant,
    doorbell: RecordingDoorbell,
    context: WorkContext,
    providers: Providers,
    mailbox: Mailbox,
) -> None:
    _hear(database, tenant, _contact("li@refused.test"))
    _hear(database, tenant, _purchase(new_id()))

    _send(context, providers, doorbell)

    ((state, attempts, error),) = _states(database, tenant)
    assert (state, attempts) == ("failed", 1)
    assert str(error).startswith("RECIPIENT_REFUSED 550")
    assert _emails_counted(database, tenant) == 0


def test_a_busy_server_gets_the_same_message_later(
    database: Database,
    tenant: Tenant,
    doorbell: RecordingDoorbell,
    context: WorkContext,
    providers: Providers,
    mailbox: Mailbox,
    clock: list[datetime],
) -> None:
    _hear(database, tenant, _contact("li@busy.test"))
    _hear(database, tenant, _purchase(new_id()))

    (message_id,) = _send(context, providers, doorbell)
    assert _states(database, tenant)[0][:2] == ("queued", 1)
    again = {"tenant_id": str(tenant.id), "message_id": message_id}
    doorbell.ring("send_message", **again)
    _send(context, providers, doorbell)
    assert _states(database, tenant)[0][:2] == ("queued", 1)  # it rests
    clock[0] += timedelta(seconds=10)
    doorbell.ring("send_message", **again)
    _send(context, providers, doorbell)

    assert _states(database, tenant) == [("sent", 2, None)]
    assert mailbox.message_ids() == (f"<{message_id}@regulars.test>",)
    assert _emails_counted(database, tenant) == 1


def test_a_server_that_is_away_parks_the_message_in_the_end(
    database: Database, tenant: Tenant, doorbell: RecordingDoorbell, context: WorkContext, clock: list[datetime]
) -> None:
    nobody = open_providers(smtp_url="smtp://127.0.0.1:1")
    _hear(database, tenant, _contact("li@example.test"))
    _hear(database, tenant, _purchase(new_id()))
    (ring,) = doorbell.take("send_message")

    for _ in range(ATTEMPTS_MAX + 2):
        doorbell.ring("send_message", **ring)
        _send(context, nobody, doorbell)
        clock[0] += timedelta(hours=1)

    ((state, attempts, error),) = _states(database, tenant)
    assert (state, attempts) == ("parked", ATTEMPTS_MAX)
    assert str(error).startswith("PROVIDER_UNREACHABLE")
    nobody.close()


def test_a_failure_that_is_told_late_says_nothing_of_the_attempt_under_way(
    database: Database, tenant: Tenant, doorbell: RecordingDoorbell, context: WorkContext, clock: list[datetime]
) -> None:
    _hear(database, tenant, _contact("li@example.test"))
    _hear(database, tenant, _purchase(new_id()))
    (ring,) = doorbell.take("send_message")
    claims: list[ClaimedMessage | None] = []
    for _ in range(2):
        with context.work_in(tenant, "send_message") as uow:
            claims.append(messages.claim_message(uow, UUID(str(ring["message_id"]))))
        clock[0] += LEASE + timedelta(seconds=1)
    assert claims[0] is not None
    with context.work_in(tenant, "send_message") as uow:
        messages.settle_failed(uow, claims[0], reason="CONNECTION_LOST", is_final=True)

    assert _states(database, tenant) == [("queued", 2, None)]


def test_the_sweep_rings_for_overdue_messages_of_every_tenant(
    database: Database,
    tenant: Tenant,
    tenant_b: Tenant,
    doorbell: RecordingDoorbell,
    context: WorkContext,
    providers: Providers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    past = wall_now() - timedelta(hours=1)
    with monkeypatch.context() as patch:
        patch.setattr(messages, "wall_now", lambda: past)
        for one in (tenant, tenant_b):
            _hear(database, one, _contact("li@example.test"))
            _hear(database, one, _purchase(new_id()))
    rung = doorbell.take("send_message")
    _hear(database, tenant, _purchase(new_id()))  # not overdue
    doorbell.take("send_message")

    _task, sweep = message_tasks(providers)
    sweep.run(context)

    assert sorted(map(str, doorbell.take("send_message"))) == sorted(map(str, rung))


def test_an_invitation_carries_a_link_that_opens_it(
    database: Database,
    tenant: Tenant,
    doorbell: RecordingDoorbell,
    context: WorkContext,
    providers: Providers,
    mailbox: Mailbox,
) -> None:
    invitation_id = new_id()
    invited = StaffInvited(
        tenant_id=tenant.id,
        invitation_id=invitation_id,
        email="bob@example.test",
        role="cashier",
        merchant_name="Corner Café",
        inviter_name="Ann",
        locale="zh-CN",
        expires_at=NOW + timedelta(days=7),
    )
    _hear(database, tenant, invited)

    _send(context, providers, doorbell)

    (mail,) = mailbox.messages(to="bob@example.test")
    text = _text(mailbox, mail)
    assert "收银员" in text
    token = text.partition("http://localhost:8000/invitations/")[2].split()[0]
    assert Signer(SECRET).invitation_id(token) == invitation_id


def test_a_new_member_is_welcomed_by_name(
    database: Database,
    tenant: Tenant,
    doorbell: RecordingDoorbell,
    context: WorkContext,
    providers: Providers,
    mailbox: Mailbox,
) -> None:
    _hear(database, tenant, _contact("li@example.test", name="李雷 🎈", locale="zh-CN"))
    enrolled = MemberEnrolled(
        member_id=MEMBER, merchant_name="Corner Café", unit_name_en="beans", unit_name_zh="豆", unit_scale=0
    )
    _hear(database, tenant, enrolled)

    _send(context, providers, doorbell)

    (mail,) = mailbox.messages()
    assert "李雷 🎈" in _text(mailbox, mail)


@pytest.mark.parametrize(("locale", "mark"), [("en", "[Sandbox] "), ("zh-CN", "[沙箱] ")])
def test_letters_of_a_sandbox_are_marked(
    database: Database,
    tenant: Tenant,
    context: WorkContext,
    providers: Providers,
    doorbell: RecordingDoorbell,
    mailbox: Mailbox,
    locale: str,
    mark: str,
) -> None:
    with unit_of_work(database, PLATFORM, now=NOW, actor=SYSTEM, correlation_id="test") as uow:
        uow.execute("UPDATE platform.tenants SET mode = 'sandbox' WHERE id = %(id)s", {"id": tenant.id})
    _hear(database, tenant, _contact("li@example.test", locale=locale))
    enrolled = MemberEnrolled(
        member_id=MEMBER, merchant_name="Corner Café", unit_name_en="beans", unit_name_zh="豆", unit_scale=0
    )
    _hear(database, tenant, enrolled)

    _send(context, providers, doorbell)

    (mail,) = mailbox.messages(to="li@example.test")
    assert mail.subject.startswith(mark)
    sent = message_from_bytes(mailbox.content(mail), policy=policy.default)
    assert sent["X-Regulars-Sandbox"] == "cafe"


@pytest.mark.parametrize(
    ("email", "outcome", "channel"),
    [
        ("li@example.test", "accepted", "email"),
        ("li@refused.test", "unreachable", "email"),
        (None, "unreachable", None),
    ],
)
@pytest.mark.parametrize("is_about_a_tier", [False, True])
def test_who_asked_for_a_notice_hears_once_what_became_of_it(
    database: Database,
    tenant: Tenant,
    doorbell: RecordingDoorbell,
    context: WorkContext,
    providers: Providers,
    email: str | None,
    outcome: str,
    channel: str | None,
    *,
    is_about_a_tier: bool,
) -> None:
    notice_id = new_id()
    _hear(database, tenant, _contact(email))
    asking = dataclasses.replace(_expiring(), notice_id=notice_id)
    _hear(database, tenant, _tier_ending(notice_id) if is_about_a_tier else asking)
    _hear(database, tenant, _expiring())  # of an older release: it asks for nothing

    for _ in range(2):
        _send(context, providers, doorbell)

    with read_session(database, tenant.home, now=NOW) as session:
        letters = session.fetch_all("SELECT payload FROM outbox WHERE type = 'NoticeSettled'")
    told = [{name: value for name, value in row["payload"].items() if not name.startswith("$")} for row in letters]
    settled = {"notice_id": str(notice_id), "member_id": str(MEMBER), "outcome": outcome, "channel": channel}
    assert told == [settled]


def _expiring() -> PointsExpiring:
    return PointsExpiring(MEMBER, "Corner Café", 12, "2026-12-31", "Asia/Shanghai", "beans", "豆", 0)


def _tier_ending(notice_id: UUID) -> TierEnding:
    return TierEnding(
        notice_id=notice_id,
        member_id=MEMBER,
        tier="gold",
        merchant_name="Corner Café",
        tier_name_en="Gold",
        tier_name_zh="金卡",
        ends_at=NOW,
        timezone="Asia/Shanghai",
        points=120,
        unit_name_en="beans",
        unit_name_zh="豆",
        unit_scale=0,
        visits=None,
        spend_minor=12_000,
        currency="CNY",
    )
