"""What an experiment is: it injures a running product, or attacks it, and gives a verdict; and it has been seen red.

An injury comes after so many further acknowledged requests, not after so many seconds: a slow machine takes longer, and
nothing else changes.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.faults.letters import Letters
from tests.faults.load import ALL_KINDS, Load, Mix
from tests.faults.merchant import Merchant, open_merchant
from tests.faults.stack import Stack
from tests.faults.verdict import Verdict

PAUSE_SECONDS_MAX = 0.15


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything. ``kills`` is also the number of thefts, and of rounds of a race."""

    seed: int
    kills: int
    requests_per_kill: int
    tills: int
    members: int
    is_hurried: bool
    """The short form. Leases of the killed run out at once; otherwise by the product's own clock."""
    answers: int
    """How many answers an experiment that looks at answers has to see."""
    tenants: int
    """How many tenants an experiment with many of them makes."""
    mix: Mix = ALL_KINDS

    @property
    def acknowledged_min(self) -> int:
        return self.kills * self.requests_per_kill


SHORT = Scale(
    seed=20261122, kills=2, requests_per_kill=20, tills=6, members=6, is_hurried=True, answers=1_000, tenants=24
)
LONG = Scale(
    seed=20261122, kills=20, requests_per_kill=50, tills=8, members=12, is_hurried=False, answers=100_000, tenants=1_000
)


@dataclass(slots=True)
class Bench:
    """A running stack with a scale. ``worker_fault`` and ``gateway_fault`` are faults of `tests.faults.planted`."""

    stack: Stack
    scale: Scale
    gateway_fault: str | None = None
    worker_fault: str | None = None

    def begin(
        self,
        *,
        members: int,
        has_worker: bool = True,
        environment: Mapping[str, str] | None = None,
        worker_environment: Mapping[str, str] | None = None,
    ) -> tuple[Merchant, Letters, Path]:
        """A merchant of its own for an experiment, on a product that runs as asked for.

        ``environment`` adds to the gateway's.
        """
        self.stack.require("gateway", fault=self.gateway_fault, environment=environment)
        if has_worker:
            self.stack.require("worker", fault=self.worker_fault, environment=worker_environment)
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

    def load(self, merchant: Merchant, port: int, logs: Path, *, pace: float = 0.0) -> Load:
        """Tills of this scale at a merchant, each of which rests for ``pace`` seconds after a request."""
        scale = self.scale
        return Load(merchant, port, folder=logs, seed=scale.seed, tills=scale.tills, mix=scale.mix, pace=pace)


Run = Callable[[Bench], Verdict]


@dataclass(frozen=True, slots=True)
class Mutation:
    """A fault of the product, planted on purpose, and what the experiment's verdict has to say of it."""

    fault: str
    """In a few words, for the report."""
    is_seen: Callable[[Verdict], bool]
    gateway: str | None = None
    worker: str | None = None
    run: Run | None = None
    """In the place of the experiment's own, for a fault that is not planted in gateway or worker."""
    mix: Mix = ALL_KINDS
    requests: int = 12
    injuries: int = 1
    is_slow: bool = False
    """For the long campaign only."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One row of the campaign. ``run`` gives a verdict whose ``complaints`` are empty when the bar was met."""

    id: str
    title: str
    run: Run
    mutations: tuple[Mutation, ...]
    is_slow: bool = False
    """For the long campaign only; ``./dev test`` covers it elsewhere, or not."""

    def run_with(self, mutation: Mutation, bench: Bench) -> Verdict:
        """The verdict on the product with the fault, after few injuries; it ought to be a bad one."""
        scale = replace(
            bench.scale, kills=mutation.injuries, requests_per_kill=mutation.requests, mix=mutation.mix, is_hurried=True
        )
        planted = replace(bench, scale=scale, gateway_fault=mutation.gateway, worker_fault=mutation.worker)
        verdict = (mutation.run or self.run)(planted)
        verdict.experiment = self.name_of(mutation)
        return verdict

    def name_of(self, mutation: Mutation) -> str:
        """The mutation in a report."""
        return f"{self.id} {mutation.fault}"


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
