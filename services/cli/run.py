"""``run``: the whole product on this machine, with embedded servers and demo data, until it is told to stop."""

import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import typer

from services.cli.composition import complaints, console
from services.cli.refusals import say
from services.cli.surroundings import forget_addresses, home, start_servers, write_addresses
from services.platform.errors import DomainError
from services.platform.supervision.children import ChildSpec
from services.platform.supervision.errors import FolderInUse
from services.platform.supervision.ports import free_port
from services.platform.supervision.spawning import spawn
from services.platform.supervision.supervisor import Supervisor
from services.platform.tenancy.migrations import migrate_shared, migrate_tenants

CHECKOUT = Path(__file__).resolve().parents[2]
GATEWAY_PORT, MAIL_PAGE_PORT, SMTP_PORT, METRICS_PORT = 8000, 8025, 8026, 9464
READY_SECONDS_MAX = 1.0


def run(
    port: Annotated[
        int, typer.Option(min=1, max=65_535, help="The gateway's port; the next free one if it is taken.")
    ] = GATEWAY_PORT,
    demo: Annotated[bool, typer.Option(help="Load the demo chain at the first start.")] = True,
) -> None:
    """Run everything: PostgreSQL, Valkey, gateway, worker, scheduler, a mail sink, and the demo chain."""
    try:
        with Supervisor(home(), show=_show) as supervisor:
            _run(supervisor, port=free_port(port), with_demo=demo)
    except FolderInUse as error:
        where = f" and answers at {error.address}" if error.address else ""
        complaints.print(
            f"Regulars already runs on {error.folder} (process {error.pid}){where}.\n"
            "Stop that one with Ctrl-C, or give this one a folder of its own: REGULARS_HOME=/some/folder ./dev run"
        )
        raise typer.Exit(1) from error
    except DomainError as error:
        complaints.print(say(error), style="red", markup=False, highlight=False)
        raise typer.Exit(1) from error


def _run(supervisor: Supervisor, *, port: int, with_demo: bool) -> None:
    console.print("Starting the servers …")
    base_url = f"http://localhost:{port}"
    environment = start_servers(supervisor)
    environment.setdefault("REGULARS_BASE_URL", base_url)
    if "REGULARS_SMTP_URL" not in environment:
        environment.update(_start_mailbox(supervisor, environment))
    _migrate(environment["REGULARS_DIRECT_DATABASE_URL"])
    metrics: dict[str, str] = {}
    for name, arguments in (("gateway", ("--port", str(port))), ("worker", ()), ("scheduler", ())):
        metrics[name] = _metrics_address(metrics.values())
        own = {**environment, "REGULARS_METRICS_ADDRESS": metrics[name]}
        supervisor.start_child(_spec(name, ("services.cli", name, *arguments), own))
    write_addresses(supervisor, environment)
    try:
        supervisor.run_until(lambda: _is_ready(base_url))
        supervisor.announce(base_url)
        _show_addresses(environment, base_url, metrics)
        if with_demo:
            _load_demo(supervisor, environment)
        console.print("Ctrl-C stops everything.")
        supervisor.run()
        console.print("Stopping …")
    finally:
        forget_addresses(supervisor)


def _start_mailbox(supervisor: Supervisor, environment: Mapping[str, str]) -> dict[str, str]:
    """Start the local mail sink; the variables that lead to it."""
    smtp_port = free_port(SMTP_PORT)
    page_port = free_port(MAIL_PAGE_PORT, promised=(smtp_port,))
    store = str(supervisor.home / "mailbox")
    arguments = ("--smtp-port", str(smtp_port), "--http-port", str(page_port), "--store", store)
    supervisor.start_child(_spec("mailbox", ("services.doubles.mailbox", *arguments), environment))
    return {
        "REGULARS_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "REGULARS_MAIL_PAGE_URL": f"http://localhost:{page_port}",
    }


def _migrate(direct_url: str) -> None:
    migrate_shared(direct_url)
    for tenant_id, reason in migrate_tenants(direct_url, progress=lambda *_: None):
        complaints.print(f"[red]Tenant {tenant_id} stays behind:[/red] {reason}")


def _load_demo(supervisor: Supervisor, environment: Mapping[str, str]) -> None:
    """Load the demo chain in a process of its own, which shows its progress; the product runs meanwhile."""
    command = (sys.executable, "-m", "services.cli", "demo")
    loading = spawn(command, env=environment, folder=CHECKOUT, output=sys.stdout.fileno(), death_signal=signal.SIGINT)
    try:
        supervisor.run_until(lambda: loading.poll() is not None)
    finally:
        if loading.poll() is None:
            loading.send_signal(signal.SIGINT)
            loading.wait()
    if loading.returncode != 0:
        complaints.print("[yellow]The demo chain is not complete; './dev demo' goes on where it stopped.[/yellow]")


def _is_ready(base_url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base_url}/health/ready", timeout=READY_SECONDS_MAX) as answer:  # noqa: S310  our own address
            return bool(answer.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False


def _metrics_address(taken: Collection[str]) -> str:
    """Where one more process shows its metrics: each has an address of its own."""
    promised = [int(address.rpartition(":")[2]) for address in taken]
    return f"127.0.0.1:{free_port(METRICS_PORT, promised=promised)}"


def _show_addresses(environment: Mapping[str, str], base_url: str, metrics: Mapping[str, str]) -> None:
    console.print(f"\n[bold]Regulars 回头客 runs at {base_url}[/bold]")
    console.print(f"  GraphQL   {base_url}/graphql")
    console.print(f"  GraphiQL  {base_url}/graphiql")
    if "REGULARS_MAIL_PAGE_URL" in environment:
        console.print(f"  E-mails   {environment['REGULARS_MAIL_PAGE_URL']}")
    for name, address in metrics.items():
        console.print(f"  Metrics   http://{address}/metrics ({name})")


def _spec(name: str, module: tuple[str, ...], environment: Mapping[str, str]) -> ChildSpec:
    return ChildSpec(name, (sys.executable, "-m", *module), environment, CHECKOUT)


def _show(line: str) -> None:
    console.print(line, markup=False, highlight=False)
