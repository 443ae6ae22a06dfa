"""S6: requests made to break or to tire the gateway. Each is refused, cheaply, and nobody else notices."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from services.platform.clock import monotonic
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.usage import Usage, usage_of
from tests.faults.verdict import Verdict
from tests.faults.wire import Caller, NoAnswer, Refused

MIB = 1024 * 1024
WARM_UP = 30
NORMAL_REQUESTS = 60
ATTACKERS = 4
GROWTH_MAX = 64 * MIB
DEARNESS_MAX = 150.0
"""Normal requests for which the gateway could have used the processor time of the dearest abuse. A document of 2,000
tokens that nobody has sent before takes about 60, whether it is abusive or not; one field compared with all: 800."""
PATIENCE_SECONDS = 60
PLENTY = {"REGULARS_RATE_CAPACITY": str(10**9), "REGULARS_RATE_PER_SECOND": str(10**9)}
"""That a flood is turned away is S9's; here each request has to be refused for what it is."""

VIEWER = "{ viewer { kind } }"
NEIGHBOR = "query($id: ID!) { node(id: $id) { ... on Member { id name status } } }"


@dataclass(frozen=True, slots=True)
class Abuse:
    """A body, and the code by which it is refused. ``None``: the server may also just hang up."""

    name: str
    body: bytes
    code: str | None
    headers: Mapping[str, str] = field(default_factory=dict)


def abuses() -> tuple[Abuse, ...]:
    """Every abuse, by what it is about."""
    return (*_documents(), *_bodies())


def _documents() -> Iterator[Abuse]:
    chain = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(40))
    cycle = " ".join(f"fragment c{n} on Query {{ ...c{(n + 1) % 40} }}" for n in range(40))
    limit, invalid = "QUERY_LIMIT_EXCEEDED", "QUERY_INVALID"
    for name, document, code in (
        ("depth of 10,000", "{ viewer " * 10_000 + "}" * 10_000, limit),
        ("depth of 500", "{viewer" * 500 + "}" * 500, limit),
        ("10,000 aliases", "{" + " ".join(f"a{n}:viewer{{kind}}" for n in range(10_000)) + "}", limit),
        ("400 aliases", "{" + " ".join(f"a{n}:__typename" for n in range(400)) + "}", limit),
        ("100,000 directives", "{ viewer { kind " + "@a " * 100_000 + "} }", limit),
        ("400 unknown directives", "{ viewer { kind " + "@a " * 400 + "} }", limit),
        ("chain of doubling fragments", "{ ...f0 } " + chain + " fragment f40 on Query { viewer { kind } }", limit),
        ("cycle of fragments", "{ ...c0 } " + cycle, invalid),
        ("fields repeated", "{ viewer { " + "... { kind } " * 450 + "} }", limit),
        ("objects repeated", "{ members { edges { node { " + "balances { unit } " * 450 + "} } } }", limit),
        ("100 operations", " ".join(f"query q{n} {VIEWER}" for n in range(100)), limit),
        ("huge whole number", "{ members(first: " + "9" * 50_000 + ") { edges { cursor } } }", limit),
        ("huge fraction", "{ members(first: 1e999) { edges { cursor } } }", invalid),
        ("long text", '{ node(id: "' + "a" * 900_000 + '") { id } }', limit),
        ("a comment of 900,000 letters", "#" * 900_000 + "\n" + VIEWER, limit),
        ("unknown fields", "{ viewer { " + " ".join(f"x{n}" for n in range(1_900)) + " } }", invalid),
    ):
        yield Abuse(name, json.dumps({"query": document}).encode(), code)


def _bodies() -> Iterator[Abuse]:
    malformed = "REQUEST_MALFORMED"
    variables = b'{"query": "{ viewer { kind } }", "variables": {"a": %s}}'
    for name, body, code in (
        ("10 MB, announced", b" " * (10 * MIB), None),
        ("batch of 1,000", json.dumps([{"query": VIEWER}] * 1_000).encode(), malformed),
        ("JSON nested 10,000 deep", variables % (b"[" * 10_000 + b"]" * 10_000), malformed),
        ("JSON nested 500 deep", variables % (b'{"a":' * 500 + b"1" + b"}" * 500), malformed),
        ("300,000 empty lists", variables % (b"[" + b"[]," * 300_000 + b"1]"), malformed),
        ("a million quotes", b'"' * MIB, malformed),
        ("JSON cut off", b'{"query": "' + b"\\" * (MIB - 20), malformed),
        ("whole number of 400 digits", variables % (b"9" * 400), malformed),
        ("1e999", variables % b"1e999", malformed),
        ("NaN", variables % b"NaN", malformed),
        ("lone surrogate, escaped", variables % b'"\\ud800"', malformed),
        ("lone surrogate, in bytes", variables % b'"\xed\xa0\x80"', malformed),
        ("NUL, escaped", variables % b'"\\u0000"', malformed),
        ("NUL, in bytes", variables % b'"\x00"', malformed),
        ("not UTF-8", variables % b'"\xff"', malformed),
        ("a text", b'"abc"', malformed),
        ("null", b"null", malformed),
        ("nothing", b"", malformed),
    ):
        yield Abuse(name, body, code)
    for name, headers in (
        ("form", {"Content-Type": "application/x-www-form-urlencoded"}),
        ("text", {"Content-Type": "text/plain"}),
    ):
        yield Abuse(f"CSRF by {name}", json.dumps({"query": VIEWER}).encode(), "CONTENT_TYPE_UNSUPPORTED", headers)


