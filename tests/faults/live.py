"""S3: sockets that follow one tenant's ledger while two tenants work, and sockets whose rights end."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import psycopg
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from services.platform.auth.tokens import MEMBER_TOKEN_SECONDS
from services.platform.clock import monotonic
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.merchant import ADJUST, Merchant, key_of, open_merchant
from tests.faults.verdict import Verdict
from tests.faults.wire import Caller, NoAnswer

EVENTS_MAX = 20_000
ANSWER_SECONDS_MAX = 60.0
STALLED_SECONDS = 120.0
REVOKED_SECONDS_MAX = 5.0
EXPIRED_SECONDS_MAX = 60.0
TOKEN_LEFT_SECONDS = 3
WATCHED_SECONDS = EXPIRED_SECONDS_MAX + TOKEN_LEFT_SECONDS
"""How long a socket is watched that ought to be closed."""
FORBIDDEN = 4403
OWNER_PASSWORD = "long enough for a test 2026"

FEED = """
subscription($memberId: ID) { ledgerEntryPosted(memberId: $memberId) {
  entry { id reason } member { id name identities { value } } balances { available } } }"""
LOG_IN = """
mutation($input: LogInInput!) { done: logIn(input: $input) {
  ... on LogInPayload { session { token } } ... on Error { code message } } }"""
MEMBER_TOKEN = """
mutation($input: CreateMemberTokenInput!) { done: createMemberToken(input: $input) {
  ... on CreateMemberTokenPayload { token } ... on Error { code message } } }"""

_numbers = count(1)


@dataclass(slots=True)
class Listener:
    """A socket with one subscription, and everything that came by it."""

    connection: ClientConnection
    member: str | None
    """Whom it asks for; None for all that it may hear of."""
    may_hear: frozenset[str]
    """Members of whom it may hear."""
    heard: list[Any] = field(default_factory=list)
    closed_at: float | None = None
    code: int | None = None

    def subscribe(self) -> None:
        """Begin to listen."""
        payload = {"query": FEED, "variables": {"memberId": self.member}}
        self.connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        """Take what comes, until the socket is closed."""
        try:
            while True:
                message = json.loads(self.connection.recv())
                if message["type"] != "connection_ack":
                    self.heard.append(message)
        except ConnectionClosed as closed:
            self.closed_at = monotonic()
            self.code = closed.rcvd.code if closed.rcvd else None

    def foreign(self, other: Merchant) -> list[str]:
        """What it should not have heard: other members, another merchant's words, refusals."""
        return [
            str(message["payload"])[:80]
            for message in tuple(self.heard)
            if message["type"] != "next"
            or "errors" in message["payload"]
            or message["payload"]["data"]["ledgerEntryPosted"]["member"]["id"] not in self.may_hear
            or other.slug in json.dumps(message)
        ]


def follow_ledgers(bench: Bench) -> Verdict:
    """S3: two tenants follow their own ledgers and each other's; then rights end in every way there is."""
    merchant, _letters, _logs = bench.begin(members=bench.scale.members, has_worker=False)
    rival = open_merchant(bench.stack.gateway_port, members=bench.scale.members)
    verdict = Verdict("S3", injected=0)
    with ExitStack() as sockets:
        ears = [*_ears(bench, sockets, merchant, rival), *_ears(bench, sockets, rival, merchant)]
        for listener, _ in ears:  # when it is known of all of them who they are
            listener.subscribe()
        posted = _work(bench, (merchant, rival), ears, events=_events(bench))
        heard = sum(len(listener.heard) for listener, _ in ears)
        foreign = [case for listener, other in ears for case in listener.foreign(other)]
    verdict.injected, verdict.acknowledged, verdict.leaked = posted, heard, len(foreign)
    verdict.complain("foreign events", foreign)
    if heard < _events(bench):
        verdict.complaints.append(f"only {heard} events were heard")
    if foreign:
        return verdict
    waits = list(_until_one_stays(_endings(bench, merchant)))
    for name, seconds, bar in waits:
        if seconds is None or seconds > bar:
            took = "never" if seconds is None else f"after {seconds:.1f} s"
            verdict.complaints.append(f"{name}: closed {took}, not within {bar:.0f} s")
    verdict.recovery_seconds = max((seconds for _, seconds, _ in waits if seconds is not None), default=None)
    verdict.note = f"{heard} events, {len(foreign)} foreign; closed after " + ", ".join(
        f"{name} {'never' if seconds is None else f'{seconds:.1f} s'}" for name, seconds, _ in waits
    )
    return verdict


