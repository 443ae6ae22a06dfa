"""``./dev faults``: the long campaign, with a table at the end of what was injected and what it cost."""

import argparse
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from services.platform.clock import monotonic
from tests.faults.experiments import LONG, SHORT, Bench
from tests.faults.mutations import EXPERIMENTS, MUTATIONS
from tests.faults.stack import NotReady, running_stack
from tests.faults.verdict import Verdict

console = Console()


def main(words: Sequence[str]) -> int:
    """0 when every bar was met and every planted fault was seen."""
    asked = _arguments(words)
    scale = replace(LONG, seed=asked.seed, kills=asked.kills, requests_per_kill=max(50, 1_000 // asked.kills))
    chosen = asked.only or list(EXPERIMENTS)
    verdicts: list[Verdict] = []
    is_green = True
    with running_stack(folder=_fresh(asked.keep)) as stack:
        if not asked.planted_only:
            bench = Bench(stack, scale)
            for name in chosen:
                verdicts.append(_timed(name, partial(EXPERIMENTS[name], bench)))
                is_green = is_green and not verdicts[-1].complaints
        short = Bench(stack, replace(SHORT, seed=asked.seed))
        for mutation in MUTATIONS if not asked.no_planted else ():
            if mutation.experiment in chosen:
                verdict = _timed(mutation.name, partial(mutation.run, short))
                is_seen = mutation.is_seen(verdict)
                console.print("  seen, as it must be" if is_seen else "  [red]NOT SEEN: the checker is blind[/red]")
                verdicts.append(verdict)
                is_green = is_green and is_seen
    console.print(table_of(verdicts), highlight=False, soft_wrap=True)
    console.print("[green]all bars met[/green]" if is_green else "[red]FAILED[/red]")
    return 0 if is_green else 1


def table_of(verdicts: Sequence[Verdict]) -> str:
    """One row for each experiment; ``took`` is its longest way from accepting work again to a first success."""
    names = ("injected", "acked", "unanswered", "lost", "doubled", "leaked", "receipts", "missing", "repeats", "took")
    width = max(len(verdict.experiment) for verdict in verdicts)
    lines = [" ".join((" " * width, *names, "verdict"))]
    for verdict in verdicts:
        recovery = verdict.recovery_seconds
        cells = (
            str(verdict.injected),
            str(verdict.acknowledged),
            str(verdict.unanswered),
            str(verdict.lost),
            str(verdict.doubled),
            str(verdict.leaked),
            str(verdict.receipts),
            str(verdict.missing_receipts),
            str(verdict.repeats),
            "" if recovery is None else f"{recovery:.2f} s",
        )
        row = (cell.rjust(len(name)) for name, cell in zip(names, cells, strict=True))
        lines.append(" ".join((verdict.experiment.ljust(width), *row, "RED" if verdict.complaints else "green")))
    return "\n".join(lines)


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
        description="Kill processes under load, steal replies, race equal requests; count the cost.",
    )
    parser.add_argument("--seed", type=int, default=LONG.seed, help="decides load and schedule (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=LONG.kills, help="in each experiment (default: %(default)s)")
    parser.add_argument("--only", action="append", choices=list(EXPERIMENTS), help="this experiment; may be repeated")
    parser.add_argument("--no-planted", action="store_true", help="leave the planted faults out")
    parser.add_argument("--planted-only", action="store_true", help="run the planted faults alone")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep state, logs and the tills' logs here")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
