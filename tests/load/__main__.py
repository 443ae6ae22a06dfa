"""``./dev bench``: what the product reaches of a limit that is measured in the same minutes on the same machine.

Nothing is asserted about speed. It ends with 0 when everything ran, and with 1 when something failed to run.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from rich.console import Console
from rich.markup import escape

from services.demo.dataset import DatasetMissing
from services.platform.clock import monotonic
from tests.load.bulk import bulk_over_http
from tests.load.callers import BadAnswer
from tests.load.checkout import checkout_measures
from tests.load.contenders import Service, members_over_http, purchases_over_http
from tests.load.expiry import expiry_measures
from tests.load.measuring import Measure, Result, Sample, in_turns, measure
from tests.load.night import pass_night
from tests.load.pages import BESIDE, BY_EXECUTOR, PAGE, gather_crowd
from tests.load.peers.stand import Peer, PeerCalls, running_peers
from tests.load.pgbench import Pgbench, PgbenchFailed, Place, by_lot
from tests.load.profile import profile_table, profiles
from tests.load.replay import BASKETS, BooksDiffer, replay_measures
from tests.load.rules import rules_measure
from tests.load.stage import Stage, running_stage
from tests.load.tables import results_table, traffic_table
from tests.load.tenants import BareMigration, Migration, TenantCreation
from tests.load.traffic import Spoken, spoken

WIDTH = 80
console = Console() if sys.stdout.isatty() else Console(width=WIDTH)

SECONDS = 2
SECONDS_MAX = 60
MEMBERS = 2_000
TENANTS, TENANTS_MAX = 100, 5_000
CROWD, CROWD_MAX = 10_000, 1_000_000
BASKETS_MAX = 30_000
LOTS_MAX = 2_000_000


def routing(stage: Stage) -> list[Measure]:
    """The tenant's schema by search path, against the schema in every name."""
    scripts = ("routing_by_name.sql", "routing_by_path.sql")

    def turn(seconds: int) -> list[Sample]:
        return by_lot(_place(stage), scripts, mode="simple", seconds=seconds)

    return [Measure("routing, 1 connection", "95 %", ("pgbench, by name", "pgbench, by path"), turn)]


def purchase(stage: Stage) -> list[Measure]:
    """A committed ``recordPurchase``, against pgbench with a fixed transaction on as many connections."""
    script, place = "record_purchase.sql", _place(stage)
    today = Pgbench(place, "record_purchase_in_two_trips.sql", clients=16, name="pgbench, as sent today")
    one, eight, sixteen = (Pgbench(place, script, clients) for clients in (1, 8, 16))
    unprepared = Pgbench(place, script, clients=1, mode="extended", name="pgbench, not prepared")
    return [
        in_turns("recordPurchase, 1 caller", one, unprepared, Service(stage, 1)),
        in_turns("recordPurchase, 8", eight, Service(stage, 8), purchases_over_http(stage, 8)),
        in_turns("recordPurchase, 16", sixteen, today, purchases_over_http(stage, 16), aim="30 %, 1 ms"),
    ]


def bulk(stage: Stage) -> list[Measure]:
    """Receipts by the hundred in one ``recordPurchases``, against pgbench with one receipt a transaction."""
    single = Pgbench(_place(stage), "record_purchase.sql", clients=16)
    sizes = (50, 100, 500)
    return [in_turns("recordPurchases, 4 callers", single, *(bulk_over_http(stage, 4, size) for size in sizes))]


def member(stage: Stage) -> list[Measure]:
    """A member by id with balances and tier, against pgbench with the same statements."""
    limit = Pgbench(_place(stage), "member_by_id.sql", clients=16)
    return [in_turns("member by id, 16", limit, members_over_http(stage, 16), aim="7 %, 0.8 ms")]


