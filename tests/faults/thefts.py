"""F6: what was done is not told. Replies vanish on the way to the till, and on the way to the gateway."""

from contextlib import ExitStack
from pathlib import Path

from tests.faults.experiments import Bench
from tests.faults.load import read_logs
from tests.faults.proxy import Appetite, StolenAnswers, answer_thief, commit_thief
from tests.faults.verdict import Evidence, Verdict, judge

THEFT_EVERY = 8


def steal_replies(bench: Bench) -> Verdict:
    """F6: what was done is not told: answers of the gateway vanish, and answers of PostgreSQL to COMMIT."""
    scale, stack = bench.scale, bench.stack
    answers = Appetite(seed=f"{scale.seed}/answers", every=THEFT_EVERY)
    commits = Appetite(seed=f"{scale.seed}/commits", every=THEFT_EVERY)
    stolen = StolenAnswers()
    with ExitStack() as proxies:
        postgres_port = proxies.enter_context(commit_thief(stack.postgres.port, commits))
        proxies.callback(stack.stop, "gateway")  # before its way to PostgreSQL goes
        environment = {"REGULARS_DATABASE_URL": stack.postgres.tcp_url(postgres_port)}
        commits.pause()
        merchant, letters, logs = bench.begin(members=scale.members, environment=environment)
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
