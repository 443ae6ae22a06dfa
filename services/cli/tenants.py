"""Tenants by hand: create, list, limit, migrate, suspend."""

from datetime import timedelta
from getpass import getpass
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.cli.composition import complaints, console, opened, settings_or_exit, tenant_or_exit
from services.cli.refusals import say
from services.platform.actors import SYSTEM
from services.platform.auth.passwords import Passwords
from services.platform.clock import wall_now
from services.platform.config import RATE_CAPACITY_MIN
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session, unit_of_work
from services.platform.errors import DomainError
from services.platform.ids import new_id
from services.platform.limits.domain import Quota
from services.platform.onboarding.service import SignUp, sign_up
from services.platform.tenancy.domain import TenantMode
from services.platform.tenancy.migrations import head_revision, migrate_shared, migrate_tenants
from services.platform.tenancy.registry import set_quota, set_suspended
from services.platform.tenancy.registry import tenants as all_tenants

app = typer.Typer(help="Tenants: create, list, limit, migrate, suspend.", no_args_is_help=True)


@app.command()
def create(
    slug: Annotated[str, typer.Argument(help="Its name in addresses: lower-case letters, digits, hyphens.")],
    name: Annotated[str, typer.Option(help="The merchant's name as customers know it.")],
    email: Annotated[str, typer.Option(help="The owner's e-mail address.")],
    owner_name: Annotated[str, typer.Option(help="The owner's name.")] = "Owner",
    locale: Annotated[str, typer.Option(help="en or zh-CN.")] = "en",
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Give it a clock of its own.")] = False,
    key: Annotated[str | None, typer.Option(help="Repeat a call that broke off with the same key.")] = None,
) -> None:
    """Create a tenant with its owner; the password is asked for."""
    settings = settings_or_exit()
    command = SignUp(
        email=email,
        password=getpass("Password of the owner: "),
        name=owner_name,
        merchant_name=name,
        slug=slug,
        locale=locale,
        idempotency_key=key or f"cli:{new_id()}",
    )
    with opened(settings, pool_size=2) as servers:
        try:
            signed_up = sign_up(
                servers.database,
                Passwords(),
                command,
                direct_url=settings.direct_database_url,
                now=wall_now(),
                correlation_id="cli",
                mode=TenantMode.SANDBOX if sandbox else TenantMode.LIVE,
                clock_offset=timedelta(),
            )
        except DomainError as error:
            complaints.print(say(error), style="red", markup=False, highlight=False)
            raise typer.Exit(1) from error
    console.print(f"Tenant [bold]{slug}[/bold] is ready: {signed_up.tenant_id}")


@app.command(name="list")
def list_tenants() -> None:
    """All tenants, oldest first."""
    settings = settings_or_exit()
    table = Table("slug", "name", "mode", "status", "clock", "points", "id")
    with opened(settings, pool_size=1) as servers:
        now = wall_now()
        with read_session(servers.database, PLATFORM, now=now) as session:
            for tenant in all_tenants(session):
                clock = tenant.now(now).isoformat(timespec="minutes")
                points = _shown(tenant.quota) if tenant.quota else ""
                table.add_row(tenant.slug, tenant.name, tenant.mode, tenant.status, clock, points, str(tenant.id))
    console.print(table)


@app.command()
def limit(
    slug: str,
    capacity: Annotated[
        int | None, typer.Option(min=RATE_CAPACITY_MIN, help="Points that its callers of one kind may spend at once.")
    ] = None,
    per_second: Annotated[int | None, typer.Option(min=1, help="Points by which that recovers each second.")] = None,
    default: Annotated[bool, typer.Option("--default", help="What the gateway's settings say.")] = False,
) -> None:
    """Let a tenant's callers ask for more or less of the API than others; known everywhere within two seconds."""
    if default != (capacity is None) or default != (per_second is None):
        raise typer.BadParameter("give --capacity and --per-second, or --default")
    settings = settings_or_exit()
    quota = None if capacity is None or per_second is None else Quota(capacity, per_second)
    with opened(settings, pool_size=1) as servers:
        tenant = tenant_or_exit(servers.database, slug)
        with unit_of_work(servers.database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id="cli") as uow:
            set_quota(uow, tenant_id=tenant.id, quota=quota)
    shown = _shown(quota or Quota(settings.rate_capacity, settings.rate_per_second))
    console.print(f"[bold]{slug}[/bold] may ask for {shown} points{' like others' if quota is None else ''}.")


@app.command(name="migrate")
def migrate() -> None:
    """Bring the shared schema, then every tenant, to the newest revision. Run again after a failure."""
    settings = settings_or_exit()
    migrate_shared(settings.direct_database_url)
    with Progress(
        TextColumn("Tenants"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    ) as progress:
        bar = progress.add_task("tenants", total=None)
        failed = migrate_tenants(
            settings.direct_database_url,
            progress=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    for tenant_id, reason in failed:
        complaints.print(f"[red]{tenant_id} stays behind:[/red] {reason}")
    if failed:
        raise typer.Exit(1)
    console.print(f"Everything is at revision {head_revision()}.")


@app.command()
def suspend(
    slug: str,
    resume: Annotated[bool, typer.Option("--resume", help="Bring it back instead.")] = False,
) -> None:
    """Refuse every request to a tenant from now on; its data stays. --resume brings it back."""
    settings = settings_or_exit()
    with opened(settings, pool_size=1) as servers:
        tenant = tenant_or_exit(servers.database, slug)
        with unit_of_work(servers.database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id="cli") as uow:
            is_done = set_suspended(uow, tenant_id=tenant.id, suspended=not resume)
    if not is_done:
        complaints.print(f"[red]'{slug}' is not ready yet.[/red] Its owner repeats the sign-up with the same key.")
        raise typer.Exit(1)
    console.print(f"[bold]{slug}[/bold] is {'active again' if resume else 'suspended'}.")


def _shown(quota: Quota) -> str:
    return f"{quota.capacity:,} + {quota.per_second:,}/s"
