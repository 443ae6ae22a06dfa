"""The product as it runs: every part a process of its own that can be killed with SIGKILL and started again."""

import os
import secrets
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from signal import SIGKILL

from services.doubles.mailbox.smtp import start_smtp
from services.doubles.mailbox.store import MailStore
from services.platform.clock import monotonic
from services.platform.supervision import processes
from services.platform.supervision.children import Child, ChildSpec
from services.platform.tenancy.migrations import migrate_shared
from tests.faults.servers import KILL_SECONDS, MortalPostgres, MortalValkey
from tests.faults.wire import free_port
from tests.support.mailbox import Mailbox, serving

ROOT = Path(__file__).parents[2]
READY_SECONDS_MAX = 180.0
POLL_SECONDS = 0.02


class NotReady(Exception):
    """A process did not come up; the text is the end of its log."""


@dataclass(slots=True)
class Stack:
    """PostgreSQL, Valkey and a mail sink run; the other processes are started as experiments need them."""

    home: Path
    postgres: MortalPostgres
    valkey: MortalValkey
    mailbox: Mailbox
    gateway_port: int
    _environment: Mapping[str, str]
    _children: dict[str, Child]

    def require(self, name: str, *, fault: str | None = None, environment: Mapping[str, str] | None = None) -> None:
        """See to it that a process runs, with a fault of ``tests.faults.planted`` or without.

        ``environment`` adds to what the stack sets. The worker takes up what waits when it is there; the gateway is
        waited for.
        """
        arguments = ("--port", str(self.gateway_port)) if name == "gateway" else ()
        url = self.postgres.tcp_url() if name == "gateway" else self.postgres.app_url
        module = ("services.cli",) if fault is None else ("tests.faults.planted", fault, "--")
        command = (sys.executable, "-m", *module, name, *arguments)
        surroundings = {**self._environment, "REGULARS_DATABASE_URL": url, **(environment or {})}
        spec = ChildSpec(name, command, surroundings, ROOT)
        running = self._children.get(name)
        if running is not None and running.spec == spec and running.exit_code() is None:
            return
        if running is not None:
            running.stop(grace=0)
        child = Child(spec, logs=self.home / "logs")
        self._children[name] = child
        child.start()
        if name == "gateway":
            self._wait_for_gateway()

    def kill(self, name: str) -> None:
        """SIGKILL; returns when the process is dead."""
        pid = self._children[name].pid
        assert pid is not None, f"{name} does not run"
        processes.end((pid,), steps=((SIGKILL, KILL_SECONDS),))

    def restart(self, name: str) -> None:
        """Start a killed process again as it was."""
        self._children[name].start()
        if name == "gateway":
            self._wait_for_gateway()

    def stop(self, name: str) -> None:
        """End a process, if it runs, for somebody who wants it gone; between experiments nothing is under way."""
        child = self._children.pop(name, None)
        if child is not None:
            child.stop(grace=0)

    @property
    def secret(self) -> str:
        """What the product signs with."""
        return self._environment["REGULARS_SECRET"]

    def pid(self, name: str) -> int | None:
        """The number of a process; None if it does not run."""
        return self._children[name].pid

    def ended(self) -> list[str]:
        """Processes that nobody killed and that run no more."""
        return [name for name, child in self._children.items() if child.exit_code() is not None]

    def log_of(self, name: str) -> Path:
        """The log of a process."""
        return self.home / "logs" / f"{name}.log"

    def _wait_for_gateway(self) -> None:
        deadline = monotonic() + READY_SECONDS_MAX
        while not self._gateway_answers():
            child = self._children["gateway"]
            if child.exit_code() is not None or monotonic() > deadline:
                raise NotReady(child.log_tail())
            time.sleep(POLL_SECONDS)

    def _gateway_answers(self) -> bool:
        url = f"http://127.0.0.1:{self.gateway_port}/health/ready"
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == HTTPStatus.OK)
        return False


@contextmanager
def running_stack(*, folder: Path | None = None) -> Iterator[Stack]:
    """A stack with a migrated, empty database. Without ``folder`` its state is thrown away at the end."""
    with ExitStack() as stack:
        home = folder or _temporary_home(stack)
        postgres = stack.enter_context(MortalPostgres(home))
        valkey = stack.enter_context(MortalValkey(home))
        migrate_shared(postgres.owner_url)
        store = MailStore(home / "mailbox")
        stack.callback(store.close)
        smtp_port = stack.enter_context(serving(lambda: start_smtp(store, host="127.0.0.1", port=0)))
        mailbox = Mailbox(store, smtp_port)
        gateway_port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")},
            "REGULARS_HOME": str(home),
            "REGULARS_ENVIRONMENT": "development",
            "REGULARS_SECRET": secrets.token_urlsafe(48),
            "REGULARS_DIRECT_DATABASE_URL": postgres.owner_url,
            "REGULARS_BROKER_URL": valkey.url,
            "REGULARS_SMTP_URL": mailbox.smtp_url,
            "REGULARS_BASE_URL": f"http://127.0.0.1:{gateway_port}",
        }
        children: dict[str, Child] = {}
        stack.callback(_end_all, children)
        yield Stack(home, postgres, valkey, mailbox, gateway_port, environment, children)


def _end_all(children: Mapping[str, Child]) -> None:
    for child in children.values():
        child.stop(grace=0)


def _temporary_home(stack: ExitStack) -> Path:
    home = Path(tempfile.mkdtemp(prefix="regulars-faults-"))
    stack.callback(shutil.rmtree, home, ignore_errors=True)
    home.chmod(0o711)  # as root, PostgreSQL's account walks through it
    (home / "home" / "logs").mkdir(parents=True)
    return home / "home"
