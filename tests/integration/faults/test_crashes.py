"""The short campaign: kills, stolen replies and races against the running product, and checkers that can fail.

``./dev faults`` is the long one.
"""

from collections.abc import Iterator
from itertools import islice

import pytest

from tests.faults.catalog import EXPERIMENTS
from tests.faults.experiments import SHORT, Bench, Experiment, Mutation, injuries
from tests.faults.load import steps
from tests.faults.stack import Stack, running_stack
from tests.faults.verdict import Evidence, judge

QUICK = [experiment for experiment in EXPERIMENTS.values() if not experiment.is_slow]
QUICK_MUTATIONS = [
    pytest.param(experiment, mutation, id=experiment.name_of(mutation))
    for experiment in QUICK
    for mutation in experiment.mutations
    if not mutation.is_slow
]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack() as running:
        yield running


@pytest.mark.parametrize("experiment", QUICK, ids=lambda experiment: experiment.id)
def test_what_was_acknowledged_is_there_once_and_everything_adds_up(stack: Stack, experiment: Experiment) -> None:
    verdict = experiment.run(Bench(stack, SHORT))

    assert verdict.complaints == []
    assert verdict.injected > 0
    assert (verdict.lost, verdict.doubled, verdict.leaked, verdict.missing_receipts) == (0, 0, 0, 0)


@pytest.mark.parametrize(("experiment", "mutation"), QUICK_MUTATIONS)
def test_a_planted_fault_is_seen(stack: Stack, experiment: Experiment, mutation: Mutation) -> None:
    verdict = experiment.run_with(mutation, Bench(stack, SHORT))

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
