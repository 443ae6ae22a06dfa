"""Every experiment of the campaign, with the planted faults that it has to see."""

from collections.abc import Mapping

from tests.faults import (
    abuse,
    brokers,
    cancellations,
    crash_points,
    guesses,
    isolation,
    live,
    metering,
    neighbor,
    secrets,
    slow,
    tokens,
    upgrades,
    writes_refused,
)
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.kills import kill_gateway, kill_postgres, kill_worker
from tests.faults.load import KEYED_ONLY
from tests.faults.races import race_equal_requests
from tests.faults.thefts import steal_replies
from tests.faults.verdict import Verdict


def _has_lost(verdict: Verdict) -> bool:
    return verdict.lost > 0


def _has_doubled(verdict: Verdict) -> bool:
    return verdict.doubled > 0


def _has_leaked(verdict: Verdict) -> bool:
    return verdict.leaked > 0


def _has_repeated(verdict: Verdict) -> bool:
    return verdict.unexplained_repeats > 0


def _has_missed_receipts(verdict: Verdict) -> bool:
    return verdict.missing_receipts > 0


def _kill_forgetful_postgres(bench: Bench) -> Verdict:
    """PostgreSQL answers COMMIT before it has written anything."""
    with bench.stack.postgres.forgetful():
        return kill_postgres(bench)


# In an order in which few processes have to be started anew.
_EXPERIMENTS = (
    Experiment(
        "F1",
        "PostgreSQL is killed",
        kill_postgres,
        (Mutation("asynchronous commit", _has_lost, run=_kill_forgetful_postgres),),
    ),
    Experiment(
        "F2",
        "The gateway is killed",
        kill_gateway,
        (
            Mutation("connection outlives", _has_leaked, gateway="connection-outlives", is_slow=True),
            Mutation("acknowledged before commit", _has_lost, gateway="acknowledge-before-commit"),
            Mutation("idempotency claim forgotten", _has_doubled, gateway="forget-the-claim", mix=KEYED_ONLY),
        ),
    ),
    Experiment(
        "F3",
        "The worker is killed",
        kill_worker,
        (
            Mutation("new Message-ID each time", _has_missed_receipts, worker="new-message-id"),
            Mutation("sent before sending", _has_missed_receipts, worker="sent-before-sending"),
            Mutation("each sent twice", _has_repeated, worker="send-twice", is_slow=True),
        ),
    ),
    Experiment(
        "F7",
        "Equal requests at once",
        race_equal_requests,
        (Mutation("keys in their own transaction", _has_doubled, gateway="keys-in-own-transaction", injuries=3),),
    ),
    Experiment(
        "F6",
        "Replies are lost after the commit",
        steal_replies,
        (
            Mutation(
                "keys in their own transaction",
                _has_doubled,
                gateway="keys-in-own-transaction",
                mix=KEYED_ONLY,
                requests=120,  # each theft hits the commit of the work in one of two cases
            ),
        ),
    ),
    *brokers.EXPERIMENTS,
    *crash_points.EXPERIMENTS,
    *secrets.EXPERIMENTS,
    *cancellations.EXPERIMENTS,
    *writes_refused.EXPERIMENTS,
    *metering.EXPERIMENTS,
    *upgrades.EXPERIMENTS,
    *isolation.EXPERIMENTS,
    *live.EXPERIMENTS,
    *slow.EXPERIMENTS,
    *abuse.EXPERIMENTS,
    *tokens.EXPERIMENTS,
    *guesses.EXPERIMENTS,
    *neighbor.EXPERIMENTS,
)
EXPERIMENTS: Mapping[str, Experiment] = {experiment.id: experiment for experiment in _EXPERIMENTS}
