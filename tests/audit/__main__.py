"""``./dev audit``: public suites against a gateway as it runs in production, with a line for each at the end."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial

from rich.console import Console

from services.platform.clock import monotonic
from tests.audit import cop, fuzz
from tests.audit.stage import Audited, audited_gateway
from tests.audit.suites import Findings, Scale, Suite, SuiteFailed, run_script

EXAMPLES = 100
SHOWN_MAX = 20

SUITES: Mapping[str, Suite] = {
    "http": partial(run_script, "http.mjs"),
    "ws": partial(run_script, "ws.mjs"),
    "cop": cop.run,
    "fuzz": fuzz.run,
}
"""By the word that names them on the command line."""

console = Console()


def main(words: Sequence[str]) -> int:
    """0 when every suite found nothing."""
    asked = _arguments(words)
    with audited_gateway() as audited:
        scale = Scale(examples=asked.examples)
        rows = [(name, _run(name, audited, scale)) for name in asked.suites or SUITES]
    console.print(table_of(rows), highlight=False, soft_wrap=True, markup=False)
    is_green = all(findings.is_green for _, findings in rows)
    console.print("[green]nothing found[/green]" if is_green else "[red]FAILED[/red]")
    return 0 if is_green else 1


def table_of(rows: Sequence[tuple[str, Findings]]) -> str:
    """One line for each suite."""
    lines = [f"{'suite':<8} {'checks':>7} {'failed':>7}"]
    for name, findings in rows:
        verdict = "green" if findings.is_green else "RED"
        lines.append(f"{name:<8} {findings.checks:>7} {len(findings.failures):>7}  {verdict}  {findings.note}".rstrip())
    return "\n".join(lines)


def _run(name: str, audited: Audited, scale: Scale) -> Findings:
    began = monotonic()
    try:
        findings = SUITES[name](audited, scale)
    except SuiteFailed as failure:
        findings = Findings(0, [str(failure)])
    console.print(f"[bold]{name}[/bold] {monotonic() - began:.0f} s")
    for failure_text in findings.failures[:SHOWN_MAX]:
        console.print(f"  {failure_text}", markup=False, highlight=False, soft_wrap=True)
    return findings


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev audit", description="Hold a running gateway in production mode to public suites."
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)} (default: all)")
    parser.add_argument(
        "--examples", type=int, default=EXAMPLES, help="generated operations for each field (default: %(default)s)"
    )
    asked = parser.parse_args(words)
    unknown = set(asked.suites) - set(SUITES)
    if unknown:
        parser.error(f"there is no suite {', '.join(sorted(unknown))}")
    return asked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
