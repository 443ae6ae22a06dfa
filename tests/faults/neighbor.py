"""S9: one merchant asks for ten times its quota and has a backlog of letters. Its neighbor must not notice."""

import http.client
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg
from psycopg import sql

from services.contracts.events.loyalty import MemberContactChanged
from services.platform.actors import SYSTEM
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import Database, open_database
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import read_session, unit_of_work
from services.platform.ids import new_id
from services.platform.outbox.service import publish
from services.platform.tenancy.registry import tenant_by_slug
from services.platform.worker.broker import open_broker
from services.platform.worker.doorbell import BrokerDoorbell
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.letters import Letters
from tests.faults.merchant import Merchant, open_merchant
from tests.faults.noise import Attackers, attacking
from tests.faults.stack import Stack
from tests.faults.verdict import Verdict
from tests.faults.wire import Caller, NoAnswer, Refused

CAPACITY, PER_SECOND = 10_000, 2_000
QUOTA = {"REGULARS_RATE_CAPACITY": str(CAPACITY), "REGULARS_RATE_PER_SECOND": str(PER_SECOND)}
GREED = 10
"""How many times its quota the noisy one asks for."""
OVERDRAWN_MAX = 1.10
NOISY_MEMBERS = 20
NOISE = """
{ members(first: 20) { edges { node { id name status tier { pointsEarned } balances { available earned }
  ledger(first: 5) { edges { node { id kind occurredAt } } } } } } }"""
NEIGHBOR = "query($id: ID!) { node(id: $id) { ... on Member { id name status } } }"
PAUSE_SECONDS = 0.02
"""Between the neighbor's questions: 50 a second and a point each are well below a tenth of its quota."""

SLOWDOWN_MAX = 2.0
SHARE_MAX, SHARE_MAX_HURRIED = 0.99, 0.75
"""Of the neighbor's waits, the one that is compared: p99, or, of a few hundred, one that means something."""

LETTERS_BETWEEN_MAX = 600
"""Letters of a backlog that are done while a neighbor's one is on its way: those that were rung for before, and a few
that each of its ways through the queue meets."""
DELAY_SECONDS_MAX = 5.0
LETTERS_SECONDS_MAX = 600.0
LETTERS_PER_TRANSACTION = 1_000
DONE = "SELECT count(*) FROM {schema}.inbox WHERE state = 'done'"


def disturb_a_neighbor(bench: Bench) -> Verdict:
    """Requests, then letters."""
    verdict = Verdict("S9", injected=0)
    noisy, _, _ = bench.begin(members=NOISY_MEMBERS, environment=QUOTA)
    quiet = open_merchant(bench.stack.gateway_port, members=1)
    _disturb_by_requests(bench, noisy, quiet, verdict)
    _disturb_by_letters(bench, noisy, quiet, verdict)
    return verdict


def _disturb_by_requests(bench: Bench, noisy: Merchant, quiet: Merchant, verdict: Verdict) -> None:
    """The neighbor's waits alone and beside the noise, in turns, so that both meet the same machine."""
    port = bench.stack.gateway_port
    alone, beside = list[float](), list[float]()
    rounds, asks = (6, 50) if bench.scale.is_hurried else (30, 100)
    caller, began = Caller(port, token=quiet.token), monotonic()
    with attacking(port, noisy.token, NOISE, points_per_second=GREED * PER_SECOND) as attackers:
        for waits in (list[float](), *([alone, beside] * rounds)):  # the first round warms up
            with _noise(attackers) if waits is beside else _silence():
                for _ in range(asks):
                    _ask(caller, quiet, waits, verdict)
                    time.sleep(PAUSE_SECONDS)
        noise = attackers.end()
    caller.close()
    seconds = monotonic() - began
    verdict.injected += noise.statuses.total()
    verdict.acknowledged += len(alone) + len(beside)
    verdict.complain("wrong answers to the noisy one", noise.complaints)
    refused = noise.statuses[http.client.TOO_MANY_REQUESTS]
    verdict.complain("the noisy one was not held back", [] if refused else [str(dict(noise.statuses))])
    allowed = CAPACITY + PER_SECOND * seconds
    overdrawn = noise.points > OVERDRAWN_MAX * allowed
    verdict.complain("the noisy one got more than its quota", [f"{noise.points} points"] if overdrawn else [])
    share = SHARE_MAX_HURRIED if bench.scale.is_hurried else SHARE_MAX
    slowdown = _quantile(beside, share) / _quantile(alone, share)
    verdict.complain("the neighbor waits", [f"{slowdown:.2f} times"] if slowdown > SLOWDOWN_MAX else [])
    verdict.note = (
        f"{refused} of {noise.statuses.total()} refused; neighbor p{share:.0%} x{slowdown:.2f},"
        f" median x{statistics.median(beside) / statistics.median(alone):.2f}"
    )


