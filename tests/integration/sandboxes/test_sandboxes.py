"""Sandboxes by GraphQL: what they begin with, how their clocks go, and how their programs become the live one's."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.gateway.graphql.ids import decode
from services.loyalty.sandboxes.service import making, moving
from services.platform.auth.tokens import Signer
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.questions import Question
from services.platform.db.session import ReadSession, read_session
from services.platform.errands import Errand, Phase
from services.platform.tenancy.leases import take_lease
from services.platform.tenancy.registry import tenant_by_slug
from services.platform.worker.rounds import LEASE, lease_name
from tests.support.graphql_client import PASSWORD, SECRET, GraphQLClient, fresh_key, running_gateway
from tests.support.story import Caller, Merchant, quick_services, receipt, sign_up
from tests.support.tenants import DatabaseUrls

BEGIN = datetime(2030, 1, 1, 4, tzinfo=UTC)
"""Noon in Shanghai."""
TENANT = "{ tenant { slug name mode now } }"
STORES = "{ stores { edges { node { code name } } } }"
REWARDS = "{ rewards { edges { node { code costPoints } } } }"
CURRENT = "{ program { current { number effectiveFrom document } draft { revision document } } }"
ADVANCED = "now target isFinished steps done { name count } replayed"


@dataclass(slots=True)
class Diary:
    """An errand of the tests: what is due when, and at which instants it was run."""

    name: str
    phase: Phase
    due: list[datetime] = field(default_factory=list)
    runs: list[tuple[str, datetime, int]] = field(default_factory=list)
    slowness: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def errand(self) -> Errand:
        return Errand(self.name, self.phase, self.next_due, self.run)

    def next_due(self, _session: ReadSession) -> Question[datetime | None]:
        return Question((), lambda _rows: min(self.due, default=None))

    def run(self, database: Database, home: Home, now: datetime) -> int:
        threading.Event().wait(self.slowness)
        with self.lock:
            ripe = [instant for instant in self.due if instant <= now]
            self.due = [instant for instant in self.due if instant > now]
            if ripe:
                self.runs.append((self.name, now, len(ripe)))
        return len(ripe)


@dataclass(frozen=True, slots=True)
class Stage:
    gateway: GraphQLClient
    diaries: Sequence[Diary]
    log: list[tuple[str, datetime, int]]


@pytest.fixture
def stage(database: Database, database_urls: DatabaseUrls, tmp_path: Path) -> Iterator[Stage]:
    """A gateway whose errands write into one log."""
    log: list[tuple[str, datetime, int]] = []
    diaries = [
        Diary(name, phase, runs=log) for name, phase in (("expire", Phase.EXPIRY), ("activate", Phase.ACTIVATION))
    ]
    services = replace(
        quick_services(database, database_urls, tmp_path), errands=tuple(diary.errand() for diary in diaries)
    )
    with running_gateway(services) as client:
        yield Stage(client, diaries, log)


def _live(stage: Stage, slug: str = "corner") -> Merchant:
    merchant = sign_up(stage.gateway, slug)
    merchant.start_program()
    merchant.open_store(code="main")
    return merchant


def _sandbox(live: Merchant, slug: str = "corner-try", **given: Any) -> Merchant:
    values = {"slug": slug, "beginsAt": BEGIN.isoformat(), "idempotencyKey": fresh_key(), **given}
    made = live.do("createSandbox", "sandbox { slug mode }", **values)
    assert made["sandbox"] == {"slug": slug, "mode": "SANDBOX"}
    return replace(live, client=live.with_token(live.client.token, X_Tenant=slug).client, slug=slug)


def _joined(tenant: Merchant, name: str, role: str, **given: Any) -> GraphQLClient:
    """Somebody accepts a role in a tenant."""
    email = f"{name}@people.test"
    invited = tenant.do("inviteStaff", "invitation { id }", email=email, role=role, idempotencyKey=fresh_key(), **given)
    token = Signer(SECRET).invitation_token(decode("Invitation", invited["invitation"]["id"], field="id"))
    accepted = {"token": token, "name": name, "password": PASSWORD, "locale": "en"}
    stranger = Caller(tenant.client.as_(None))
    return stranger.client.as_(stranger.do("acceptInvitation", "session { token }", **accepted)["session"]["token"])


def _grants(tenant: Merchant) -> list[dict[str, Any]]:
    return [edge["node"] for edge in tenant.ask("{ staff(first: 50) { edges { node { id email role } } } }")["edges"]]


def _staff(tenant: Merchant) -> dict[str, str]:
    return {grant["email"].split("@")[0]: grant["role"] for grant in _grants(tenant)}


def _grant(tenant: Merchant, name: str) -> str:
    return str(next(grant["id"] for grant in _grants(tenant) if grant["email"] == f"{name}@people.test"))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_sandbox_begins_with_the_program_the_stores_and_the_rewards_of_its_tenant(stage: Stage) -> None:
    live = _live(stage)
    member = live.enroll()
    sandbox = _sandbox(live)

    found = sandbox.ask(TENANT)
    program, there = sandbox.ask(CURRENT), live.ask(CURRENT)

    assert (found["slug"], found["name"], found["mode"]) == ("corner-try", "Merchant corner", "SANDBOX")
    assert timedelta() <= _instant(found["now"]) - BEGIN < timedelta(minutes=1)
    assert program["current"]["document"] == there["current"]["document"]
    assert _instant(program["current"]["effectiveFrom"]) == BEGIN
    assert sandbox.ask(STORES) == live.ask(STORES)
    assert sandbox.ask(REWARDS) == live.ask(REWARDS)
    assert len(live.ask(REWARDS)["edges"]) > 0
    # People and points stay where they are, and who names no tenant still reaches the live one.
    assert sandbox.ask("{ members { edges { node { id } } } }") == {"edges": []}
    assert live.ask(TENANT)["slug"] == "corner"
    assert [one["slug"] for one in live.ask("{ sandboxes { slug } }")] == ["corner-try"]
    assert sandbox.ask("{ sandboxes { slug } }") == []
    assert live.ask("query ($by: MemberReferenceInput!) { member(by: $by) { id } }", by={"id": member}) is not None


def test_only_what_is_asked_for_is_copied(stage: Stage) -> None:
    live = _live(stage)

    sandbox = _sandbox(live, copies=["STORES"])

    assert sandbox.ask(CURRENT) == {"current": None, "draft": None}
    assert sandbox.ask(REWARDS) == {"edges": []}
    assert sandbox.ask(STORES) == live.ask(STORES)


def test_a_broken_off_creation_goes_on_with_its_key(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    live = _live(stage)
    wish = {"slug": "corner-try", "idempotencyKey": fresh_key()}
    with monkeypatch.context() as patch:
        patch.setattr(making, "_copy", _fail)
        live.send(
            "mutation ($input: CreateSandboxInput!) { createSandbox(input: $input) { __typename } }", {"input": wish}
        )

    made = live.do("createSandbox", "sandbox { slug } replayed", **wish)
    again = live.do("createSandbox", "sandbox { slug } replayed", **wish)
    sandbox = replace(live, client=live.with_token(live.client.token, X_Tenant="corner-try").client)

    assert made == again == {"__typename": "CreateSandboxPayload", "sandbox": {"slug": "corner-try"}, "replayed": True}
    assert sandbox.ask(STORES) == live.ask(STORES)
    assert sandbox.ask(CURRENT)["current"]["number"] == 1
    assert live.refused("createSandbox", **{**wish, "slug": "another"}) == "IDEMPOTENCY_CONFLICT"


def _fail(*_: object, **__: object) -> None:
    raise ConnectionError


def test_what_can_be_no_sandbox_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    live = _live(stage)
    sandbox = _sandbox(live)
    cashier = live.with_token(
        live.do("createApiKey", "secret", name="till", scopes=["PURCHASES_WRITE", "PROGRAM_WRITE"])["secret"]
    )

    def refused(by: Caller, **given: Any) -> str:
        return by.refused("createSandbox", **{"slug": "second", "idempotencyKey": fresh_key(), **given})

    assert refused(sandbox) == "SANDBOX_OF_SANDBOX"
    assert refused(live, slug="corner") == "SLUG_TAKEN"
    assert refused(live, slug="No") == "SLUG_INVALID"
    assert refused(live, beginsAt="1800-01-01T00:00:00Z") == "INVALID_INPUT"
    assert refused(cashier) == "FORBIDDEN"
    monkeypatch.setattr(making, "SANDBOXES_MAX", 1)
    assert refused(live) == "TOO_MANY_SANDBOXES"
    assert [one["slug"] for one in live.ask("{ sandboxes { slug } }")] == ["corner-try"]


def test_everything_due_in_between_is_done_as_if_day_by_day(stage: Stage) -> None:
    sandbox = _sandbox(_live(stage))
    expire, activate = stage.diaries
    expire.due = [BEGIN + timedelta(hours=2), BEGIN + timedelta(days=400, hours=3)]
    activate.due = [BEGIN + timedelta(hours=5), BEGIN + timedelta(days=400, hours=4), BEGIN + timedelta(days=800)]

    moved = sandbox.do("advanceClock", ADVANCED, days=730, idempotencyKey=fresh_key())

    # The days end at midnight in Shanghai, which is 16:00 UTC.
    first, second = datetime(2030, 1, 1, 16, tzinfo=UTC), datetime(2031, 2, 5, 16, tzinfo=UTC)
    assert stage.log == [("activate", first, 1), ("expire", first, 1), ("activate", second, 1), ("expire", second, 1)]
    target = _instant(moved.pop("target"))
    assert timedelta() <= target - (BEGIN + timedelta(days=730)) < timedelta(minutes=1)
    assert timedelta() <= _instant(moved.pop("now")) - target < timedelta(seconds=30)
    assert moved == {
        "__typename": "AdvanceClockPayload",
        "isFinished": True,
        "steps": 2,
        "done": [{"name": "activate", "count": 2}, {"name": "expire", "count": 2}],
        "replayed": False,
    }
    assert timedelta() <= _instant(sandbox.ask(TENANT)["now"]) - target < timedelta(seconds=30)


def test_what_happens_after_a_move_happens_then(stage: Stage) -> None:
    sandbox = _sandbox(_live(stage))
    store = sandbox.open_store(code="second")
    member = sandbox.enroll()
    sandbox.do("recordPurchase", "points", **receipt(store, "10.00", member=member))
    to = BEGIN + timedelta(days=100)

    sandbox.do("advanceClock", "now", to=to.isoformat(), idempotencyKey=fresh_key())
    later = sandbox.do("recordPurchase", "purchase { recordedAt }", **receipt(store, "10.00", member=member))

    assert timedelta() <= _instant(later["purchase"]["recordedAt"]) - to < timedelta(seconds=30)


def test_a_move_that_one_call_does_not_finish_goes_on_with_its_key(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = _sandbox(_live(stage))
    expire, _ = stage.diaries
    days = [BEGIN + timedelta(days=day) for day in range(1, 21)]
    expire.due, expire.slowness = list(days), 0.02
    monkeypatch.setattr(moving, "CALL_SECONDS", 0.2)
    wish = {"days": 20, "idempotencyKey": fresh_key()}

    calls: list[dict[str, Any]] = []
    while not calls or not calls[-1]["isFinished"]:
        calls.append(sandbox.do("advanceClock", ADVANCED, **wish))
        assert len(calls) < 40
    again = sandbox.do("advanceClock", ADVANCED, **wish)

    assert len(calls) > 1
    assert [call["replayed"] for call in calls] == [False, *[True] * (len(calls) - 1)]
    assert len({call["target"] for call in calls}) == 1
    assert [count for _, _, count in stage.log] == [1] * 20
    assert sum(call["steps"] for call in calls) == 20
    assert (again["isFinished"], again["steps"], again["replayed"]) == (True, 0, True)
    assert sandbox.refused("advanceClock", **{**wish, "days": 21}) == "IDEMPOTENCY_CONFLICT"


def test_calls_that_race_do_everything_once(stage: Stage) -> None:
    sandbox = _sandbox(_live(stage))
    expire, _ = stage.diaries
    expire.due, expire.slowness = [BEGIN + timedelta(days=day) for day in range(1, 31)], 0.005
    wish = {"days": 30, "idempotencyKey": fresh_key()}

    with ThreadPoolExecutor(4) as pool:
        moved = list(pool.map(lambda _: sandbox.do("advanceClock", ADVANCED, **wish), range(4)))

    assert sorted(call["replayed"] for call in moved) == [False, True, True, True]
    assert len({call["target"] for call in moved}) == 1
    assert all(call["isFinished"] for call in moved)
    assert [count for _, _, count in stage.log] == [1] * 30
    assert [now for _, now, _ in stage.log] == sorted(now for _, now, _ in stage.log)


def test_whoever_finds_the_clock_under_way_is_told_to_come_again(
    stage: Stage, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = _sandbox(_live(stage))
    monkeypatch.setattr(moving, "WAIT_SECONDS", 0.0)
    with read_session(database, PLATFORM, now=wall_now()) as session:
        tenant = tenant_by_slug(session, "corner-try")
    assert tenant is not None
    assert take_lease(database, name=lease_name(tenant.home), holder="somebody", life=LEASE)

    busy = sandbox.attempt("advanceClock", ADVANCED, days=1, idempotencyKey=fresh_key())

    assert busy["code"] == "CLOCK_BUSY"
    assert _instant(sandbox.ask(TENANT)["now"]) - BEGIN < timedelta(minutes=1)


def test_a_live_clock_stands_for_itself(stage: Stage) -> None:
    live = _live(stage)
    sandbox = _sandbox(live)

    assert live.refused("advanceClock", days=1, idempotencyKey=fresh_key()) == "CLOCK_NOT_MOVABLE"
    assert sandbox.refused("advanceClock", days=0, idempotencyKey=fresh_key()) == "INVALID_INPUT"
    assert abs(_instant(live.ask(TENANT)["now"]) - wall_now()) < timedelta(minutes=1)


def test_roles_follow_to_the_sandboxes(stage: Stage) -> None:
    live = _live(stage)
    store = live.ask("{ stores { edges { node { id } } } }")["edges"][0]["node"]["id"]
    mia, nora, theo = (_joined(live, name, "ADMIN") for name in ("mia", "nora", "theo"))
    sandbox = _sandbox(live)
    assert _staff(sandbox) == {"owner": "OWNER", "mia": "ADMIN", "nora": "ADMIN", "theo": "ADMIN"}

    _joined(live, "nora", "ANALYST")
    _joined(live, "late", "MARKETER")
    _joined(live, "till", "CASHIER", storeId=store)
    _joined(sandbox, "guest", "ADMIN")
    for gone in ("mia", "till"):
        live.do("removeStaff", "removedId", staffMemberId=_grant(live, gone))
    sandbox.do("removeStaff", "removedId", staffMemberId=_grant(sandbox, "theo"))

    assert _staff(sandbox) == {"owner": "OWNER", "nora": "ANALYST", "late": "MARKETER", "guest": "ADMIN"}
    assert _staff(live) == {"owner": "OWNER", "nora": "ANALYST", "late": "MARKETER", "theo": "ADMIN"}
    by_token = [each.as_(each.token, X_Tenant="corner-try").execute(STORES) for each in (mia, theo, nora)]
    assert [answer.status for answer in by_token][:2] == [404, 404]
    assert by_token[2].status == 200


def test_a_sandboxs_program_becomes_the_draft_of_its_tenant(stage: Stage) -> None:
    live, stranger = _live(stage), _live(stage, "stranger")
    sandbox = _sandbox(live)
    before = live.ask(CURRENT)
    document = {**sandbox.ask(CURRENT)["current"]["document"], "name": {"en": "Tried out", "zh": "试过的"}}
    sandbox.publish(document)
    revision = before["draft"]["revision"]

    stale = live.refused("promoteProgram", sandboxSlug="corner-try", revision=revision + 1)
    promoted = live.do(
        "promoteProgram",
        "draft { revision document } replaces { number } changes { kind path after }",
        sandboxSlug="corner-try",
        revision=revision,
    )
    after = live.ask(CURRENT)

    assert stale == "PROGRAM_DRAFT_CHANGED"
    assert promoted["draft"]["document"]["name"]["en"] == "Tried out"
    assert promoted["replaces"] == {"number": 1}
    assert promoted["changes"] == [
        {"kind": "CHANGED", "path": "/name/en", "after": "Tried out"},
        {"kind": "CHANGED", "path": "/name/zh", "after": "试过的"},
    ]
    assert after["draft"] == promoted["draft"]
    assert after["current"] == before["current"]
    assert stranger.refused("promoteProgram", sandboxSlug="corner-try", revision=1) == "SANDBOX_NOT_FOUND"
    assert sandbox.refused("promoteProgram", sandboxSlug="corner-try", revision=1) == "SANDBOX_OF_SANDBOX"
    empty = _sandbox(live, "corner-empty", copies=[])
    assert empty.ask(CURRENT)["current"] is None
    assert live.refused("promoteProgram", sandboxSlug="corner-empty", revision=revision) == "PROGRAM_NOT_PUBLISHED"
