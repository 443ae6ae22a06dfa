"""The outbox by hand: what waits, what is parked, and a second chance for it."""

from typing import Annotated

import typer
from rich.table import Table

from services.cli.composition import complaints, console, opened, settings_or_exit, tenant_or_exit
from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.db.homes import PLATFORM, Home
from services.platform.db.session import read_session, unit_of_work
from services.platform.outbox.queries import depths, replay_parked
from services.platform.tenancy.domain import TenantStatus
from services.platform.tenancy.registry import tenants

app = typer.Typer(help="Letters between services: what waits and what is parked.", no_args_is_help=True)


@app.command()
def depth() -> None:
    """Letters by state, for every active tenant that has some that are not done."""
    settings = settings_or_exit()
    table = Table("tenant", "undispatched", "oldest", "pending", "parked")
    with opened(settings, pool_size=1) as servers:
        now = wall_now()
        with read_session(servers.database, PLATFORM, now=now) as session:
            active = {tenant.home: tenant.slug for tenant in tenants(session, status=TenantStatus.ACTIVE)}
            for found in depths(session, tuple(active)):
                age = f"{(now - found.oldest).total_seconds():.0f} s" if found.oldest else "–"
                table.add_row(active[found.home], str(found.undispatched), age, str(found.pending), str(found.parked))
    console.print(table)


@app.command()
def replay(
    slug: str,
    consumer: Annotated[str | None, typer.Option(help="Only letters to this consumer.")] = None,
) -> None:
    """Give a tenant's parked letters another round of deliveries."""
    settings = settings_or_exit()
    with opened(settings, pool_size=1) as servers:
        home: Home = tenant_or_exit(servers.database, slug).home
        with unit_of_work(servers.database, home, now=wall_now(), actor=SYSTEM, correlation_id="cli") as uow:
            count = replay_parked(uow, consumer=consumer)
    if count == 0:
        complaints.print("Nothing is parked.")
    console.print(f"{count} letters will be delivered again by the next sweep (30 s).")
