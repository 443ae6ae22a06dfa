"""S7: passwords guessed by aliases, batches and parallel requests. Few are looked at, and nobody learns who exists."""

import http.client
import json
import statistics
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.platform.clock import monotonic
from services.platform.ids import new_id
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.usage import usage_of
from tests.faults.verdict import Verdict

EVALUATED_MAX = 10
"""Guesses at one account whose password is looked at, in five minutes."""
ADDRESS_GUESSES_MAX, ADDRESS_SIGN_UPS_MAX = 100, 20
GUESSES, GUESSES_HURRIED = 1_000, 160
"""At each of two accounts."""
ALIASES = 20
PARALLEL = 16
BLOCK = EVALUATED_MAX - 1
"""Guesses at an account whose owner then comes, so that the next ones are looked at again."""
DIFFERENCE_MAX, DIFFERENCE_MAX_HURRIED = 0.10, 0.25
"""Of the work for an account that exists and for one that does not; few guesses are measured less well."""
REQUEST_SECONDS_MAX = 120
PASSWORD = "long enough for a test 2026"
FAILED, THROTTLED, TOO_MANY = "LOGIN_FAILED", "LOGIN_THROTTLED", "TOO_MANY_ATTEMPTS"

LOG_IN = "logIn(input: {email: %s, password: %s}) { ... on LogInPayload { session { token } } ... on Error { code } }"
SIGN_UP = """
mutation($input: SignUpInput!) { signUp(input: $input) {
  ... on SignUpPayload { tenant { id } } ... on Error { code } } }"""


@dataclass(slots=True)
class Attacker:
    """Guesses, and counts what the answers were."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)

    def guess(self, emails: Iterable[str], password: str) -> None:
        """One request with a guess at each of ``emails``."""
        fields = " ".join(
            f"g{number}: {LOG_IN % (json.dumps(email), json.dumps(password))}" for number, email in enumerate(emails)
        )
        self.send({"query": f"mutation {{ {fields} }}"})

    def send(self, body: object) -> None:
        """Any request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS_MAX)
        try:
            connection.request(
                "POST", "/graphql", json.dumps(body), {"Content-Type": "application/json", **self.headers}
            )
            content: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        for outcome in (content.get("data") or {}).values():
            self.answers[outcome.get("code", "LET_IN")] += 1
        for error in content.get("errors", ()):
            self.answers[error["extensions"]["code"]] += 1


def guess_passwords(bench: Bench) -> Verdict:
    """Guesses at an account and at nobody's, by every way there is; then a look at times, and at addresses."""
    merchant, _, _ = bench.begin(members=0, has_worker=False)
    port, verdict = bench.stack.gateway_port, Verdict("S7", injected=0)
    owner, nobody = f"owner@{merchant.slug}.test", f"nobody@{merchant.slug}.test"
    guesses = GUESSES_HURRIED if bench.scale.is_hurried else GUESSES
    told = {email: _flood(port, email, guesses=guesses) for email in (owner, nobody)}
    for answers in told.values():
        verdict.injected += answers.total()
        verdict.acknowledged += answers[FAILED]
        looked_at = answers[FAILED]
        verdict.complain("guesses looked at", [str(looked_at)] if not 0 < looked_at <= EVALUATED_MAX else [])
    verdict.complain("answers that tell who exists", _differences(told[owner], told[nobody]))
    strange = set(told[owner]) - {FAILED, THROTTLED, "REQUEST_MALFORMED"}
    verdict.complain("answers that nobody expected", sorted(strange))
    last = Attacker(port)
    last.guess([owner], PASSWORD)
    verdict.complain("let in while others guess", [] if last.answers == {THROTTLED: 1} else [str(last.answers)])
    _compare_times(bench, verdict)
    if not bench.scale.is_hurried:
        _guess_from_one_address(port, verdict, f"someone@{merchant.slug}.test")
    return verdict


