"""S13: credentials that are forged, cut, changed, too old, or another tenant's. Each is refused."""

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter_ns
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from services.platform.auth import tokens
from services.platform.auth.principals import CACHE_SECONDS
from services.platform.clock import wall_now
from tests.faults.abuse import PLENTY
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.merchant import Merchant, open_merchant
from tests.faults.sessions import log_in
from tests.faults.verdict import Verdict
from tests.faults.wire import Caller

SECRET = "a secret that only this experiment and its gateway know"
OTHER_SECRET = "another secret, as long as the one of the gateway"
HOURS_AGO = 2 * 3600
PATIENCE_SECONDS = 30
PAUSE_SECONDS = 0.5
REFUSALS = frozenset({401, 403, 404})
GUESSES = 10_000
DIFFERENCE_MAX = 0.10
"""Of the median time, between a guess that is nearly right and one that is not."""

VIEWER = json.dumps({"query": "{ viewer { kind } }"}).encode()
MEMBER_TOKEN = """
mutation($input: CreateMemberTokenInput!) { done: createMemberToken(input: $input) {
  ... on CreateMemberTokenPayload { token } ... on Error { code message } } }"""
LOG_OUT = "mutation { logOut { __typename } }"
EXPIRE = "UPDATE platform.sessions SET expires_at = created_at + interval '1 microsecond' WHERE id = %s"

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Holder:
    """A merchant's credentials, all of them good."""

    merchant: Merchant
    session: str
    member: str

    @property
    def all(self) -> tuple[str, str, str]:
        return self.merchant.token, self.session, self.member


def refuse_bad_tokens(bench: Bench) -> Verdict:
    """Every forgery once, beside the good credentials from which it was made."""
    environment = {**PLENTY, "REGULARS_SECRET": SECRET}
    merchant, _, _ = bench.begin(members=1, has_worker=False, environment=environment)
    port = bench.stack.gateway_port
    ours, theirs = _holder(port, merchant), _holder(port, open_merchant(port, members=1))
    verdict = Verdict("S13", injected=0)
    good = [_bearer(token[:11], token) for token in (*ours.all, *theirs.all)]
    verdict.complain("good credentials refused", [name for name, headers in good if _is_refused(port, headers)])
    let_in = []
    for name, headers in (*_forged(ours, theirs), *_elsewhere(ours, theirs), *_ended(bench, ours)):
        verdict.injected += 1
        if not _is_refused(port, headers):
            let_in.append(name)
    verdict.acknowledged = verdict.injected - len(let_in)
    verdict.leaked = len(let_in)
    verdict.complain("forgeries let in", let_in)
    verdict.complain("comparisons that tell", telling_comparisons())
    verdict.note = f"{verdict.injected} forgeries"
    return verdict


def _holder(port: int, merchant: Merchant) -> Holder:
    session = log_in(port, merchant.slug)
    caller = Caller(port, token=session)
    member = caller.command(MEMBER_TOKEN, {"memberId": merchant.member_ids[0]})["token"]
    caller.close()
    return Holder(merchant, session, str(member))


