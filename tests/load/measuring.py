"""Contenders taking turns, and what each reaches of a limit that is measured between the same two breaths.

A shared machine changes by the second, so that only ratios of neighboring runs mean anything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
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


Turn = Callable[[int], Sequence[Sample]]
"""One round: every contender works for so many seconds. The first sample is the limit's."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Contenders by name, the limit first. ``aim`` is the product's goal, for the reader: nothing is asserted."""

    title: str
    aim: str
    names: Sequence[str]
    turn: Turn
    rounds: int = 3


@dataclass(frozen=True, slots=True)
class Result:
    """A contender's share of the limit in percent: the median of the rounds, the lowest and the highest of them."""

    measure: Measure
    name: str
    percent: float
    lowest: float
    highest: float
    per_second: float
    cpu_ms: float | None


def in_turns(title: str, limit: Contender, *rivals: Contender, aim: str = "", rounds: int = 3) -> Measure:
    """A measure whose contenders work one after the other, in every second round backwards: nobody is always first."""
    contenders = (limit, *rivals)
    is_backwards = cycle((False, True))

    def turn(seconds: int) -> Sequence[Sample]:
        step = -1 if next(is_backwards) else 1
        return [contender.run(seconds) for contender in contenders[::step]][::step]

    return Measure(title, aim, [contender.name for contender in contenders], turn, rounds)


def measure(asked: Measure, *, seconds: int) -> tuple[Result, ...]:
    """A result for each contender, after a round of a second each that does not count."""
    asked.turn(1)
    turns = [asked.turn(seconds) for _ in range(asked.rounds)]
    return tuple(
        _result(asked, name, [(turn[0], turn[place]) for turn in turns]) for place, name in enumerate(asked.names)
    )


def _result(asked: Measure, name: str, pairs: Sequence[tuple[Sample, Sample]]) -> Result:
    percents = [100 * sample.per_second / limit.per_second for limit, sample in pairs]
    cpu = [sample.cpu_ms for _, sample in pairs if sample.cpu_ms is not None]
    return Result(
        measure=asked,
        name=name,
        percent=median(percents),
        lowest=min(percents),
        highest=max(percents),
        per_second=median(sample.per_second for _, sample in pairs),
        cpu_ms=median(cpu) if cpu else None,
    )