def _flood(port: int, email: str, *, guesses: int) -> Counter[str]:
    """Half of the guesses by aliases, half by requests in parallel; and batches, which are refused whole."""
    aliases = [_guessing(port, [email] * ALIASES) for _ in range(guesses // 2 // ALIASES)]
    single = [_guessing(port, [email]) for _ in range(guesses // 2)]
    batch = Attacker(port)
    batch.send([{"query": f"mutation {{ {LOG_IN % (json.dumps(email), json.dumps('x'))} }}"}] * ALIASES)
    answers = batch.answers
    for attacker in _in_parallel([*aliases, *single]):
        answers += attacker.answers
    return answers


def _guessing(port: int, emails: Sequence[str]) -> Callable[[], Attacker]:
    def guess() -> Attacker:
        attacker = Attacker(port)
        attacker.guess(emails, "wrong")
        return attacker

    return guess


def _in_parallel(jobs: Sequence[Callable[[], Attacker]]) -> list[Attacker]:
    waiting, done, failures = list(jobs), list[Attacker](), list[BaseException]()

    def work() -> None:
        try:
            while waiting:
                done.append(waiting.pop()())
        except (IndexError, OSError, http.client.HTTPException) as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(PARALLEL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Two may have seen the last job and one taken it; any other failure leaves jobs without an answer.
    if len(done) < len(jobs):
        raise TimeoutError(f"{len(jobs) - len(done)} requests without an answer: {failures[:1]}")
    return done


def _differences(known: Counter[str], unknown: Counter[str]) -> list[str]:
    return [] if known == unknown else [f"{dict(known)} and {dict(unknown)}"]


def _compare_times(bench: Bench, verdict: Verdict) -> None:
    """The gateway's processor time, and the median wait; interleaved, so that both meet the same noise."""
    port, pid = bench.stack.gateway_port, bench.stack.pid("gateway")
    merchant, _, _ = bench.begin(members=0, has_worker=False)
    owner = f"owner@{merchant.slug}.test"
    work, waits = {"known": 0.0, "unknown": 0.0}, {"known": list[float](), "unknown": list[float]()}
    answers = Counter[str]()
    for _ in range(3 if bench.scale.is_hurried else 12):
        for who, email in (("known", owner), ("unknown", f"{new_id().hex}@{merchant.slug}.test")):
            attacker, before = Attacker(port), usage_of(pid)
            for _ in range(BLOCK):
                began = monotonic()
                attacker.guess([email], "wrong")
                waits[who].append(monotonic() - began)
            work[who] += usage_of(pid).cpu_seconds - before.cpu_seconds
            answers += attacker.answers
        Attacker(port).guess([owner], PASSWORD)
    verdict.injected += answers.total()
    verdict.complain("guesses that were not looked at", sorted(set(answers) - {FAILED}))
    ratio = work["unknown"] / work["known"]
    medians = [statistics.median(waits[who]) for who in ("unknown", "known")]
    bar = DIFFERENCE_MAX_HURRIED if bench.scale.is_hurried else DIFFERENCE_MAX
    verdict.complain("times that tell who exists", [f"{ratio:.2f}"] if abs(1 - ratio) > bar else [])
    verdict.note = f"work for unknown accounts x{ratio:.2f}, median wait x{medians[0] / medians[1]:.2f}"


def _guess_from_one_address(port: int, verdict: Verdict, taken: str) -> None:
    """One password at many accounts, and many sign-ups, from an address of the Internet."""
    headers = {"X-Forwarded-For": "8.8.4.4"}
    spray = Attacker(port, headers)
    for number in range(ADDRESS_GUESSES_MAX // ALIASES + 2):
        spray.guess([f"{number}-{n}@accounts.test" for n in range(ALIASES)], "password")
    _expect(verdict, "guesses of an address", spray.answers, {FAILED: ADDRESS_GUESSES_MAX, TOO_MANY: 2 * ALIASES})
    signing = Attacker(port, headers)
    for _ in range(ADDRESS_SIGN_UPS_MAX + 5):
        signing.send({"query": SIGN_UP, "variables": {"input": _sign_up(taken)}})
    made, taken_already = signing.answers["LET_IN"], signing.answers["EMAIL_TAKEN"]
    _expect(
        verdict,
        "sign-ups of an address",
        Counter({"seen": made + taken_already, TOO_MANY: signing.answers[TOO_MANY]}),
        {"seen": ADDRESS_SIGN_UPS_MAX, TOO_MANY: 5},
    )


def _expect(verdict: Verdict, what: str, found: Counter[str], expected: dict[str, int]) -> None:
    verdict.injected += found.total()
    verdict.complain(what, [] if found == expected else [str(dict(found))])


def _sign_up(email: str) -> dict[str, str]:
    slug = f"m{new_id().hex[-12:]}"
    return {
        "email": email,
        "password": PASSWORD,
        "name": "Somebody",
        "merchantName": "Somewhere",
        "slug": slug,
        "locale": "en",
        "idempotencyKey": slug,
    }


def _has(what: str) -> Callable[[Verdict], bool]:
    return lambda verdict: any(what in complaint for complaint in verdict.complaints)


EXPERIMENTS = (
    Experiment(
        "S7",
        "Passwords are guessed",
        guess_passwords,
        is_slow=True,
        mutations=(
            Mutation("requests counted, not guesses", _has("guesses looked at"), gateway="requests-counted"),
            Mutation("nobody is refused at once", _has("times that tell"), gateway="nobody-refused-at-once"),
        ),
    ),
)
