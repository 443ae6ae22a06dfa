"""S14: secrets and personal data are planted wherever people and operators put them, and then looked for.

Everything that comes out is searched: the logs of every process at debug level (PostgreSQL's, told to log every
statement, and Valkey's too), what is kept in Valkey, spans, metrics, and every answer that tells of an error. The
product is driven through its verbs, through refusals, and through failures that nobody foresaw: constraints that are
suddenly there make the database repeat whole rows in its errors.
"""

import random
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
from psycopg import sql

from services.doubles.mailbox.reading import read_body
from services.platform.clock import monotonic
from services.platform.db.homes import tenant_home
from services.platform.ids import new_id
from tests.faults.canaries import Canaries, Walk
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.merchant import APPLY_TEMPLATE, CREATE_KEY, CREATE_STORE, CURRENCY, ENROLL, ZONE, key_of
from tests.faults.stack import Stack
from tests.faults.verdict import Verdict
from tests.faults.wire import free_port
from tests.support.collector import Collector, collecting

WAIT_SECONDS_MAX = 90.0
START_SECONDS_MAX = 20.0
"""A process that does not give up by then has complained often enough."""
POLL_SECONDS = 0.1
CANARIES_MIN = 20

_ERROR = "... on Error { code message }"
SIGN_UP = f"""
mutation($input: SignUpInput!) {{ done: signUp(input: $input) {{
  ... on SignUpPayload {{ tenant {{ id }} session {{ token }} }} {_ERROR} }} }}"""
LOG_IN = f"""
mutation($input: LogInInput!) {{ done: logIn(input: $input) {{ ... on LogInPayload {{ __typename }} {_ERROR} }} }}"""
INVITE = f"""
mutation($input: InviteStaffInput!) {{ done: inviteStaff(input: $input) {{
  ... on InviteStaffPayload {{ replayed }} {_ERROR} }} }}"""
ACCEPT = f"""
mutation($input: AcceptInvitationInput!) {{ done: acceptInvitation(input: $input) {{
  ... on AcceptInvitationPayload {{ session {{ token }} }} {_ERROR} }} }}"""
MEMBER_TOKEN = f"""
mutation($input: CreateMemberTokenInput!) {{ done: createMemberToken(input: $input) {{
  ... on CreateMemberTokenPayload {{ token }} {_ERROR} }} }}"""
ADJUST = f"""
mutation($input: AdjustPointsInput!) {{ done: adjustPoints(input: $input) {{
  ... on AdjustPointsPayload {{ balance }} {_ERROR} }} }}"""
FIND = """
query($by: MemberReferenceInput!) { member(by: $by) { id name birthday identities { kind } } }"""


def keep_secrets(bench: Bench) -> Verdict:
    """S14: nothing that was planted comes out."""
    # Not of the seed: what a second run looks for may not lie about from the first.
    canaries = Canaries(random.Random(new_id().hex))
    verdict = Verdict("S14", injected=0)
    with collecting() as collector:
        walk = Walk(bench.stack, canaries)
        with _talkative(bench.stack):
            shown = _drive(bench, walk, collector)
        _check_drive(verdict, walk, collector)
        outputs = {**shown, **_files(bench.stack.home), **{f"answer to {step}": text for step, text in walk.errors}}
        outputs |= {f"spans {number}": body for number, body in enumerate(collector.bodies)}
        hits = [f"{name} in {place}" for place, text in outputs.items() for name in canaries.found_in(text)]
    for name in ("gateway", "worker", "scheduler"):
        bench.stack.stop(name)  # what comes next starts without the canaries' surroundings
    verdict.injected, verdict.acknowledged, verdict.leaked = len(canaries.values), walk.sent, len(hits)
    verdict.note = f"{len(outputs)} outputs searched"
    verdict.complain("secrets came out", hits)
    if verdict.injected < CANARIES_MIN:
        verdict.complaints.append(f"only {verdict.injected} canaries")
    return verdict


# --- driving ---------------------------------------------------------------------------------------------------------