def _events(bench: Bench) -> int:
    """How many events have to be heard."""
    return min(bench.scale.answers, EVENTS_MAX) // (3 if bench.scale.is_hurried else 1)


def _ears(bench: Bench, sockets: ExitStack, own: Merchant, other: Merchant) -> Iterator[tuple[Listener, Merchant]]:
    """Followers of a merchant's ledger, one that names the other's member, and its members with their own tokens."""
    everybody = frozenset(own.member_ids)
    with closing(Caller(bench.stack.gateway_port, token=_log_in(bench, own))) as owner:
        tokens = [owner.command(MEMBER_TOKEN, {"memberId": member})["token"] for member in own.member_ids]
    for _ in range(3):
        yield _listen(bench, sockets, own.token, everybody), other
    yield _listen(bench, sockets, own.token, frozenset(), member=other.member_ids[0]), other
    for member, token in zip(own.member_ids, tokens, strict=True):
        yield _listen(bench, sockets, token, frozenset((member,))), other


def _listen(
    bench: Bench, sockets: ExitStack, token: str, may_hear: frozenset[str], *, member: str | None = None
) -> Listener:
    return Listener(sockets.enter_context(_socket(bench.stack.gateway_port, token)), member, may_hear)


@contextmanager
def _socket(port: int, token: str) -> Iterator[ClientConnection]:
    """A socket whose credential was acknowledged."""
    with connect(
        f"ws://127.0.0.1:{port}/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        compression=None,
        close_timeout=1,
    ) as connection:
        connection.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
        assert json.loads(connection.recv(timeout=ANSWER_SECONDS_MAX)) == {"type": "connection_ack"}
        yield connection


def _work(
    bench: Bench, merchants: Sequence[Merchant], ears: Sequence[tuple[Listener, Merchant]], *, events: int
) -> int:
    """Post entries of both merchants in turn until so many events were heard; how many entries."""
    posted, deadline = 0, monotonic() + STALLED_SECONDS
    callers = [Caller(bench.stack.gateway_port, token=merchant.token) for merchant in merchants]
    heard = 0
    while heard < events and monotonic() < deadline:
        for merchant, caller in zip(merchants, callers, strict=True):
            _give(caller, merchant, merchant.member_ids[posted % len(merchant.member_ids)])
            posted += 1
        now = sum(len(listener.heard) for listener, _ in ears)
        deadline = deadline if now == heard else monotonic() + STALLED_SECONDS
        heard = now
    for caller in callers:
        caller.close()
    return posted


def _give(caller: Caller, merchant: Merchant, member: str) -> None:
    reason = {"reason": f"canary of {merchant.slug}", "idempotencyKey": f"live-{next(_numbers)}"}
    deadline = monotonic() + STALLED_SECONDS
    while True:
        try:
            caller.command(ADJUST, {"member": {"id": member}, "points": 1, **reason})
        except NoAnswer:
            if monotonic() > deadline:
                raise
        else:
            return


