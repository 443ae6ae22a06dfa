"""F1, F2, F3: SIGKILL to PostgreSQL, to the gateway and to the worker, again and again while tills work."""

import time
from collections.abc import Callable, Iterator

import psycopg

from services.platform.clock import monotonic
from tests.faults.experiments import Bench, injuries
from tests.faults.letters import Letters
from tests.faults.load import Pulse
from tests.faults.verdict import Evidence, Verdict, judge

LEAK_SECONDS = 10.0
BACKLOG_SECONDS = 5.0
"""The worker is killed after so many e-mails, or after this time: a kill may have left it waiting for a lease."""

# Only the gateway comes by TCP.
LEFT_BEHIND = """
SELECT 'backend ' || pid || ' ' || coalesce(state, '') || ', locks: '
    || (SELECT count(*) FROM pg_locks WHERE pg_locks.pid = pg_stat_activity.pid)
FROM pg_stat_activity WHERE client_addr IS NOT NULL AND backend_start < %s"""

Injure = Callable[[Letters], float]
"""Does it, and says since when the product accepts work again."""


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
    seconds = letters.sent_after()
    evidence = Evidence("F3", injected=scale.kills, logs=logs, acknowledged_min=scale.acknowledged_min)
    verdict = judge(stack, merchant, letters, evidence)
    verdict.note_sent(seconds)
    return verdict


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
        recoveries=tuple(recoveries(load.pulse, moments)),
    )
    return judge(bench.stack, merchant, letters, evidence)


def recoveries(pulse: Pulse, moments: list[float]) -> Iterator[float]:
    """Seconds from each moment to the next success."""
    for moment in moments:
        success = pulse.first_after(moment)
        if success is not None:
            yield success - moment
