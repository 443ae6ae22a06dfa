"""The ledger by hand: prove that it holds."""

from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.composition import complaints, console, opened, settings_or_exit
from services.loyalty.ledger.domain.holdings import LedgerVerdict
from services.loyalty.ledger.queries import verify as verify_ledger
from services.platform.clock import wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session
from services.platform.tenancy.domain import Tenant, TenantStatus
from services.platform.tenancy.first_touch import bring_up_to_date, is_behind
from services.platform.tenancy.registry import tenants

app = typer.Typer(help="The ledger: verify sums, lots and hashes.", no_args_is_help=True)


@app.callback()
def ledger() -> None:
    """The ledger: verify sums, lots and hashes."""


@app.command()
def verify(
    slug: Annotated[str | None, typer.Argument(help="One tenant; all active ones without it.")] = None,
) -> None:
    """Recompute every sum, balance, lot and hash from the entries; ends with 1 if anything is off."""
    settings = settings_or_exit()
    faults = 0
    with opened(settings, pool_size=1) as servers:
        with read_session(servers.database, PLATFORM, now=wall_now()) as session:
            chosen = [
                tenant for tenant in tenants(session, status=TenantStatus.ACTIVE) if slug is None or tenant.slug == slug
            ]
        if not chosen:
            complaints.print("There is no such active tenant; 'tenants list' shows those there are.")
            raise typer.Exit(1)
        for tenant in chosen:
            if is_behind(tenant):
                bring_up_to_date(settings.direct_database_url, tenant)
            verdict = _verify(servers.database, tenant)
            for fault in verdict.faults:
                complaints.print(f"[red]{tenant.slug}: {fault}[/red]")
            faults += len(verdict.faults)
            console.print(f"{tenant.slug}: {verdict.entries} entries, {len(verdict.faults)} faults")
    if faults:
        raise typer.Exit(1)


def _verify(database: Database, tenant: Tenant) -> LedgerVerdict:
    with (
        Progress(
            TextColumn(tenant.slug), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=complaints
        ) as progress,
        read_session(database, tenant.home, now=tenant.now(wall_now())) as session,
    ):
        bar = progress.add_task("entries", total=None)
        return verify_ledger(session, progress=lambda done, total: progress.update(bar, completed=done, total=total))