def _endings(bench: Bench, merchant: Merchant) -> Iterator[tuple[str, float | None, float]]:
    """After how many seconds a socket was closed whose rights had ended, in each way; and the bar."""
    grants = "FROM platform.tenants WHERE staff_grants.tenant_id = tenants.id AND tenants.slug = %s"
    session = "UPDATE platform.sessions SET {} WHERE id = %s::uuid"
    for name, statement in (("session ended", "revoked_at = now()"), ("session expired", "expires_at = now()")):
        token = _log_in(bench, merchant)
        yield name, _closed_after(bench, token, session.format(statement), token[3:35]), REVOKED_SECONDS_MAX
    changed = f"UPDATE platform.staff_grants SET role = 'cashier' {grants}"
    yield (
        "role changed",
        _closed_after(bench, _log_in(bench, merchant), changed, merchant.slug),
        REVOKED_SECONDS_MAX,
    )
    revoke = "UPDATE platform.api_keys SET revoked_at = now() WHERE prefix = %s"
    key = merchant.token
    yield "key revoked", _closed_after(bench, key, revoke, key[3:19]), REVOKED_SECONDS_MAX
    yield "token expired", _closed_after(bench, _old_token(bench, merchant), None), EXPIRED_SECONDS_MAX
    suspend = "UPDATE platform.tenants SET status = 'suspended', suspended_at = now() WHERE slug = %s"
    token = _log_in(bench, merchant)
    yield "tenant suspended", _closed_after(bench, token, suspend, merchant.slug), REVOKED_SECONDS_MAX


def _until_one_stays(endings: Iterator[tuple[str, float | None, float]]) -> Iterator[tuple[str, float | None, float]]:
    """The endings up to the first after which a socket stays open: one is enough, and takes long."""
    for ending in endings:
        yield ending
        if ending[1] is None:
            return


def _closed_after(bench: Bench, token: str, statement: str | None, *values: str) -> float | None:
    """Seconds from the end of a right to the end of its socket; without a statement the token ends by itself."""
    with _socket(bench.stack.gateway_port, token) as connection:
        listener = Listener(connection, None, frozenset())
        listening = threading.Thread(target=listener.listen, daemon=True)
        listening.start()
        ended = monotonic() + TOKEN_LEFT_SECONDS
        if statement is not None:
            with psycopg.connect(bench.stack.postgres.superuser_url, autocommit=True) as database:
                assert database.execute(statement.encode(), values).rowcount == 1, statement
            ended = monotonic()
        listening.join(WATCHED_SECONDS)
    if listener.closed_at is None or listener.code != FORBIDDEN:
        return None
    return max(0.0, listener.closed_at - ended)


class _Elderly(TimestampSigner):
    """Signs as if most of a member token's time had gone by."""

    def get_timestamp(self) -> int:
        return super().get_timestamp() - MEMBER_TOKEN_SECONDS + TOKEN_LEFT_SECONDS


def _old_token(bench: Bench, merchant: Merchant) -> str:
    """A member token that ends in a moment; the row of the merchant tells its id."""
    with psycopg.connect(bench.stack.postgres.superuser_url, autocommit=True) as database:
        row = database.execute("SELECT id FROM platform.tenants WHERE slug = %s", [merchant.slug]).fetchone()
    assert row is not None
    sign = URLSafeTimedSerializer(bench.stack.secret.encode(), salt="member", signer=_Elderly)
    return "rm_" + str(sign.dumps([row[0].hex, key_of(merchant.member_ids[0]).hex]))


def _log_in(bench: Bench, merchant: Merchant) -> str:
    with closing(Caller(bench.stack.gateway_port)) as caller:
        opened = caller.command(LOG_IN, {"email": f"owner@{merchant.slug}.test", "password": OWNER_PASSWORD})
    return str(opened["session"]["token"])


def _has_leaked(verdict: Verdict) -> bool:
    return verdict.leaked > 0


def _has_let_stay(verdict: Verdict) -> bool:
    return any(": closed " in complaint for complaint in verdict.complaints)


EXPERIMENTS = (
    Experiment(
        "S3",
        "Sockets of two tenants, and of ended rights",
        follow_ledgers,
        (
            Mutation("one context for all sockets", _has_leaked, gateway="shared-context"),
            Mutation("sockets are not checked again", _has_let_stay, gateway="unwatched-sockets", is_slow=True),
        ),
    ),
)
