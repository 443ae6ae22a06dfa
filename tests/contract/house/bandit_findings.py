"""Bandit over everything that ships: each finding of medium or high severity is mended, or explained here.

Run as ``python -m tests.contract.house.bandit_findings``; it is the step ``security`` of ``./dev check``.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
SHIPPED = ("services", "infra")
SECONDS_MAX = 300

# Our own rule about woven SQL (`tidy.sql_holds_no_values`) tells constants from values; bandit's does not.
LEFT_TO_OUR_RULES = ("B608",)

EXPLAINED: Mapping[tuple[str, str], tuple[int, str]] = {
    ("B102", "services/gateway/graphql/executor/writing.py"): (
        1,
        "the executor compiles functions that it writes itself; values and names of clients never enter the text",
    ),
    ("B108", "services/platform/embedded/places.py"): (2, "a folder made there by mkdtemp is private, its name random"),
    ("B310", "services/cli/run.py"): (1, "the address is our own gateway's, made here"),
}
"""Why a finding (test, file) is no fault, and how many of it there are."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One complaint of bandit."""

    test: str
    path: str
    line: int
    text: str


def findings(folders: Sequence[str], *, root: Path = ROOT) -> list[Finding]:
    """What bandit holds against the code in ``folders``, of medium severity or more.

    Raises:
        RuntimeError: bandit could not read a file.
    """
    command = [sys.executable, "-m", "bandit", "--recursive", "--quiet", "-ll", "--format", "json", *folders]
    skipped = ["--skip", ",".join(LEFT_TO_OUR_RULES), "--exclude", "*/node_modules/*"]
    done = subprocess.run(
        [*command, *skipped], cwd=root, stdout=subprocess.PIPE, check=False, timeout=SECONDS_MAX, text=True
    )
    report = json.loads(done.stdout)
    if report["errors"]:
        raise RuntimeError(f"bandit: {report['errors']}")
    return [
        Finding(found["test_id"], found["filename"].removeprefix("./"), found["line_number"], found["issue_text"])
        for found in report["results"]
    ]


def complaints(found: Sequence[Finding], explained: Mapping[tuple[str, str], tuple[int, str]]) -> list[str]:
    """Findings that nobody explains, and explanations of what is no longer there."""
    counts = Counter((finding.test, finding.path) for finding in found)
    unexplained = [
        f"{finding.path}:{finding.line}: {finding.test} {finding.text}"
        for finding in found
        if counts[finding.test, finding.path] != explained.get((finding.test, finding.path), (0, ""))[0]
    ]
    stale = [f"{path}: {test} is explained and not found" for test, path in explained if not counts[test, path]]
    return unexplained + stale


def main() -> int:
    """0 when everything is explained."""
    found = complaints(findings(SHIPPED), EXPLAINED)
    for complaint in found:
        print(complaint)  # noqa: T201  it is this program's answer
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
