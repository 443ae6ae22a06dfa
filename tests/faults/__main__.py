"""``./dev faults``: the long campaign, with a table at the end of what was injected and what it cost."""

import argparse
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from services.platform.clock import monotonic
from tests.faults.catalog import EXPERIMENTS
from tests.faults.experiments import LONG, SHORT, Bench, Experiment
from tests.faults.stack import NotReady, running_stack
from tests.faults.verdict import Verdict

console = Console()


def main(words: Sequence[str]) -> int:
    """0 when every bar was met and every planted fault was seen."""
    asked = _arguments(words)
    scale = replace(
        LONG,
        seed=asked.seed,
        kills=asked.kills,
        requests_per_kill=max(50, 1_000 // asked.kills),
        answers=asked.answers,
        tenants=asked.tenants,
    )
    rows: list[Row] = []
    with running_stack(folder=_fresh(asked.keep)) as stack:
        short, long = Bench(stack, replace(SHORT, seed=asked.seed)), Bench(stack, scale)
        for name in asked.only or EXPERIMENTS:
            row = Row(EXPERIMENTS[name])
            if not asked.planted_only:
                row.verdict = _timed(name, partial(row.experiment.run, short if asked.short else long))
            for mutation in () if asked.no_planted else row.experiment.mutations:
                run = partial(row.experiment.run_with, mutation, short)
                is_seen = mutation.is_seen(_timed(row.experiment.name_of(mutation), run))
                console.print("  seen, as it must be" if is_seen else "  [red]NOT SEEN: the checker is blind[/red]")
                row.seen.append(is_seen)
            rows.append(row)
    console.print(table_of(rows), highlight=False, soft_wrap=True, markup=False)
    is_green = all(row.is_green for row in rows)
    console.print("[green]all bars met[/green]" if is_green else "[red]FAILED[/red]")
    return 0 if is_green else 1


@dataclass(slots=True)
class Row:
    """One experiment in the table: its verdict, and which of its planted faults were seen."""

    experiment: Experiment
    verdict: Verdict | None = None
    seen: list[bool] = field(default_factory=list)

    @property
    def is_green(self) -> bool:
        return all(self.seen) and (self.verdict is None or not self.verdict.complaints)

    def cells(self) -> tuple[str, ...]:
        """In the order of `COLUMNS`."""
        verdict = self.verdict or Verdict(self.experiment.id, injected=0)
        recovery = verdict.recovery_seconds
        return (
            self.experiment.id,
            self.experiment.title,
            str(verdict.injected),
            str(verdict.acknowledged),
            str(verdict.lost + verdict.missing_receipts),
            str(verdict.doubled + verdict.unexplained_repeats),
            str(verdict.leaked),
            "" if recovery is None else f"{recovery:.1f}",
            f"{sum(self.seen)} of {len(self.seen)}" if self.seen else "",
            "green" if self.is_green else "RED",
            verdict.note,
        )


COLUMNS = ("id", "experiment", "injected", "acked", "lost", "doubled", "leaked", "longest s", "faults seen", "", "")


def table_of(rows: Sequence[Row]) -> str:
    """One line for each experiment. ``longest s`` is its longest way from accepting work again to a first success."""
    lines = [COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    numbers = range(2, 9)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _timed(name: str, run: Callable[[], Verdict]) -> Verdict:
    began = monotonic()
    try:
        verdict = run()
    except (TimeoutError, NotReady) as failure:
        verdict = Verdict(name, injected=0, complaints=[f"{type(failure).__name__}: {failure}"])
    console.print(f"[bold]{name}[/bold] {monotonic() - began:.0f} s")
    for complaint in verdict.complaints:
        console.print(f"  {complaint}", markup=False)
    return verdict


def _fresh(folder: Path | None) -> Path | None:
    """A folder for state and logs that holds nothing yet."""
    if folder is not None:
        home = folder.absolute() / "home"
        if home.exists():
            shutil.rmtree(home)
        (home / "logs").mkdir(parents=True)
        return home
    return None


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev faults",
        description="Kill processes under load, steal replies, fill disks, attack; count the cost.",
    )
    parser.add_argument("--seed", type=int, default=LONG.seed, help="decides load and schedule (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=LONG.kills, help="in each experiment (default: %(default)s)")
    parser.add_argument("--answers", type=int, default=LONG.answers, help="looked at in S2 (default: %(default)s)")
    parser.add_argument("--tenants", type=int, default=LONG.tenants, help="migrated in F14 (default: %(default)s)")
    parser.add_argument("--short", action="store_true", help="as small and as hurried as in ./dev test")
    parser.add_argument("--only", action="append", choices=list(EXPERIMENTS), help="this experiment; may be repeated")
    parser.add_argument("--no-planted", action="store_true", help="leave the planted faults out")
    parser.add_argument("--planted-only", action="store_true", help="run the planted faults alone")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep state, logs and the tills' logs here")
    return parser.parse_args(words)


if __name__ == "__main__":
    # Whoever ends the campaign leaves no process and no file system behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