def _drive(bench: Bench, walk: Walk, collector: Collector) -> dict[str, bytes]:
    """Everything once, with all observation on; the metrics at the end, which no file has."""
    stack, canaries = bench.stack, walk.canaries
    ports = {"gateway": free_port(), "worker": free_port()}
    common = collector.environment(
        REGULARS_LOG_LEVEL="debug",
        REGULARS_SECRET=canaries.secret("signing secret") * 2,
        OTEL_EXPORTER_OTLP_HEADERS=f"x-token={canaries.secret('token of the collector')}",
    )
    database = stack.postgres.tcp_url().replace(
        "regulars_app@", f"regulars_app:{canaries.secret('password of the database')}@"
    )
    mail = stack.mailbox.smtp_url.replace("//", f"//postmaster:{canaries.secret('password of the mail server')}@")
    for name, port in ports.items():
        shown = {"REGULARS_METRICS_ADDRESS": f"127.0.0.1:{port}", "REGULARS_DATABASE_URL": database}
        fault = bench.gateway_fault if name == "gateway" else bench.worker_fault
        stack.require(name, fault=fault, environment={**common, **shown, "REGULARS_SMTP_URL": mail})
    began = _log_length(stack, "worker")
    owner = _open(walk)
    member_id = _people(walk, owner)
    _strangers(walk)
    _rubbish(walk)
    _unforeseen(walk, owner, stack)
    _wait_for(stack, "worker", "message_not_sent", after=began)
    shown = {"REGULARS_METRICS_ADDRESS": f"127.0.0.1:{ports['worker']}", "REGULARS_DATABASE_URL": database}
    stack.require("worker", fault=bench.worker_fault, environment={**common, **shown})
    _staff(walk, owner, member_id)
    metrics = {
        f"metrics of the {name}": httpx.get(f"http://127.0.0.1:{port}/metrics").content for name, port in ports.items()
    }
    _false_starts(stack, canaries, common)
    return metrics


def _open(walk: Walk) -> str:
    """A merchant; the owner's session."""
    canaries = walk.canaries
    slug = f"s{walk.canaries.chance.randrange(10**9)}"
    sign_up = {
        "email": canaries.email("owner's e-mail"),
        "password": canaries.secret("owner's password"),
        "name": canaries.secret("owner's name"),
        "merchantName": "Corner Café",
        "slug": slug,
        "locale": "en",
        "idempotencyKey": f"sign-up-{slug}",
    }
    done = walk.do("sign up", SIGN_UP, sign_up)
    token = canaries.issued("session token", done["session"]["token"])
    walk.schema = tenant_home(key_of(done["tenant"]["id"])).schema
    again = {**sign_up, "email": canaries.email("a second e-mail"), "idempotencyKey": "again"}
    walk.do("slug taken", SIGN_UP, {**again, "password": canaries.secret("a second password")})
    walk.do(
        "weak password", SIGN_UP, {**again, "slug": f"{slug}w", "password": canaries.secret("weak password", length=7)}
    )
    walk.do("other input", SIGN_UP, {**sign_up, "password": canaries.secret("another password")})
    for step, email in (("wrong password", sign_up["email"]), ("nobody", canaries.email("nobody's e-mail"))):
        walk.do(step, LOG_IN, {"email": email, "password": canaries.secret(f"{step}: the password")})
    walk.do("log in", LOG_IN, {"email": sign_up["email"], "password": sign_up["password"]})
    walk.do("store", CREATE_STORE, {"code": "main", "name": "Main", "timezone": ZONE, "currency": CURRENCY}, token)
    template = {"template": "CAFE", "currency": CURRENCY, "timezone": ZONE, "publish": True}
    walk.do("program", APPLY_TEMPLATE, template, token)
    return token


