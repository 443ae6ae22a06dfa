"""What every command opens, and closes whatever happens."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import dramatiq
import typer
from rich.console import Console

from services.cli.surroundings import environment
from services.platform.clock import wall_now
from services.platform.config import ConfigurationError, Settings, settings_from_environment
from services.platform.db.engine import Database, open_database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session
from services.platform.feed.telling import FeedTeller
from services.platform.telemetry.exposition import serving_metrics
from services.platform.telemetry.traces import tracing
from services.platform.tenancy.domain import Tenant
from services.platform.tenancy.registry import tenant_by_slug
from services.platform.worker.broker import open_broker
from services.platform.worker.doorbell import BrokerDoorbell

console = Console()
complaints = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Opened:
    """The servers that a process works with."""

    settings: Settings
    database: Database
    broker: dramatiq.Broker


def settings_or_exit(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of ``environ``, or of this process; what is wrong with them ends the command with a sentence."""
    try:
        return settings_from_environment(environ or environment())
    except ConfigurationError as error:
        complaints.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from error


@contextmanager
def observed(settings: Settings, *, process: str) -> Iterator[None]:
    """Traces and metrics of this process go where the settings say while the block runs, by default nowhere."""
    try:
        with tracing(process=process), serving_metrics(settings.metrics_address):
            yield
    except ConfigurationError as error:
        complaints.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from error


@contextmanager
def opened(settings: Settings, *, pool_size: int) -> Iterator[Opened]:
    """Database and broker, with the doorbell between them."""
    broker = open_broker(settings.broker_url)
    doorbell = BrokerDoorbell(broker)
    database = open_database(settings.database_url, pool_size=pool_size, is_prepared=settings.database_prepared)
    database.doorbell = doorbell
    feed = FeedTeller(settings.valkey_url)
    database.feed = feed
    try:
        yield Opened(settings, database, broker)
    finally:
        doorbell.close()
        feed.close()
        database.close()
        broker.close()


def tenant_or_exit(database: Database, slug: str) -> Tenant:
    """The tenant of a slug; without one the command ends with a sentence."""
    with read_session(database, PLATFORM, now=wall_now()) as session:
        tenant = tenant_by_slug(session, slug)
    if tenant is None:
        complaints.print(f"[red]There is no tenant '{slug}'.[/red] 'tenants list' shows those there are.")
        raise typer.Exit(1)
    return tenant
