"""Contenders taking turns, and what each reaches of a limit that is measured between the same two breaths.

A shared machine changes by the second, so that only ratios of neighboring runs mean anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one contender. ``cpu_ms`` is what the application's process used for each request, where known."""

    per_second: float
    cpu_ms: float | None = None


class Contender(Protocol):
    @property
    def name(self) -> str: ...

    def run(self, seconds: int) -> Sample:
        """Work for about ``seconds``; raises when anything goes wrong."""


@dataclass(frozen=True, slots=True)
class Measure:
    """``rivals`` against ``limit``. ``aim`` is the product's goal, for the reader: nothing is asserted."""

    title: str
    aim: str
    limit: Contender
    rivals: Sequence[Contender]


@dataclass(frozen=True, slots=True)
class Result:
    """A rival's share of the limit, in hundredths: the median of the rounds, the lowest and the highest of them."""

    measure: Measure
    contender: Contender
    percent: float
    lowest: float
    highest: float
    per_second: float
    cpu_ms: float | None


def measure(asked: Measure, *, rounds: int, seconds: int) -> tuple[Result, ...]:
    """Let the limit and its rivals take turns, once the rivals have warmed up."""
    contenders = (asked.limit, *asked.rivals)
    for rival in asked.rivals:
        rival.run(1)
    turns = [tuple(contender.run(seconds) for contender in contenders) for _ in range(rounds)]
    return tuple(
        _result(asked, contender, [(turn[0], turn[place]) for turn in turns])
        for place, contender in enumerate(contenders)
    )


def _result(asked: Measure, contender: Contender, pairs: Sequence[tuple[Sample, Sample]]) -> Result:
    percents = [100 * sample.per_second / limit.per_second for limit, sample in pairs]
    cpu = [sample.cpu_ms for _, sample in pairs if sample.cpu_ms is not None]
    return Result(
        measure=asked,
        contender=contender,
        percent=median(percents),
        lowest=min(percents),
        highest=max(percents),
        per_second=median(sample.per_second for _, sample in pairs),
        cpu_ms=median(cpu) if cpu else None,
    )
