"""The experiments: a load, injuries at moments that a seed decides, and a verdict.

An injury comes after so many further acknowledged requests, not after so many seconds: a slow machine takes longer, and
nothing else changes.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg

from services.platform.clock import monotonic
from tests.faults.letters import Letters
from tests.faults.load import ALL_KINDS, Load, Mix, Pulse, read_logs
from tests.faults.merchant import Merchant, open_merchant
from tests.faults.proxy import Appetite, StolenAnswers, answer_thief, commit_thief
from tests.faults.stack import Stack
from tests.faults.verdict import Evidence, Verdict, judge

LEAK_SECONDS = 10.0
PAUSE_SECONDS_MAX = 0.15
THEFT_EVERY = 8
BACKLOG_SECONDS = 5.0
"""The worker is killed after so many e-mails, or after this time: a kill may have left it waiting for a lease."""

# Only the gateway comes by TCP.
LEFT_BEHIND = """
SELECT 'backend ' || pid || ' ' || coalesce(state, '') || ', locks: '
    || (SELECT count(*) FROM pg_locks WHERE pg_locks.pid = pg_stat_activity.pid)
FROM pg_stat_activity WHERE client_addr IS NOT NULL AND backend_start < %s"""


Injure = Callable[[Letters], float]
"""Does it, and says since when the product accepts work again."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything. ``kills`` is also the number of thefts, and of rounds of a race."""

    seed: int
    kills: int
    requests_per_kill: int
    tills: int
    members: int
    is_hurried: bool
    """Leases of the killed run out at once; otherwise by the product's own clock."""
    mix: Mix = ALL_KINDS

    @property
    def acknowledged_min(self) -> int:
        return self.kills * self.requests_per_kill


SHORT = Scale(seed=20261122, kills=2, requests_per_kill=20, tills=6, members=6, is_hurried=True)
LONG = Scale(seed=20261122, kills=20, requests_per_kill=50, tills=8, members=12, is_hurried=False)


@dataclass(slots=True)
class Bench:
    """A running stack with a scale. ``worker_fault`` and ``gateway_fault`` are planted faults."""

    stack: Stack
    scale: Scale
    gateway_fault: str | None = None
    worker_fault: str | None = None

    def begin(
        self, *, members: int, database_url: str | None = None, has_worker: bool = True
    ) -> tuple[Merchant, Letters, Path]:
        """A merchant of its own for an experiment, on a product that runs as asked for."""
        self.stack.require("gateway", fault=self.gateway_fault, database_url=database_url)
        if has_worker:
            self.stack.require("worker", fault=self.worker_fault)
        else:
            self.stack.stop("worker")
        if not self.scale.is_hurried:
            self.stack.require("scheduler")
        merchant = open_merchant(self.stack.gateway_port, members=members)
        letters = Letters(self.stack, merchant, self.scale.is_hurried)
        if has_worker:
            letters.wait_until_sent()  # the members' welcome: from here on the worker is known to be at work
        self.stack.postgres.checkpoint()
        return merchant, letters, self.stack.home / "tills" / merchant.slug

    def load(self, merchant: Merchant, port: int, logs: Path) -> Load:
        """Tills of this scale at a merchant."""
        scale = self.scale
        return Load(merchant, port, folder=logs, seed=scale.seed, tills=scale.tills, mix=scale.mix)


@dataclass(frozen=True, slots=True)
class Injury:
    """The next injury: after so many further acknowledged requests and a breath."""

    after_requests: int
    pause_seconds: float


def injuries(scale: Scale, experiment: str) -> tuple[Injury, ...]:
    """The schedule of an experiment. The same seed gives the same one."""
    chance = random.Random(f"{scale.seed}/{experiment}")
    spread = scale.requests_per_kill // 3
    return tuple(
        Injury(scale.requests_per_kill + chance.randint(0, spread), chance.uniform(0, PAUSE_SECONDS_MAX))
        for _ in range(scale.kills)
    )


def kill_postgres(bench: Bench) -> Verdict:
    """F1: SIGKILL to all of PostgreSQL, which is started again at once."""

    def injure(letters: Letters) -> float:
        bench.stack.postgres.kill()
        bench.stack.postgres.start()
        accepts = monotonic()
        letters.note_in_flight()
        return accepts

    return _campaign(bench, "F1", injure)