def _people(walk: Walk, owner: str) -> str:
    canaries = walk.canaries
    email, phone = canaries.email("member's e-mail"), canaries.phone("member's phone")
    person = {
        "identities": [{"kind": "EMAIL", "value": email}, {"kind": "PHONE", "value": phone}],
        "locale": "en",
        "name": canaries.secret("member's name"),
        "birthday": canaries.birthday("member's birthday"),
        "idempotencyKey": "enroll",
    }
    member_id = str(walk.do("enroll", ENROLL, person, owner)["member"]["id"])
    walk.do("identity taken", ENROLL, {**person, "idempotencyKey": "enroll-2"}, owner)
    wrong = canaries.secret("half an e-mail")
    for kind in ("EMAIL", "PHONE"):
        given = {**person, "identities": [{"kind": kind, "value": wrong}], "idempotencyKey": f"wrong {kind}"}
        walk.do(f"wrong {kind}", ENROLL, given, owner)
    walk.do("wrong birthday", ENROLL, {**person, "birthday": canaries.secret("no birthday")}, owner)
    token = {"Authorization": f"Bearer {owner}"}
    for step, by in (("find", {"email": email}), ("find wrong", {"phone": wrong})):
        walk.post(step, {"query": FIND, "variables": {"by": by}}, **token)
    reason = {"member": {"id": member_id}, "points": 5, "reason": canaries.secret("a reason"), "idempotencyKey": "a"}
    walk.do("adjust", ADJUST, reason, owner)
    walk.do("adjust below", ADJUST, {**reason, "points": -(10**9), "idempotencyKey": "b"}, owner)
    key = walk.do("key", CREATE_KEY, {"name": "till", "scopes": ["MEMBERS_READ"]}, owner)["secret"]
    walk.do("key forbidden", ADJUST, reason, canaries.issued("API key", key))
    given = walk.do("member token", MEMBER_TOKEN, {"memberId": member_id}, owner)
    walk.do("member forbidden", ADJUST, reason, canaries.issued("member token", given["token"]))
    return member_id


def _strangers(walk: Walk) -> None:
    """Credentials that are none."""
    canaries = walk.canaries
    viewer = {"query": "{ viewer { kind } }"}
    tried = {
        "bearer": f"Bearer {canaries.secret('an invented token')}",
        "session": f"Bearer rs_{'0' * 32}_{canaries.secret('an invented session') * 2}",
        "key": f"Bearer rk_{'0' * 16}_{canaries.secret('an invented key') * 2}",
        "member": f"Bearer rm_{canaries.secret('an invented member token')}.e30.x",
        "basic": f"Basic {canaries.secret('basic credentials')}",
    }
    for name, authorization in tried.items():
        walk.post(f"{name} refused", viewer, Authorization=authorization)
    walk.post("tenant refused", viewer, X_Tenant=canaries.secret("a tenant that is none"))
    accepted = {"token": canaries.secret("an invented invitation"), "name": "x", "locale": "en"}
    walk.do("invitation refused", ACCEPT, {**accepted, "password": canaries.secret("a stranger's password")})


def _rubbish(walk: Walk) -> None:
    """Requests that fit nothing, with a secret in the middle."""
    secret = walk.canaries.secret("a secret in rubbish")
    documents = {
        "syntax": f'mutation {{ logIn(input: {{email: "x", password: "{secret}" ',
        "unknown field": f'mutation {{ logIn(input: {{email: "x", password: "{secret}", x: 1}}) {{ __typename }} }}',
        "wrong kind": f'mutation {{ logIn(input: {{email: "x", password: ["{secret}"]}}) {{ __typename }} }}',
        "unknown argument": f'mutation {{ logIn(password: "{secret}") {{ __typename }} }}',
        "wrong enum": f'{{ rewards(first: "{secret}") {{ edges {{ cursor }} }} }}',
        "wrong id": f'{{ node(id: "{secret}") {{ id }} }}',
        "wrong cursor": f'{{ members(first: 1, after: "{secret}") {{ edges {{ cursor }} }} }}',
    }
    for step, document in documents.items():
        walk.post(step, {"query": document})
    for step, given in {
        "list": {"email": "x", "password": [secret]},
        "number": {"email": secret, "password": 5},
        "unknown key": {"email": "x", "password": "y", "other": secret},
        "not an object": secret,
    }.items():
        walk.post(f"variables: {step}", {"query": LOG_IN, "variables": {"input": given}})
    walk.post("not JSON", b'{"query": "' + secret.encode())
    walk.post("not an object", b'["' + secret.encode() + b'"]')
    walk.post("NUL", {"query": LOG_IN, "variables": {"input": {"email": f"{secret}\0", "password": secret}}})
    walk.post("media type", secret.encode(), Content_Type="text/plain")


