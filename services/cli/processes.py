"""The processes of the product, each in the foreground until it is told to stop."""

import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette

from services import gateway as gateway_package
from services import scheduler as scheduling
from services.billing import worker as billing
from services.cli.composition import Opened, complaints, observed, opened, settings_or_exit
from services.cli.demo import LandingPage
from services.cli.self_test import fit_or_exit
from services.gateway.app import GatewayServices, create_app
from services.gateway.graphql.trusted import trusted_documents
from services.gateway.pages import Welcome, page_routes
from services.gateway.server import SERVER, collect_less
from services.loyalty import worker as loyalty
from services.notifications import worker as notifications
from services.notifications.channels.service import Providers, open_providers
from services.platform.auth.passwords import Passwords
from services.platform.auth.principals import Authenticator
from services.platform.auth.tokens import Signer
from services.platform.config import ConfigurationError, Settings
from services.platform.limits.buckets import Buckets
from services.platform.limits.domain import Quota
from services.platform.metering.cost import CostMeter
from services.platform.telemetry.logs import configure_logs
from services.platform.tenancy.registry import TenantRegistry
from services.platform.worker import letters, rounds
from services.platform.worker.broker import answers
from services.platform.worker.process import run_worker
from services.platform.worker.tasks import Task, WorkContext

START_SECONDS_MAX = 120
"""A process of several that gives no sign of life for so long is replaced; on a busy machine imports take a while."""
PAGES = Path(gateway_package.__file__).parent / "console" / "dist"


def gateway(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that share the port, each with a pool of its own.")
    ] = 1,
    fd: Annotated[
        int | None, typer.Option(help="A listening socket that the caller has opened, such as systemd's 3.")
    ] = None,
) -> None:
    """Serve GraphQL over HTTP. Of several processes one that ends is replaced; SIGHUP replaces them one by one."""
    settings = settings_or_exit()
    _read_manifests_or_exit(settings)
    configure_logs(process="gateway", level=settings.log_level)
    fit_or_exit(settings, needs_broker=False, makes_schemas=True)
    uvicorn.run(
        f"{__name__}:application",
        factory=True,
        workers=processes,
        host=host,
        port=port,
        fd=fd,
        timeout_worker_healthcheck=START_SECONDS_MAX,
        **SERVER,
    )


def _read_manifests_or_exit(settings: Settings) -> None:
    """What is wrong with a manifest is said once and plainly, and not by each process that reads it for its work."""
    try:
        trusted_documents(settings)
    except ConfigurationError as error:
        complaints.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(2) from error


def application() -> Starlette:
    """The web application of one process, which opens its servers now and closes them when it is shut down."""
    settings = settings_or_exit()
    configure_logs(process="gateway", level=settings.log_level)
    with ExitStack() as opening:
        opening.enter_context(observed(settings, process="gateway"))
        servers = opening.enter_context(opened(settings, pool_size=settings.database_pool_size))
        cost_meter = opening.enter_context(closing(CostMeter(servers.database)))
        quota = Quota(settings.rate_capacity, settings.rate_per_second)
        buckets = opening.enter_context(closing(Buckets(settings.valkey_url, quota)))
        app = _app(servers, cost_meter, buckets)
        until_shutdown = opening.pop_all()
    serving = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with until_shutdown:
            async with serving(app):
                yield

    app.router.lifespan_context = lifespan
    collect_less()
    return app


def worker() -> None:
    """Answer rings: dispatch letters, send messages, roll up usage."""
    settings = settings_or_exit()
    configure_logs(process="worker", level=settings.log_level)
    fit_or_exit(settings, needs_broker=True, makes_schemas=False)
    with (
        observed(settings, process="worker"),
        opened(settings, pool_size=settings.worker_threads + 2) as servers,
        closing(open_providers(smtp_url=settings.smtp_url)) as providers,
    ):
        context = WorkContext(
            settings=settings,
            database=servers.database,
            registry=TenantRegistry(servers.database),
            handlers={"loyalty": loyalty.HEARD, "notifications": notifications.heard(settings)},
        )
        tasks = _tasks(providers)
        run_worker(context, servers.broker, tasks, threads=settings.worker_threads, stop=_stop_signal())


def scheduler() -> None:
    """Ring for what is due. Of several schedulers one leads."""
    settings = settings_or_exit()
    configure_logs(process="scheduler", level=settings.log_level)
    fit_or_exit(settings, needs_broker=True, makes_schemas=False)
    with (
        observed(settings, process="scheduler"),
        opened(settings, pool_size=1) as servers,
        closing(open_providers(smtp_url=settings.smtp_url)) as providers,
    ):
        is_measured = bool(settings.metrics_address)
        scheduling.run_scheduler(servers.database, _tasks(providers), stop=_stop_signal(), is_measured=is_measured)


def _app(servers: Opened, cost_meter: CostMeter, buckets: Buckets) -> Starlette:
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
        buckets=buckets,
        errands=loyalty.SANDBOX_ERRANDS,
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
    return (
        *letters.TASKS,
        *rounds.errand_tasks(loyalty.ERRANDS),
        *loyalty.TASKS,
        *notifications.tasks(providers),
        *billing.TASKS,
    )


def _stop_signal() -> threading.Event:
    """Set by SIGTERM and SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