def abuse_the_gateway(bench: Bench) -> Verdict:
    """Every abuse, so often as the scale says, beside a neighbor who goes on working."""
    merchant, _, _ = bench.begin(members=1, has_worker=False, environment=PLENTY)
    port = bench.stack.gateway_port
    verdict = Verdict("S6", injected=0)
    with closing(Caller(port, token=merchant.token)) as caller:
        _abuse_beside(bench, partial(_ask, caller, merchant.member_ids[0]), verdict)
    return verdict


def _abuse_beside(bench: Bench, ask: Callable[[], None], verdict: Verdict) -> None:
    port, pid = bench.stack.gateway_port, bench.stack.pid("gateway")
    for _ in range(WARM_UP):
        ask()
    before = usage_of(pid)
    for _ in range(NORMAL_REQUESTS):
        ask()
    normal = _cpu_between(before, usage_of(pid)) / NORMAL_REQUESTS
    rested = usage_of(pid)
    costs: dict[str, float] = {}
    with _neighbor(ask) as neighbor:
        for abuse in abuses():
            began, answered = usage_of(pid), len(neighbor.waits)
            _attack(port, abuse, bench.scale.kills, verdict)
            used = _cpu_between(began, usage_of(pid)) - normal * (len(neighbor.waits) - answered)
            costs[abuse.name] = used / (bench.scale.kills * ATTACKERS)
    ended = usage_of(pid)
    verdict.complain("neighbors not served", neighbor.complaints or ([] if neighbor.waits else ["nobody asked"]))
    verdict.recovery_seconds = max(neighbor.waits, default=None)
    _judge_usage(verdict, normal, costs, rested, ended)


def _attack(port: int, abuse: Abuse, rounds: int, verdict: Verdict) -> None:
    """Several attackers at once."""
    wrong: list[str] = []

    def attack() -> None:
        for _ in range(rounds):
            refused = _refusal_of(port, abuse)
            if refused != (abuse.code or refused):
                wrong.append(f"{abuse.name} got {refused}")

    attackers = [threading.Thread(target=attack) for _ in range(ATTACKERS)]
    for attacker in attackers:
        attacker.start()
    for attacker in attackers:
        attacker.join()
    verdict.injected += rounds * ATTACKERS
    verdict.acknowledged += rounds * ATTACKERS - len(wrong)
    verdict.complain("not refused as they ought to be", wrong)


def _refusal_of(port: int, abuse: Abuse) -> str:
    """The code of the refusal, or what came in its place."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    headers = {"Content-Type": "application/json", "Content-Length": str(len(abuse.body)), **abuse.headers}
    try:
        connection.putrequest("POST", "/graphql")
        for name, value in headers.items():
            connection.putheader(name, value)
        # Who refuses early may hang up before everything is sent.
        with suppress(ConnectionError):
            connection.endheaders(abuse.body)
        response = connection.getresponse()
        content: Any = json.loads(response.read())
    except (ConnectionError, http.client.HTTPException) as error:
        return "HUNG_UP" if abuse.code is None else type(error).__name__
    except (OSError, ValueError) as error:
        return type(error).__name__
    finally:
        connection.close()
    if response.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR or "data" in content:
        return f"{response.status} {'with data' if 'data' in content else ''}".strip()
    if abuse.code is None and response.status < http.HTTPStatus.BAD_REQUEST:
        return f"{response.status}"
    return str(content["errors"][0]["extensions"]["code"])


@dataclass(slots=True)
class _Neighbor:
    waits: list[float] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def _neighbor(ask: Callable[[], None]) -> Iterator[_Neighbor]:
    """Somebody who asks again and again, one request after the other."""
    neighbor, done = _Neighbor(), threading.Event()

    def work() -> None:
        while not done.is_set():
            began = monotonic()
            try:
                ask()
            except (NoAnswer, Refused, KeyError) as error:
                neighbor.complaints.append(repr(error))
            neighbor.waits.append(monotonic() - began)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield neighbor
    finally:
        done.set()
        thread.join()


def _ask(caller: Caller, member_id: str) -> None:
    if caller.ask(NEIGHBOR, {"id": member_id})["node"]["id"] != member_id:
        raise KeyError(member_id)


def _cpu_between(before: Usage, after: Usage) -> float:
    return after.cpu_seconds - before.cpu_seconds


def _judge_usage(verdict: Verdict, normal: float, costs: Mapping[str, float], before: Usage, after: Usage) -> None:
    """Complaints about processor time and memory; the dearest abuse is named in the note."""
    dearness = {name: cost / normal for name, cost in costs.items()}
    dear = [f"{name} as {times:.0f} requests" for name, times in dearness.items() if times > DEARNESS_MAX]
    verdict.complain("cost too much", dear)
    growth = after.peak_bytes - before.resident_bytes
    verdict.complain("memory", [f"grew by {growth // MIB} MiB"] if growth > GROWTH_MAX else [])
    dearest = max(dearness, key=lambda name: dearness[name])
    verdict.note = f"dearest: {dearest}, {dearness[dearest]:.0f} normal requests; memory +{growth // MIB} MiB"


def _is_dear(verdict: Verdict) -> bool:
    return any("cost too much" in complaint for complaint in verdict.complaints)


def _is_let_in(verdict: Verdict) -> bool:
    return verdict.acknowledged < verdict.injected


EXPERIMENTS = (
    Experiment(
        "S6",
        "Abusive requests",
        abuse_the_gateway,
        (
            Mutation("no bounds of documents", _is_dear, gateway="no-bounds-of-documents"),
            Mutation("no bounds of bodies", _is_let_in, gateway="no-bounds-of-bodies", is_slow=True),
        ),
    ),
)