def pages(stage: Stage, *, crowd: int = CROWD) -> list[Measure]:
    """A page of 50 members with tier, balances and last entries, against pgbench with the same statements."""
    gathered = gather_crowd(stage, members=crowd)
    return [
        in_turns(
            f"{title}, {how}",
            gathered.limit(script, is_deep=is_deep, name="pgbench, prepared"),
            gathered.over_http(document, is_deep=is_deep, name="HTTP, 2 processes"),
            aim=aim,
        )
        for how, script, document, aim in (
            ("by SQL", "members_page_json.sql", PAGE, "55 %, 1 ms"),
            ("beside others", "members_page.sql", BESIDE, "25 %, 3.5 ms"),
            ("compiled", "members_page.sql", BY_EXECUTOR, "25 %, 3.5 ms"),
        )
        for title, is_deep in (("first pages", False), ("deep pages", True))
    ]


def against_peers(stage: Stage, peers: Sequence[Peer], *, crowd: int) -> list[Measure]:
    """The product and what a user would pick instead, over HTTP; the product is the limit."""
    gathered = gather_crowd(stage, members=crowd)
    ours = {
        "member": members_over_http(stage, 16),
        "page": gathered.over_http(PAGE, is_deep=False, name="HTTP, 2 processes"),
        "deep": gathered.over_http(PAGE, is_deep=True, name="HTTP, 2 processes"),
        "purchase": purchases_over_http(stage, 16),
    }
    titles = {"member": "member by id", "page": "first pages", "deep": "deep pages", "purchase": "recordPurchase"}
    return [
        in_turns(f"{titles[name]}, and peers", mine, *(PeerCalls(peer, name, crowd, 16) for peer in peers))
        for name, mine in ours.items()
    ]


def tenants(stage: Stage, *, present: int = TENANTS) -> list[Measure]:
    """A new tenant beside many, against a new tenant in a database without any; and a migration of the many."""
    empty, full = (TenantCreation(stage.postgres, present=count) for count in (0, present))
    bare, migrating = BareMigration(full.owner_url), Migration(full.owner_url)
    return [
        in_turns("a new tenant", empty, full, aim="50 % at 5,000", rounds=9),
        in_turns(f"migrating {present:,} tenants", bare, migrating),
    ]


def checkout(stage: Stage) -> Iterable[Measure]:
    """Carts that are quoted, and carts that are committed, over HTTP, against pgbench with the statements of each."""

    def tell(line: str) -> None:
        console.print(f"       {line}", highlight=False, soft_wrap=True)

    return checkout_measures(stage, _place(stage), tell)


def rules(stage: Stage) -> list[Measure]:
    """A basket of many lines judged by many rules, against one round trip to the server."""
    return [rules_measure(stage.postgres.app_url)]


def expiry(stage: Stage, *, lots: int | None = None) -> list[Measure]:
    """Lots that end in one night, and what purchases feel of it; with ``lots`` one night of so many instead."""
    if lots is not None:
        night = pass_night(stage, lots=lots, console=console)
        share = 100 * night.purchases_beside / night.purchases_alone
        console.print(
            f"{night.lots:,} lots in {night.seconds:.0f} s: {night.lots / night.seconds:,.0f} a second;"
            f" purchases beside it {share:.0f} % of alone",
            highlight=False,
        )
        return []
    return expiry_measures(stage, _place(stage))


def replays(stage: Stage, *, baskets: int = BASKETS, is_whole_year: bool = False) -> Iterable[Measure]:
    """The demo chain under its grocery program, against the same under one plain rule; then both are reconciled."""
    return replay_measures(stage.postgres, baskets=baskets, is_whole_year=is_whole_year, tell=console.print)


MEASURES: Mapping[str, Callable[[Stage], Iterable[Measure]]] = {
    "routing": routing,
    "purchase": purchase,
    "bulk": bulk,
    "member": member,
    "pages": pages,
    "tenants": tenants,
    "checkout": checkout,
    "rules": rules,
    "expiry": expiry,
    "replay": replays,
}
TRAFFIC = "traffic"
PEERS = "peers"


