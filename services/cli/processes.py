"""The processes of the product, each in the foreground until it is told to stop."""

import os
import signal
import threading
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette

from services import gateway as gateway_package
from services import scheduler as scheduling
from services.billing import worker as billing
from services.cli.composition import Opened, complaints, opened, settings_or_exit
from services.cli.demo import LandingPage
from services.gateway.app import GatewayServices, create_app
from services.gateway.pages import Welcome, page_routes
from services.loyalty import worker as loyalty
from services.notifications import worker as notifications
from services.notifications.channels.service import Providers, open_providers
from services.platform.auth.passwords import Passwords
from services.platform.auth.principals import Authenticator
from services.platform.auth.tokens import Signer
from services.platform.config import Settings
from services.platform.metering.cost import CostMeter
from services.platform.telemetry.logs import configure_logs
from services.platform.tenancy.registry import TenantRegistry
from services.platform.worker import letters
from services.platform.worker.broker import UnsafeBroker, answers, require_safe
from services.platform.worker.process import run_worker
from services.platform.worker.tasks import Task, WorkContext

SHUTDOWN_SECONDS = 20
PAGES = Path(gateway_package.__file__).parent / "console" / "dist"


def gateway(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Serve GraphQL over HTTP."""
    settings = settings_or_exit()
    configure_logs(process="gateway")
    with (
        opened(settings, pool_size=settings.database_pool_size) as servers,
        closing(CostMeter(servers.database)) as cost_meter,
    ):
        uvicorn.run(
            _app(servers, cost_meter),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )


def worker() -> None:
    """Answer rings: dispatch letters, send messages, roll up usage."""
    settings = settings_or_exit()
    configure_logs(process="worker")
    _refuse_unsafe_broker(settings)
    with (
        opened(settings, pool_size=settings.worker_threads + 2) as servers,
        closing(open_providers(smtp_url=settings.smtp_url)) as providers,
    ):
        context = WorkContext(
            settings=settings,
            database=servers.database,
            registry=TenantRegistry(servers.database),
            handlers={"notifications": notifications.heard(settings)},
        )
        tasks = _tasks(providers)
        run_worker(context, servers.broker, tasks, threads=settings.worker_threads, stop=_stop_signal())


def scheduler() -> None:
    """Ring for what is due. Of several schedulers one leads."""
    settings = settings_or_exit()
    configure_logs(process="scheduler")
    _refuse_unsafe_broker(settings)
    with (
        opened(settings, pool_size=1) as servers,
        closing(open_providers(smtp_url=settings.smtp_url)) as providers,
    ):
        scheduling.run_scheduler(servers.database, _tasks(providers), stop=_stop_signal())


def _app(servers: Opened, cost_meter: CostMeter) -> Starlette:
    settings, database = servers.settings, servers.database
    registry, signer = TenantRegistry(database), Signer(settings.secret)
    services = GatewayServices(
        settings=settings,
        database=database,
        registry=registry,
        authenticator=Authenticator(database, registry, signer),
        passwords=Passwords(),
        signer=signer,
        cost_meter=cost_meter,
    )
    is_development = settings.environment == "development"
    landing = LandingPage(settings, database)
    pages = page_routes(
        dist=PAGES, welcome=lambda: _welcome(landing), examples=landing.examples, graphiql=is_development
    )
    return create_app(services, pages=pages, broker_answers=lambda: answers(settings.broker_url))


def _welcome(landing: LandingPage) -> Welcome:
    return {
        "graphiql": "/graphiql",
        "mail": os.environ.get("REGULARS_MAIL_PAGE_URL"),
        "health": "/health/ready",
        "docs": None,
        "demo": landing.demo(),
    }


def _tasks(providers: Providers) -> tuple[Task, ...]:
    return (*letters.TASKS, *loyalty.TASKS, *notifications.tasks(providers), *billing.TASKS)


def _refuse_unsafe_broker(settings: Settings) -> None:
    try:
        require_safe(settings.broker_url)
    except UnsafeBroker as error:
        complaints.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from error


def _stop_signal() -> threading.Event:
    """Set by SIGTERM and SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