def _is_refused(port: int, headers: Headers) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    connection.request("POST", "/graphql", VIEWER, {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response.status in REFUSALS and "data" not in content


def _forged(ours: Holder, theirs: Holder) -> Iterator[tuple[str, Headers]]:
    """Tokens that nobody issued."""
    for token in ours.all:
        start = token[:3]
        for length in (*range(12), *range(len(token) // 2, len(token))):
            yield _bearer(f"{start} cut to {length}", token[:length])
        for place, letter in enumerate(token):
            if letter.isalpha():
                yield _bearer(f"{start} case of letter {place}", token[:place] + letter.swapcase() + token[place + 1 :])
        for extra in ("A", "=", ".", "\t."):
            yield _bearer(f"{start} and {extra!r}", token + extra)
        yield _bearer(f"{start} reversed", token[::-1])
    for mine, other in zip(ours.all[:2], theirs.all[:2], strict=True):
        yield _bearer("another's public part", mine[: mine.rindex("_", 0, 40)] + other[other.rindex("_", 0, 40) :])
    yield _bearer("a key nobody has", f"rk_{secrets.token_hex(8)}_{ours.merchant.token[20:]}")
    yield _bearer("a session nobody has", f"rs_{secrets.token_hex(16)}_{ours.session[36:]}")
    yield "another scheme", {"Authorization": f"Basic {ours.session}"}
    yield "no scheme", {"Authorization": ours.session}
    yield "no token", {"Authorization": "Bearer"}
    yield from _signed(ours, theirs)


def _signed(ours: Holder, theirs: Holder) -> Iterator[tuple[str, Headers]]:
    """Tokens that are signed, but not so, or not by us, or not for this, or not now."""
    payload = URLSafeTimedSerializer(OTHER_SECRET).loads_unsafe(ours.member[3:])[1]  # anybody can read it
    good = URLSafeTimedSerializer(SECRET, salt="member")
    yield _bearer("signed by a stranger", "rm_" + _text(URLSafeTimedSerializer(OTHER_SECRET, salt="member"), payload))
    yield _bearer("for another use", "rm_" + _text(URLSafeTimedSerializer(SECRET, salt="invitation"), payload))
    yield _bearer("not for a member", _text(good, payload))
    other_digest = URLSafeTimedSerializer(SECRET, salt="member", signer_kwargs={"digest_method": hashlib.sha512})
    yield _bearer("another digest", "rm_" + _text(other_digest, payload))
    for name, age in (("expired", HOURS_AGO), ("from the future", -HOURS_AGO)):
        aged = URLSafeTimedSerializer(SECRET, salt="member", signer=_signer_of_age(age))
        yield _bearer(name, "rm_" + _text(aged, payload))
    parts, others = ours.member.rsplit(".", 2), theirs.member.rsplit(".", 2)
    yield _bearer("another's content", ".".join((others[0], *parts[1:])))
    yield _bearer("another time", ".".join((parts[0], others[1][::-1], parts[2])))
    yield _bearer("no signature", ".".join((parts[0], parts[1], "")))
    for algorithm in ("none", "None", "HS256"):
        jwt = _jwt(algorithm, {"sub": payload[1], "tenant": payload[0], "exp": 2**31})
        yield _bearer(f"JWT {algorithm}", jwt)
        yield _bearer(f"JWT {algorithm} as a member's", f"rm_{jwt}")


def _elsewhere(ours: Holder, theirs: Holder) -> Iterator[tuple[str, Headers]]:
    """Good credentials at another tenant."""
    for token in ours.all:
        name, headers = _bearer(f"{token[:3]} at another tenant", token)
        yield f"{name}, by header", {**headers, "X-Tenant": theirs.merchant.slug}
        yield f"{name}, by host", {**headers, "Host": f"{theirs.merchant.slug}.localhost"}
        yield f"{name}, who is not there", {**headers, "X-Tenant": "nobody-of-that-name"}


def _ended(bench: Bench, ours: Holder) -> Iterator[tuple[str, Headers]]:
    """Sessions that are over, once the gateway has forgotten that it has just seen them."""
    port, slug = bench.stack.gateway_port, ours.merchant.slug
    expired, left = log_in(port, slug), log_in(port, slug)
    with psycopg.connect(bench.stack.postgres.superuser_url, autocommit=True) as connection:
        connection.execute(EXPIRE, (UUID(hex=expired[3:35]),))
    yield _bearer("an expired session", expired)
    caller = Caller(port, token=left)
    caller.ask(LOG_OUT)
    caller.close()
    time.sleep(CACHE_SECONDS + PAUSE_SECONDS)
    yield _bearer("a session that was left", left)


def telling_comparisons(is_secret: Callable[[bytes, str], bool] = tokens.is_secret) -> list[str]:
    """Ways in which the comparison of a secret tells how near a guess was."""
    secret = secrets.token_urlsafe(tokens.SECRET_BYTES)
    stored = tokens.digest(secret)
    near = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    far = "".join("A" if letter != "A" else "B" for letter in secret)
    times: dict[str, list[int]] = {near: [], far: []}
    for _ in range(GUESSES):
        for guess in (near, far):
            began = perf_counter_ns()
            is_secret(stored, guess)
            times[guess].append(perf_counter_ns() - began)
    of_near, of_far = (statistics.median(times[guess]) for guess in (near, far))
    difference = abs(of_near - of_far) / max(of_near, of_far)
    found = [f"a near guess takes {of_near:.0f} ns, a far one {of_far:.0f}"] if difference > DIFFERENCE_MAX else []
    seen = [_compared(is_secret, stored, guess) for guess in (near, far)]
    if seen != [[(32, 32)], [(32, 32)]]:
        found.append(f"not one comparison of two digests in constant time, but {seen}")
    return found


def _compared(is_secret: Callable[[bytes, str], bool], stored: bytes, guess: str) -> list[tuple[int, int]]:
    """The lengths of what the standard library's comparison in constant time was given."""
    given: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        given.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    module: Any = tokens
    kept, module.hmac = module.hmac, SimpleNamespace(compare_digest=compare)  # looks on, and passes on
    try:
        is_secret(stored, guess)
    finally:
        module.hmac = kept
    return given


def _bearer(name: str, token: str) -> tuple[str, Headers]:
    return name, {"Authorization": f"Bearer {token}"}


def _text(serializer: URLSafeTimedSerializer, payload: Any) -> str:
    return str(serializer.dumps(payload))


def _signer_of_age(seconds: int) -> type[TimestampSigner]:
    class Aged(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(wall_now().timestamp()) - seconds

    return Aged


def _jwt(algorithm: str, claims: Mapping[str, object]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT"}, claims)]
    signed = b".".join(part.rstrip(b"=") for part in parts)
    signature = hmac.digest(SECRET.encode(), signed, "sha256") if algorithm == "HS256" else b""
    return f"{signed.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _has_let_in(verdict: Verdict) -> bool:
    return verdict.leaked > 0


EXPERIMENTS = (
    Experiment(
        "S13",
        "Forged credentials",
        refuse_bad_tokens,
        (
            Mutation("secrets not compared", _has_let_in, gateway="secrets-not-compared"),
            Mutation("signatures not checked", _has_let_in, gateway="signatures-not-checked", is_slow=True),
        ),
    ),
)
