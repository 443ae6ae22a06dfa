"""The short campaign: kills, stolen replies and races against the running product, and checkers that can fail.

``./dev faults`` is the long one.
"""

from collections.abc import Iterator
from itertools import islice

import pytest

from tests.faults.experiments import SHORT, Bench, injuries
from tests.faults.load import steps
from tests.faults.mutations import EXPERIMENTS, MUTATIONS, Mutation
from tests.faults.stack import Stack, running_stack
from tests.faults.verdict import Evidence, judge

QUICK_MUTATIONS = [mutation for mutation in MUTATIONS if not mutation.is_slow]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack() as running:
        yield running


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_what_was_acknowledged_is_there_once_and_everything_adds_up(stack: Stack, experiment: str) -> None:
    verdict = EXPERIMENTS[experiment](Bench(stack, SHORT))

    assert verdict.complaints == []
    assert verdict.injected >= SHORT.kills
    assert (verdict.lost, verdict.doubled, verdict.leaked, verdict.missing_receipts) == (0, 0, 0, 0)


@pytest.mark.parametrize("mutation", QUICK_MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_planted_fault_is_seen(stack: Stack, mutation: Mutation) -> None:
    verdict = mutation.run(Bench(stack, SHORT))

    assert mutation.is_seen(verdict), verdict


def test_an_experiment_in_which_nothing_happens_fails(stack: Stack) -> None:
    merchant, letters, logs = Bench(stack, SHORT).begin(members=1)

    verdict = judge(stack, merchant, letters, Evidence("nothing", injected=0, logs=logs, acknowledged_min=0))

    assert verdict.complaints == ["nothing was injected", "only 0 of 0 requests acknowledged"]


def test_the_same_seed_gives_the_same_schedule_and_the_same_load() -> None:
    assert injuries(SHORT, "F1") == injuries(SHORT, "F1")
    assert injuries(SHORT, "F1") != injuries(SHORT, "F2")
    assert list(islice(steps(1, 0, members=3), 50)) == list(islice(steps(1, 0, members=3), 50))
    assert list(islice(steps(1, 0, members=3), 50)) != list(islice(steps(2, 0, members=3), 50))