def _ask(caller: Caller, quiet: Merchant, waits: list[float], verdict: Verdict) -> None:
    began = monotonic()
    try:
        found = caller.ask(NEIGHBOR, {"id": quiet.member_ids[0]})["node"]
    except (NoAnswer, Refused) as error:
        verdict.complain("the neighbor was not served", [repr(error)])
        return
    waits.append(monotonic() - began)
    verdict.complain("the neighbor got a wrong answer", [] if found else ["null"])


def _quantile(waits: list[float], share: float) -> float:
    return sorted(waits)[min(len(waits) - 1, int(len(waits) * share))]


@contextmanager
def _silence() -> Iterator[None]:
    yield


@contextmanager
def _noise(attackers: Attackers) -> Iterator[None]:
    attackers.begin()
    try:
        yield
    finally:
        attackers.pause()


def _disturb_by_letters(bench: Bench, noisy: Merchant, quiet: Merchant, verdict: Verdict) -> None:
    """Letters of the neighbor, alone and while the noisy one has a backlog."""
    stack, count = bench.stack, 1_500 if bench.scale.is_hurried else 25_000
    with _writing(stack) as database:
        Letters(stack, quiet, is_hurried=True).wait_until_sent()
        alone = [_delay_of_a_letter(stack, database, quiet) for _ in range(5)]
        stack.stop("worker")
        _write(database, _home(database, noisy), count=count)
        stack.require("worker", fault=bench.worker_fault)
        begun = _done(stack, noisy)
        _wait_until(lambda: _done(stack, noisy) > begun)
        delays, between = list[float](), list[int]()
        for _ in range(10):
            before = _done(stack, noisy)
            if before - begun > count - LETTERS_BETWEEN_MAX:
                break
            delays.append(_delay_of_a_letter(stack, database, quiet))
            between.append(_done(stack, noisy) - before)
    verdict.injected += count
    verdict.acknowledged += len(delays)
    if not delays:
        verdict.complaints.append("the backlog was gone before anybody looked")
        return
    verdict.complain("letters waited for a backlog", [str(n) for n in between if n > LETTERS_BETWEEN_MAX])
    bar = 2 * max(alone) + DELAY_SECONDS_MAX
    if not bench.scale.is_hurried:
        verdict.complain("letters came late", [f"{delay:.1f} s" for delay in delays if delay > bar])
    verdict.note += (
        f"; letter alone {statistics.median(alone):.2f} s, beside {count} letters {statistics.median(delays):.2f} s"
        f" (at most {max(delays):.2f} s and {max(between)} of theirs)"
    )


@contextmanager
def _writing(stack: Stack) -> Iterator[Database]:
    """The database, for somebody who writes letters as the product does."""
    with (
        closing(open_broker(stack.valkey.url)) as broker,
        closing(BrokerDoorbell(broker)) as doorbell,
        closing(open_database(stack.postgres.app_url, pool_size=1)) as database,
    ):
        database.doorbell = doorbell
        yield database


def _home(database: Database, merchant: Merchant) -> Home:
    with read_session(database, PLATFORM, now=wall_now()) as session:
        tenant = tenant_by_slug(session, merchant.slug)
    assert tenant is not None, "it has been opened"
    return tenant.home


def _write(database: Database, home: Home, *, count: int) -> None:
    """Letters about people whom nobody writes to: each is work, and none leads to an e-mail."""
    for start in range(0, count, LETTERS_PER_TRANSACTION):
        with unit_of_work(database, home, now=wall_now(), actor=SYSTEM, correlation_id="neighbor") as uow:
            for _ in range(min(LETTERS_PER_TRANSACTION, count - start)):
                publish(uow, MemberContactChanged(new_id(), None, None, None, "en", "Asia/Shanghai"))


def _delay_of_a_letter(stack: Stack, database: Database, merchant: Merchant) -> float:
    """Seconds from a letter's commit to its being done."""
    before = _done(stack, merchant)
    _write(database, _home(database, merchant), count=1)
    began = monotonic()
    _wait_until(lambda: _done(stack, merchant) > before)
    return monotonic() - began


def _done(stack: Stack, merchant: Merchant) -> int:
    with psycopg.connect(stack.postgres.superuser_url, autocommit=True) as connection:
        row = connection.execute(sql.SQL(DONE).format(schema=sql.Identifier(merchant.schema))).fetchone()
    assert row is not None
    return int(row[0])


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = monotonic() + LETTERS_SECONDS_MAX
    while not is_so():
        if monotonic() > deadline:
            raise TimeoutError("a letter waits for ever")
        time.sleep(PAUSE_SECONDS)


def _has(what: str) -> Callable[[Verdict], bool]:
    return lambda verdict: any(what in complaint for complaint in verdict.complaints)


EXPERIMENTS = (
    Experiment(
        "S9",
        "A noisy neighbor",
        disturb_a_neighbor,
        is_slow=True,
        mutations=(
            Mutation("nobody is refused", _has("was not held back"), gateway="buckets-without-bottom"),
            Mutation("whole backlogs are rung for", _has("waited for a backlog"), worker="whole-backlogs"),
        ),
    ),
)