def main(words: Sequence[str]) -> int:
    """0 when everything ran."""
    asked = _arguments(words)
    chosen = [] if asked.profile else asked.only or [*MEASURES, TRAFFIC]
    began, failures = monotonic(), 0
    results: list[Result] = []
    verbs: tuple[Spoken, ...] = ()
    with ExitStack() as stack:
        status = stack.enter_context(console.status("starting servers, enrolling members …"))
        stage = stack.enter_context(running_stage(members=MEMBERS))
        _say(began, f"the stage is set: {MEMBERS:,} members who have bought")
        if TRAFFIC in chosen:
            verbs = spoken(stage)
        if asked.profile:
            for profile in asyncio.run(profiles(stage)):
                console.print(profile_table(profile))
        settings = _settings(asked, chosen)
        if asked.peers:
            status.update("starting the peers …")
            peers = stack.enter_context(running_peers(stage.postgres.superuser_url, members=asked.crowd))
            settings[PEERS] = partial(against_peers, peers=peers, crowd=asked.crowd)
        for name, setting in settings.items():
            status.update(f"{name} …")
            try:
                for prepared in setting(stage):
                    results += measure(prepared, seconds=asked.seconds)
                    _say(began, prepared.title)
            except (PgbenchFailed, BadAnswer, BooksDiffer, DatasetMissing, TimeoutError) as error:
                failures += 1
                console.print(f"[red]{name} failed:[/red] {escape(str(error))}")
    if results:
        console.print(results_table(results))
    if verbs:
        console.print(traffic_table(verbs))
    return 1 if failures else 0


def _settings(asked: argparse.Namespace, chosen: Sequence[str]) -> dict[str, Callable[[Stage], Iterable[Measure]]]:
    """What is chosen of `MEASURES`, as large as was asked for."""
    sized: Mapping[str, Callable[[Stage], Iterable[Measure]]] = {
        "pages": partial(pages, crowd=asked.crowd),
        "tenants": partial(tenants, present=asked.tenants),
        "expiry": partial(expiry, lots=asked.lots),
        "replay": partial(replays, baskets=asked.baskets, is_whole_year=asked.whole_year),
    }
    return {name: sized.get(name, setting) for name, setting in MEASURES.items() if name in chosen}


def _place(stage: Stage) -> Place:
    variables = {
        "members": str(len(stage.member_ids)),
        "tenant": str(stage.tenant.id),
        "store": str(stage.store.id),
        "version": str(stage.version_id),
    }
    return Place(stage.postgres.app_url, stage.tenant.home.schema, variables)


def _say(began: float, what: str) -> None:
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    console.print(f"{monotonic() - began:5.0f} s  {what} (machine's load {load})", highlight=False)


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
    parser.add_argument(
        "--crowd",
        type=int,
        choices=range(1_000, CROWD_MAX + 1),
        default=CROWD,
        metavar="N",
        help="how many members the pages are taken from (default: %(default)s)",
    )
    parser.add_argument(
        "--tenants",
        type=int,
        choices=range(1, TENANTS_MAX + 1),
        default=TENANTS,
        metavar="N",
        help="how many tenants are there before a new one, and are migrated (default: %(default)s)",
    )
    parser.add_argument(
        "--baskets",
        type=int,
        choices=range(1, BASKETS_MAX + 1),
        default=BASKETS,
        metavar="N",
        help="how many baskets a chain replays in one of four turns (default: %(default)s)",
    )
    parser.add_argument(
        "--lots",
        type=int,
        choices=range(1, LOTS_MAX + 1),
        metavar="N",
        help="let expiry pass one night on which so many lots end, instead of its measures",
    )
    parser.add_argument("--whole-year", action="store_true", help="replay all baskets of the year; an hour")
    parser.add_argument("--profile", action="store_true", help="only tell where the time of the hot operations goes")
    parser.add_argument("--peers", action="store_true", help="compare with PostGraphile and django-tenants as well")
    parser.add_argument("--only", action="append", choices=[*MEASURES, TRAFFIC], help="this measure; may be repeated")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
