"""``./dev bench``: what the product reaches of a limit that is measured in the same minutes on the same machine.

Nothing is asserted about speed. It ends with 0 when everything ran, and with 1 when something failed to run.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape

from services.platform.clock import monotonic
from tests.load.callers import BadAnswer
from tests.load.contenders import Service, members_over_http, purchases_over_http
from tests.load.measuring import Measure, Result, measure
from tests.load.pgbench import Mode, Pgbench, PgbenchFailed
from tests.load.stage import Stage, running_stage
from tests.load.tables import results_table, traffic_table
from tests.load.tenants import TenantCreation
from tests.load.traffic import Spoken, spoken

WIDTH = 80
console = Console() if sys.stdout.isatty() else Console(width=WIDTH)

ROUNDS = 3
SECONDS = 2
SECONDS_MAX = 60
MEMBERS = 2_000
TENANTS_PRESENT = 100


def routing(stage: Stage) -> list[Measure]:
    """The tenant's schema by search path, against the schema in every name."""
    by_name, by_path = (
        _pgbench(stage, f"routing_by_{way}.sql", clients=1, mode="simple", name=f"pgbench, by {way}")
        for way in ("name", "path")
    )
    return [Measure("routing, 1 connection", "95 %", by_name, [by_path])]


def purchase(stage: Stage) -> list[Measure]:
    """A committed ``recordPurchase``, against pgbench with the same statements on as many connections."""
    one, eight, sixteen = (_pgbench(stage, "record_purchase.sql", clients=clients) for clients in (1, 8, 16))
    unprepared = _pgbench(stage, "record_purchase.sql", clients=1, mode="extended", name="pgbench, not prepared")
    return [
        Measure("recordPurchase, 1 caller", "", one, [unprepared, Service(stage, 1)]),
        Measure("recordPurchase, 8 callers", "", eight, [Service(stage, 8), purchases_over_http(stage, 8)]),
        Measure("recordPurchase, 16", "30 %, 1 ms", sixteen, [purchases_over_http(stage, 16)]),
    ]


def member(stage: Stage) -> list[Measure]:
    """A member by id with balances and tier, against pgbench with the same statements."""
    limit = _pgbench(stage, "member_by_id.sql", clients=16)
    return [Measure("member by id, 16", "7 %, 0.8 ms", limit, [members_over_http(stage, 16)])]


def tenants(stage: Stage) -> list[Measure]:
    """A new tenant beside many, against a new tenant in a database without any."""
    empty, full = (TenantCreation(stage.postgres, present=present) for present in (0, TENANTS_PRESENT))
    return [Measure("a new tenant", "50 % at 5,000", empty, [full])]


MEASURES: Mapping[str, Callable[[Stage], list[Measure]]] = {
    "routing": routing,
    "purchase": purchase,
    "member": member,
    "tenants": tenants,
}
TRAFFIC = "traffic"


def main(words: Sequence[str]) -> int:
    """0 when everything ran."""
    asked = _arguments(words)
    chosen = asked.only or [*MEASURES, TRAFFIC]
    began, failures = monotonic(), 0
    results: list[Result] = []
    verbs: tuple[Spoken, ...] = ()
    with console.status("starting servers, enrolling members …") as status, running_stage(members=MEMBERS) as stage:
        _say(began, f"the stage is set: {MEMBERS:,} members, each with a purchase")
        if TRAFFIC in chosen:
            verbs = spoken(stage)
        for name in (name for name in MEASURES if name in chosen):
            status.update(f"{name} …")
            try:
                for prepared in MEASURES[name](stage):
                    results += measure(prepared, rounds=ROUNDS, seconds=asked.seconds)
                    _say(began, prepared.title)
            except (PgbenchFailed, BadAnswer, TimeoutError) as error:
                failures += 1
                console.print(f"[red]{name} failed:[/red] {escape(str(error))}")
    if results:
        console.print(results_table(results))
    if verbs:
        console.print(traffic_table(verbs))
    return 1 if failures else 0


def _pgbench(
    stage: Stage, script: str, *, clients: int, mode: Mode = "prepared", name: str = "pgbench, prepared"
) -> Pgbench:
    return Pgbench(
        script=script,
        url=stage.postgres.app_url,
        schema=stage.tenant.home.schema,
        clients=clients,
        mode=mode,
        name=name,
        variables=stage.pgbench_variables(),
    )


def _say(began: float, what: str) -> None:
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    console.print(f"{monotonic() - began:5.0f} s  {what} (load of the machine: {load})", highlight=False)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        description="Compare the product with pgbench running the same SQL, in turns. Asserts nothing about speed.",
    )
    parser.add_argument(
        "--seconds",
        type=int,
        choices=range(1, SECONDS_MAX + 1),
        default=SECONDS,
        metavar="N",
        help=f"the length of one run, 1 to {SECONDS_MAX} (default: %(default)s)",
    )
    parser.add_argument("--only", action="append", choices=[*MEASURES, TRAFFIC], help="this measure; may be repeated")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
