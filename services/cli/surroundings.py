"""The servers that a command works with: those that the environment names, those of a running ``run``, or new ones.

``run`` writes down the addresses of its embedded servers in the state folder, so that other commands find them.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from services.platform.config import default_home
from services.platform.embedded.postgres import EmbeddedPostgres
from services.platform.embedded.valkey import EmbeddedValkey
from services.platform.supervision.errors import FolderInUse
from services.platform.supervision.supervisor import Supervisor
from services.platform.tenancy.migrations import migrate_shared, migrate_tenants

ADDRESSES = "addresses.json"
NO_SMTP = "smtp://127.0.0.1:1"


def home() -> Path:
    """The state folder of this environment."""
    return default_home(os.environ, is_root=os.geteuid() == 0)


def environment() -> Mapping[str, str]:
    """The process's environment, with the addresses of a running ``run`` where it names no servers itself."""
    written = home() / ADDRESSES
    if "REGULARS_DATABASE_URL" in os.environ or not written.exists():
        return os.environ
    return {**json.loads(written.read_text()), **os.environ}


def start_servers(supervisor: Supervisor) -> dict[str, str]:
    """Start the servers that the environment does not name; the whole environment of our processes."""
    found: dict[str, str] = {
        "REGULARS_HOME": str(supervisor.home),
        "REGULARS_ENVIRONMENT": "development",
        "REGULARS_SECRET": _secret(supervisor.home),
    }
    if "REGULARS_DATABASE_URL" not in os.environ:
        postgres = EmbeddedPostgres(supervisor.home)
        supervisor.start_server(postgres)
        found["REGULARS_DATABASE_URL"] = postgres.app_url
        found["REGULARS_DIRECT_DATABASE_URL"] = postgres.owner_url
        found["REGULARS_DATABASE_PREPARED"] = "yes"  # no pooler stands between
    else:
        found["REGULARS_DIRECT_DATABASE_URL"] = os.environ["REGULARS_DATABASE_URL"]
    if "REGULARS_BROKER_URL" not in os.environ:
        valkey = EmbeddedValkey(supervisor.home)
        supervisor.start_server(valkey)
        found["REGULARS_BROKER_URL"] = valkey.url
    return supervisor.environment({**found, **_given()})


def write_addresses(supervisor: Supervisor, values: Mapping[str, str]) -> None:
    """Let other commands find our servers."""
    target = supervisor.home / ADDRESSES
    named = {name: value for name, value in values.items() if name.startswith("REGULARS_")}
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(named, file)


def forget_addresses(supervisor: Supervisor) -> None:
    """Our servers are going."""
    (supervisor.home / ADDRESSES).unlink(missing_ok=True)


@contextmanager
def reachable_servers() -> Iterator[Mapping[str, str]]:
    """An environment whose servers run: a running ``run``'s, the environment's own, or new ones for the while."""
    if "REGULARS_DATABASE_URL" in os.environ:
        yield os.environ
        return
    with ExitStack() as stack:
        try:
            supervisor = stack.enter_context(Supervisor(home()))
        except FolderInUse:
            found = environment()
        else:
            # Nobody sends e-mail from here: what is queued goes out when `run` has a sink to send it to.
            found = {"REGULARS_SMTP_URL": NO_SMTP, **start_servers(supervisor)}
            migrate_shared(found["REGULARS_DIRECT_DATABASE_URL"])
            migrate_tenants(found["REGULARS_DIRECT_DATABASE_URL"], progress=lambda *_: None)
        yield found


def _given() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("REGULARS_")}


def _secret(folder: Path) -> str:
    """The secret of this installation, made at its first start."""
    file = folder / "secret"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(secrets.token_urlsafe(48))
    return file.read_text()
