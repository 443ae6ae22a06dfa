"""Tenants in files: back one up, bring one back, both with the ledger recounted."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.composition import complaints, console, opened, settings_or_exit, tenant_or_exit
from services.cli.refusals import say
from services.loyalty.ledger.queries import totals, verify
from services.platform.actors import SYSTEM
from services.platform.backup.archive import read_backup
from services.platform.backup.service import back_up, plan_restore
from services.platform.backup.service import restore as restore_rows
from services.platform.clock import wall_now
from services.platform.db.engine import Database, open_database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import ReadSession, read_session, unit_of_work
from services.platform.errors import DomainError

MOVE = Callable[[int, int], None]


def backup(
    slug: Annotated[str, typer.Argument(help="The tenant.")],
    to: Annotated[Path, typer.Option("--to", help="A new file; it holds personal data and secrets' hashes.")],
) -> None:
    """Write one tenant to a file, from one snapshot and without disturbing anybody."""
    settings = settings_or_exit()
    with opened(settings, pool_size=1) as servers:
        tenant = tenant_or_exit(servers.database, slug)
    with _owner(settings.direct_database_url) as database, _bars() as bar:
        try:
            with read_session(database, tenant.home, now=tenant.now(wall_now())) as session:
                manifest = back_up(
                    session, tenant, to, facts=_recounted(bar("Ledger")), progress=bar(f"Backing up {slug}")
                )
        except FileExistsError as error:
            complaints.print(f"{to} exists already; backups are never written over.", style="red", markup=False)
            raise typer.Exit(1) from error
    console.print(
        f"{to}: {manifest.rows} rows of {len(manifest.tables)} tables at revision {manifest.schema_revision},"
        f" {manifest.facts['entries']} ledger entries.",
        markup=False,
        soft_wrap=True,
    )


def restore(
    file: Annotated[Path, typer.Argument(help="What 'tenants backup' wrote.")],
    new_slug: Annotated[
        str | None, typer.Option("--as", help="Make a copy by this name, suspended, beside the original.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put a suspended tenant back to what it was; its keys and staff stay.")
    ] = False,
) -> None:
    """Bring a tenant back from a file, in one transaction: every row compared and the ledger recounted, or nothing."""
    if new_slug is not None and replace:
        complaints.print("Either --as or --replace.")
        raise typer.Exit(2)
    settings = settings_or_exit()
    with _owner(settings.direct_database_url) as database, _bars() as bar:
        try:
            with read_backup(file) as source:
                with read_session(database, PLATFORM, now=wall_now()) as session:
                    plan = plan_restore(session, source.manifest, new_slug=new_slug, replace=replace)
                with unit_of_work(database, plan.home, now=wall_now(), actor=SYSTEM, correlation_id="cli") as uow:
                    tenant = restore_rows(
                        uow, source, plan, facts=_recounted(bar("Ledger")), progress=bar(f"Restoring {plan.slug}")
                    )
        except DomainError as error:
            complaints.print(say(error), style="red", markup=False, highlight=False)
            raise typer.Exit(1) from error
    console.print(
        f"{tenant.slug} ({tenant.id}) is back as of {source.manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC:"
        f" {source.manifest.rows} rows, {source.manifest.facts['entries']} ledger entries, {tenant.status}.",
        markup=False,
        soft_wrap=True,
    )


@contextmanager
def _owner(direct_url: str) -> Iterator[Database]:
    with closing(open_database(direct_url, pool_size=1)) as database:
        yield database


def _recounted(move: MOVE) -> Callable[[ReadSession], dict[str, Any]]:
    """What the ledger says of itself when everything is recounted: a broken one is backed up, and said to be broken."""

    def facts(session: ReadSession) -> dict[str, Any]:
        verdict = verify(session, progress=move)
        return {
            "entries": verdict.entries,
            "holders": verdict.holders,
            "faults": len(verdict.faults),
            "totals": totals(session),
        }

    return facts


@contextmanager
def _bars() -> Iterator[Callable[[str], MOVE]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=complaints, refresh_per_second=4) as progress:

        def bar(title: str) -> MOVE:
            task = progress.add_task(title, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield bar
