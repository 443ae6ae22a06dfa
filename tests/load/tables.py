"""The tables at the end of a run."""

import os
from collections.abc import Sequence

from rich.box import SIMPLE
from rich.table import Table

from tests.load.measuring import Result
from tests.load.traffic import Spoken


def results_table(results: Sequence[Result]) -> Table:
    """One row for each contender; the first of a measure is its limit."""
    table = Table(
        title=f"Medians of rounds in turns, on {os.cpu_count()} processors that others may use too",
        caption="Shares compare; what is reached a second is of this machine and these minutes only.",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", no_wrap=True)
    for name in ("share", "rounds", "app CPU", "aim", "a second"):
        table.add_column(name, justify="right", no_wrap=True)
    for before, result in zip((None, *results), results, strict=False):
        is_limit = before is None or before.measure is not result.measure
        if is_limit:
            table.add_section()
            table.add_row(f"[bold]{result.measure.title}[/bold]")
        table.add_row(
            result.name,
            "limit" if is_limit else f"{result.percent:.0f} %",
            "" if is_limit else f"{result.lowest:.0f}–{result.highest:.0f} %",
            "" if result.cpu_ms is None else f"{result.cpu_ms:.2f} ms",
            "" if is_limit else result.measure.aim,
            f"{result.per_second:,.1f}" if result.per_second < 100 else f"{result.per_second:,.0f}",
        )
    return table


def traffic_table(verbs: Sequence[Spoken]) -> Table:
    """One row for each verb."""
    table = Table(
        "verb",
        "statements",
        "trips",
        "in the reference",
        title="What the services say to the server, BEGIN and COMMIT included",
        box=SIMPLE,
    )
    for verb in verbs:
        pinned = "" if verb.pinned is None else str(verb.pinned)
        if verb.pinned not in (None, verb.statements):
            pinned += " (out of date)"
        table.add_row(verb.verb, str(verb.statements), str(verb.round_trips), pinned)
    return table
