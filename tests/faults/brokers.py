"""F4 and F5: the broker dies, forgets, fills up, goes away or falls silent. It is a doorbell: only time may be lost."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from services.platform.clock import monotonic
from tests.faults.experiments import Bench, Experiment, Mutation, injuries
from tests.faults.letters import SENT_SECONDS_MAX
from tests.faults.load import Load, read_logs
from tests.faults.proxy import Trap, fetch_thief
from tests.faults.verdict import Evidence, Verdict, judge

TRAP_SECONDS_MAX = 60.0
PACE_SECONDS = 1.0
"""Of a till in the long form: what waits at the end is a minute's work of a shop, not of a machine at its limit."""
AWAY_SECONDS, AWAY_SECONDS_SHORT = 60.0, 0.5


def upset_broker(bench: Bench, *, patience_seconds: float = SENT_SECONDS_MAX) -> Verdict:
    """F4: fetched jobs are lost, the line falls silent, everything is forgotten, the broker is killed; in turn.

    The worker lives through all of it.
    """
    scale, stack, trap = bench.scale, bench.stack, Trap()

    def lose_fetched_jobs() -> None:
        trap.set()
        trap.wait(TRAP_SECONDS_MAX)

    def kill() -> None:
        with stack.valkey.absent():
            pass

    ways: tuple[Callable[[], None], ...] = (
        lose_fetched_jobs,
        trap.fall_silent,
        stack.valkey.forget_everything,
        kill,
    )
    # Each way at least once, in the short form as well.
    scale = replace(scale, kills=max(len(ways), scale.kills))
    schedule = injuries(scale, "F4")
    with ExitStack() as proxies:
        port = proxies.enter_context(fetch_thief(stack.valkey.socket_path, trap))
        proxies.callback(stack.stop, "worker")  # before its way to the broker goes
        environment = {"REGULARS_BROKER_URL": f"redis://127.0.0.1:{port}"}
        merchant, letters, logs = bench.begin(members=scale.members, worker_environment=environment)
        worker = stack.pid("worker")
        with bench.load(merchant, stack.gateway_port, logs) as load:
            for injury, injure in zip(schedule, cycle(ways), strict=False):
                load.pulse.wait_for(load.pulse.count + injury.after_requests)
                time.sleep(injury.pause_seconds)
                injure()
        done = letters.sent_after(patience_seconds)
        evidence = Evidence("F4", injected=scale.kills, logs=logs, acknowledged_min=scale.acknowledged_min)
        verdict = judge(stack, merchant, letters, evidence)
        if stack.pid("worker") != worker:
            verdict.complaints.append("the worker was restarted")
    verdict.note = f"{trap.stolen} fetches stolen"
    verdict.note_sent(done)
    if not trap.stolen:
        verdict.complaints.append("no fetched job was stolen")
    return verdict


def do_without_broker(bench: Bench) -> Verdict:
    """F5: the broker is full, then absent, then silent. Nobody at a till notices."""
    scale, stack = bench.scale, bench.stack
    states: tuple[Callable[[], AbstractContextManager[None]], ...] = (
        stack.valkey.full,
        stack.valkey.absent,
        stack.valkey.silent,
    )
    merchant, letters, logs = bench.begin(members=scale.members)
    pace = 0.0 if scale.is_hurried else PACE_SECONDS
    with bench.load(merchant, stack.gateway_port, logs, pace=pace) as load:
        for state in states:
            load.pulse.wait_for(load.pulse.count + scale.requests_per_kill)
            with state():
                _work_on(load, bench)
    done = letters.sent_after()
    evidence = Evidence("F5", injected=len(states), logs=logs, acknowledged_min=scale.requests_per_kill * len(states))
    verdict = judge(stack, merchant, letters, evidence)
    verdict.note_sent(done)
    verdict.complain("not answered at once", _unanswered(logs))
    return verdict


def _work_on(load: Load, bench: Bench) -> None:
    """Purchases for a while, and at least some."""
    before, began = load.pulse.count, monotonic()
    seconds = AWAY_SECONDS_SHORT if bench.scale.is_hurried else AWAY_SECONDS
    load.pulse.wait_for(before + bench.scale.requests_per_kill)
    while monotonic() < began + seconds:
        load.pulse.wait_for(load.pulse.count + 1)


def _unanswered(logs: Path) -> list[str]:
    return [told.key for told in read_logs(logs).values() if told.unanswered or told.unforeseen]


def _upset_broker_impatiently(bench: Bench) -> Verdict:
    return upset_broker(bench, patience_seconds=6.0)


EXPERIMENTS = (
    Experiment(
        "F4",
        "The broker is killed, forgets, loses replies",
        upset_broker,
        (
            Mutation(
                "nobody sweeps",
                lambda verdict: verdict.missing_receipts > 0,
                worker="no-sweep",
                run=_upset_broker_impatiently,
            ),
        ),
    ),
    Experiment(
        "F5",
        "The broker is full, absent, silent",
        do_without_broker,
        (
            Mutation(
                "a ring that fails fails its caller",
                lambda verdict: any("not answered" in complaint for complaint in verdict.complaints),
                gateway="failing-rings",
                is_slow=True,
            ),
        ),
    ),
)