def kill_gateway(bench: Bench) -> Verdict:
    """F2: SIGKILL to the gateway. What it held in PostgreSQL must be gone within ``LEAK_SECONDS``."""
    leaks: list[str] = []

    def injure(letters: Letters) -> float:
        del letters  # no message is in flight in a gateway
        bench.stack.kill("gateway")
        killed = monotonic()
        with psycopg.connect(bench.stack.postgres.superuser_url, autocommit=True) as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
            assert row is not None
            bench.stack.restart("gateway")
            ready = monotonic()
            while left := [str(found[0]) for found in connection.execute(LEFT_BEHIND, row)]:
                if monotonic() > killed + LEAK_SECONDS:
                    leaks.extend(left)
                    break
                time.sleep(0.1)
        return ready

    return _campaign(bench, "F2", injure, leaks=leaks)


def kill_worker(bench: Bench) -> Verdict:
    """F3: SIGKILL to the worker, again and again while it works through a backlog of receipts."""
    scale, stack = bench.scale, bench.stack
    merchant, letters, logs = bench.begin(members=scale.members, has_worker=False)
    with bench.load(merchant, stack.gateway_port, logs) as load:
        load.pulse.wait_for(scale.acknowledged_min)
    stack.require("worker", fault=bench.worker_fault)
    for injury in injuries(scale, "F3"):
        letters.wait_for_more(injury.after_requests // 2, seconds=BACKLOG_SECONDS)
        time.sleep(injury.pause_seconds)
        stack.kill("worker")
        letters.note_in_flight()
        stack.restart("worker")
    letters.wait_until_sent()
    evidence = Evidence("F3", injected=scale.kills, logs=logs, acknowledged_min=scale.acknowledged_min)
    return judge(stack, merchant, letters, evidence)


def _campaign(bench: Bench, experiment: str, injure: Injure, *, leaks: list[str] | None = None) -> Verdict:
    """Injure the product again and again while tills work."""
    scale = bench.scale
    merchant, letters, logs = bench.begin(members=scale.members)
    moments: list[float] = []
    with bench.load(merchant, bench.stack.gateway_port, logs) as load:
        for injury in injuries(scale, experiment):
            load.pulse.wait_for(load.pulse.count + injury.after_requests)
            time.sleep(injury.pause_seconds)
            moments.append(injure(letters))
        load.pulse.wait_for(load.pulse.count + 1)
    letters.wait_until_sent()
    evidence = Evidence(
        experiment,
        injected=scale.kills,
        logs=logs,
        acknowledged_min=scale.acknowledged_min,
        leaks=tuple(leaks or ()),
        recoveries=tuple(_recoveries(load.pulse, moments)),
    )
    return judge(bench.stack, merchant, letters, evidence)


def _recoveries(pulse: Pulse, moments: list[float]) -> Iterator[float]:
    for moment in moments:
        success = pulse.first_after(moment)
        if success is not None:
            yield success - moment


def steal_replies(bench: Bench) -> Verdict:
    """F6: what was done is not told: answers of the gateway vanish, and answers of PostgreSQL to COMMIT."""
    scale, stack = bench.scale, bench.stack
    answers = Appetite(seed=f"{scale.seed}/answers", every=THEFT_EVERY)
    commits = Appetite(seed=f"{scale.seed}/commits", every=THEFT_EVERY)
    stolen = StolenAnswers()
    with ExitStack() as proxies:
        postgres_port = proxies.enter_context(commit_thief(stack.postgres.port, commits))
        proxies.callback(stack.stop, "gateway")  # before its way to PostgreSQL goes
        url = stack.postgres.tcp_url(postgres_port)
        commits.pause()
        merchant, letters, logs = bench.begin(members=scale.members, database_url=url)
        commits.go_on()
        port = proxies.enter_context(answer_thief(stack.gateway_port, answers, stolen))
        with bench.load(merchant, port, logs) as load:
            load.pulse.wait_for(scale.acknowledged_min)
            while min(answers.stolen, commits.stolen) < scale.kills:
                load.pulse.wait_for(load.pulse.count + 1)
        commits.pause()
        letters.wait_until_sent()
        injected = answers.stolen + commits.stolen
        evidence = Evidence("F6", injected=injected, logs=logs, acknowledged_min=scale.acknowledged_min)
        verdict = judge(stack, merchant, letters, evidence)
    verdict.complain("replayed otherwise than first answered", _unlike_the_first(stolen, logs))
    return verdict


def _unlike_the_first(stolen: StolenAnswers, logs: Path) -> list[str]:
    """Keys whose retry got something else than the answer that was stolen first, but for the mark of a replay."""
    told = read_logs(logs)
    return [
        key
        for key, first in stolen.first.items()
        if (answer := told[key].answer) is not None and answer != {**first, "replayed": True}
    ]