def _unforeseen(walk: Walk, owner: str, stack: Stack) -> None:
    """Failures that nobody foresaw, in a command, in a sign-up and in the handling of a letter."""
    canaries = walk.canaries
    person = {
        "locale": "en",
        "name": canaries.secret("name of one who fails"),
        "birthday": canaries.birthday("birthday of one who fails"),
        "identities": [
            {"kind": "EMAIL", "value": canaries.email("e-mail of one who fails")},
            {"kind": "PHONE", "value": canaries.phone("phone of one who fails")},
        ],
        "idempotencyKey": "fails",
    }
    schema = walk.schema
    with _refusing(stack, schema, "members"):
        walk.do("failing enrollment", ENROLL, person, owner)
    with _refusing(stack, "platform", "users"):
        sign_up = {
            "email": canaries.email("e-mail of an owner who fails"),
            "password": canaries.secret("password of an owner who fails"),
            "name": canaries.secret("name of an owner who fails"),
            "merchantName": "x",
            "slug": f"f{canaries.chance.randrange(10**9)}",
            "locale": "en",
            "idempotencyKey": "fails",
        }
        walk.do("failing sign-up", SIGN_UP, sign_up)
    began = _log_length(stack, "worker")
    with _refusing(stack, schema, "recipients"):
        walk.do("failing letter", ENROLL, {**person, "idempotencyKey": "fails later"}, owner)
        _wait_for(stack, "worker", "letter_failed", after=began)


def _staff(walk: Walk, owner: str, member_id: str) -> None:
    """An invitation by mail, which makes one more secret, and a person who accepts it."""
    canaries, stack = walk.canaries, walk.stack
    email = canaries.email("cashier's e-mail")
    walk.do("invite", INVITE, {"email": email, "role": "CASHIER", "idempotencyKey": "invite"}, owner)
    (mail,) = stack.mailbox.wait_for(1, to=email, timeout_seconds=int(WAIT_SECONDS_MAX))
    link = re.search(r"/invitations/(\S+)", read_body(stack.mailbox.content(mail)).text)
    assert link is not None, "the mail has a link"
    person = {"token": canaries.issued("invitation", link[1]), "name": canaries.secret("cashier's name")}
    given = {**person, "locale": "en", "password": canaries.secret("cashier's password")}
    done = walk.do("accept", ACCEPT, given)
    walk.do("accept twice", ACCEPT, {**given, "password": canaries.secret("cashier's other password")})
    cashier = canaries.issued("cashier's session", done["session"]["token"])
    walk.do("cashier forbidden", MEMBER_TOKEN, {"memberId": member_id}, cashier)
    httpx.get(f"http://127.0.0.1:{stack.gateway_port}/invitations/{person['token']}")


def _false_starts(stack: Stack, canaries: Canaries, common: Mapping[str, str]) -> None:
    """Processes that can't start because an address is wrong: what they complain of has a password in it."""
    nobody = f"127.0.0.1:{free_port()}"
    for name, variable, url in (
        ("worker", "REGULARS_BROKER_URL", f"redis://:{canaries.secret('password of the broker')}@{nobody}/0"),
        (
            "scheduler",
            "REGULARS_DATABASE_URL",
            f"postgresql://a:{canaries.secret('password of no database')}@{nobody}/b",
        ),
        ("worker", "REGULARS_SMTP_URL", f"smtp://a:{canaries.secret('password of no mail server')}@:port"),
    ):
        stack.require(name, environment={**common, variable: url})
        deadline = monotonic() + START_SECONDS_MAX
        while name not in stack.ended() and monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        stack.stop(name)


