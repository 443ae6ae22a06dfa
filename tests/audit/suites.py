"""The suites, and what each has to say."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.audit.stage import Audited

FOLDER = Path(__file__).parent
SCRIPT_SECONDS_MAX = 600


class SuiteFailed(Exception):
    """A suite did not get to its end; the text says why."""


@dataclass(frozen=True, slots=True)
class Findings:
    """One row of the table. No check at all is a failure too."""

    checks: int
    failures: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def is_green(self) -> bool:
        return self.checks > 0 and not self.failures


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything."""

    examples: int
    """Generated operations for each field of the schema's roots."""


Suite = Callable[[Audited, Scale], Findings]


def run_script(name: str, audited: Audited, scale: Scale) -> Findings:
    """What a Node.js script of this folder reports (`report.mjs`).

    Raises:
        SuiteFailed: Node.js or its packages are not there, or the script broke down.
    """
    del scale  # scripts check a fixed list
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").is_dir():
        raise SuiteFailed("Node.js or the packages of tests/audit are not there; ./dev audit brings them")
    members = json.dumps({**asdict(audited), "url": audited.url, "live_url": audited.url.replace("http", "ws", 1)})
    result = subprocess.run(
        [node, str(FOLDER / name)],
        check=False,
        capture_output=True,
        text=True,
        timeout=SCRIPT_SECONDS_MAX,
        env={**os.environ, "REGULARS_AUDIT": members},
    )
    if result.returncode != 0 or not result.stdout.strip():
        raise SuiteFailed(f"{name} ended with {result.returncode}:\n{result.stderr[-2_000:]}")
    return Findings(**json.loads(result.stdout.splitlines()[-1]))
