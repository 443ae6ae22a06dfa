"""The checkers checked: each runs once against a product with a planted fault, and has to see it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

from tests.faults.experiments import Bench, kill_gateway, kill_postgres, kill_worker, steal_replies
from tests.faults.load import ALL_KINDS, KEYED_ONLY, Mix
from tests.faults.races import race_equal_requests
from tests.faults.verdict import Verdict

Experiment = Callable[[Bench], Verdict]

EXPERIMENTS: Mapping[str, Experiment] = {
    "F1": kill_postgres,
    "F2": kill_gateway,
    "F3": kill_worker,
    "F7": race_equal_requests,
    "F6": steal_replies,
}
"""In an order in which few processes have to be started anew."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A fault, the experiment that has to see it, and what it has to see."""

    experiment: str
    fault: str
    is_seen: Callable[[Verdict], bool]
    gateway: str | None = None
    worker: str | None = None
    is_forgetful: bool = False
    """PostgreSQL answers COMMIT before it has written anything."""
    mix: Mix = ALL_KINDS
    requests: int = 12
    injuries: int = 1
    is_slow: bool = False
    """For the long campaign only."""

    @property
    def name(self) -> str:
        """The mutation in a report."""
        return f"{self.experiment} {self.fault}"

    def run(self, bench: Bench) -> Verdict:
        """The verdict on the product with the fault, after few injuries; it ought to be a bad one."""
        scale = replace(bench.scale, kills=self.injuries, requests_per_kill=self.requests, mix=self.mix)
        planted = replace(bench, scale=scale, gateway_fault=self.gateway, worker_fault=self.worker)
        weakness: AbstractContextManager[None] = nullcontext()
        if self.is_forgetful:
            weakness = bench.stack.postgres.forgetful()
        with weakness:
            verdict = EXPERIMENTS[self.experiment](planted)
        verdict.experiment = self.name
        return verdict


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


MUTATIONS = (
    Mutation("F1", "asynchronous commit", _has_lost, is_forgetful=True),
    Mutation("F3", "new Message-ID each time", _has_missed_receipts, worker="new-message-id"),
    Mutation("F3", "sent before sending", _has_missed_receipts, worker="sent-before-sending"),
    Mutation("F3", "each sent twice", _has_repeated, worker="send-twice", is_slow=True),
    Mutation("F2", "connection outlives", _has_leaked, gateway="connection-outlives", is_slow=True),
    Mutation("F2", "acknowledged before commit", _has_lost, gateway="acknowledge-before-commit"),
    Mutation("F2", "idempotency claim forgotten", _has_doubled, gateway="forget-the-claim", mix=KEYED_ONLY),
    Mutation(
        "F6",
        "keys in their own transaction",
        _has_doubled,
        gateway="keys-in-own-transaction",
        mix=KEYED_ONLY,
        requests=120,  # each theft hits the commit of the work in one of two cases
    ),
    Mutation("F7", "keys in their own transaction", _has_doubled, gateway="keys-in-own-transaction", injuries=3),
)