@contextmanager
def _talkative(stack: Stack) -> Iterator[None]:
    """PostgreSQL logs every statement of ours as if it had been slow."""
    with psycopg.connect(stack.postgres.superuser_url, autocommit=True) as connection:
        connection.execute("ALTER ROLE regulars_app SET log_min_duration_statement = 0")
        try:
            yield
        finally:
            connection.execute("ALTER ROLE regulars_app RESET log_min_duration_statement")


@contextmanager
def _refusing(stack: Stack, schema: str, table: str) -> Iterator[None]:
    """The table takes no new row, for a reason that the code does not know; the database tells of the whole row."""
    place = sql.Identifier(schema, table)
    with psycopg.connect(stack.postgres.superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER TABLE {} ADD CONSTRAINT unforeseen CHECK (false) NOT VALID").format(place))
        try:
            yield
        finally:
            connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT unforeseen").format(place))


def _log_length(stack: Stack, process: str) -> int:
    log = stack.log_of(process)
    return log.stat().st_size if log.exists() else 0


def _wait_for(stack: Stack, process: str, event: str, *, after: int) -> None:
    """Until the log tells of an event, beyond a length that it had."""
    deadline = monotonic() + WAIT_SECONDS_MAX
    while f'"event":"{event}"'.encode() not in stack.log_of(process).read_bytes()[after:]:
        if monotonic() > deadline:
            raise TimeoutError(f"the {process} does not log {event}")
        time.sleep(POLL_SECONDS)


# --- judging ---------------------------------------------------------------------------------------------------------

EXPECTED: Mapping[str, str] = {
    "sign up": "ok",
    "slug taken": "SLUG_TAKEN",
    "weak password": "PASSWORD_TOO_WEAK",
    "wrong password": "LOGIN_FAILED",
    "log in": "ok",
    "enroll": "ok",
    "identity taken": "IDENTITY_TAKEN",
    "find": "ok",
    "key forbidden": "FORBIDDEN",
    "bearer refused": "CREDENTIAL_INVALID",
    "syntax": "QUERY_SYNTAX_INVALID",
    "not JSON": "REQUEST_MALFORMED",
    "failing enrollment": "INTERNAL",
    "failing sign-up": "INTERNAL",
    "failing letter": "ok",
    "accept": "ok",
}
"""How some of the steps end: a walk that gets nowhere would find nothing."""


def _check_drive(verdict: Verdict, walk: Walk, collector: Collector) -> None:
    unlike = {
        step: walk.outcomes.get(step, "not done") for step in EXPECTED if walk.outcomes.get(step) != EXPECTED[step]
    }
    verdict.complain("steps went another way", [f"{step}: {outcome}" for step, outcome in unlike.items()])
    names = {span.name for span in collector.spans()}
    wanted = {"HTTP POST /graphql", "mutation signUp", "mutation enrollMember", "transaction", "send email"}
    verdict.complain("spans are missing", sorted(wanted - names))


def _files(home: Path) -> dict[str, bytes]:
    """Every log, and what Valkey has written down. PostgreSQL's data is where personal data belongs."""
    places = [*(home / "logs").rglob("*"), *(home / "valkey").rglob("*")]
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in places if path.is_file()}


def _has_leaked(verdict: Verdict) -> bool:
    return verdict.leaked > 0


EXPERIMENTS = (
    Experiment(
        "S14",
        "Secrets are planted and looked for",
        keep_secrets,
        (
            Mutation("exceptions told in full", _has_leaked, gateway="exceptions-in-full", worker="exceptions-in-full"),
            Mutation("answers repeat what was sent", _has_leaked, gateway="echo", is_slow=True),
            Mutation("spans hold variables", _has_leaked, gateway="variables-in-spans", is_slow=True),
        ),
    ),
)
