"""``run`` as an operator uses it: it answers, commands find its servers, a second is refused, Ctrl-C ends it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from services.platform.clock import monotonic
from services.platform.supervision.ports import free_port
from services.platform.supervision.processes import marked
from tests.support.graphql_client import fresh_key

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS_MAX = 120
SIGN_UP = """
mutation ($input: SignUpInput!) {
  signUp(input: $input) { ... on SignUpPayload { tenant { slug } session { token } } ... on Error { code } }
}"""


class Run:
    """A running ``run`` in a state folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port(18_000)
        self._log = (home.parent / "run.log").open("w+")
        self._process = subprocess.Popen(
            self._words("run", "--no-demo", "--port", str(self.port)),
            cwd=ROOT,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    def printed(self) -> str:
        return Path(self._log.name).read_text()

    def wait_until_ready(self) -> None:
        deadline, pause = monotonic() + START_SECONDS_MAX, threading.Event()
        while "Ctrl-C" not in self.printed():
            assert self._process.poll() is None, self.printed()
            assert monotonic() < deadline, self.printed()
            pause.wait(0.1)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command on the same state folder."""
        return subprocess.run(
            self._words(*words),
            cwd=ROOT,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(START_SECONDS_MAX)

    def close(self) -> None:
        if self._process.poll() is None:
            self.interrupt()
        self._log.close()

    def _words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "services.cli", *words]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
        return {**kept, "REGULARS_HOME": str(self.home), "COLUMNS": "200", "LC_ALL": "C.UTF-8"}


@pytest.fixture
def run() -> Iterator[Run]:
    # A folder of its own, which as root PostgreSQL's account may walk through; pytest's are closed to it.
    folder = Path(tempfile.mkdtemp(prefix="regulars run "))
    folder.chmod(0o711)
    started = Run(folder / "home")
    try:
        started.wait_until_ready()
        yield started
    finally:
        started.close()
        shutil.rmtree(folder)


def test_an_operators_day(run: Run) -> None:
    """One start for all, since it is what takes the time."""
    _the_product_answers(run)
    _other_commands_find_its_servers(run)
    _a_suspended_tenant_is_refused_until_it_is_resumed(run)
    _an_unknown_tenant_is_said_to_be_unknown(run)
    _a_second_run_on_the_same_folder_is_refused(run)
    _ctrl_c_ends_everything(run)


def _the_product_answers(run: Run) -> None:
    given = {
        "email": "ann@example.test",
        "password": "correct horse",
        "name": "Ann",
        "merchantName": "Ann's Tea",
        "slug": "anns-tea",
        "locale": "en",
        "idempotencyKey": fresh_key(),
    }

    answer = httpx.post(f"{run.address}/graphql", json={"query": SIGN_UP, "variables": {"input": given}}, timeout=60)

    assert answer.json()["data"]["signUp"]["tenant"] == {"slug": "anns-tea"}
    assert httpx.get(f"{run.address}/health/ready").json()["status"] == "ready"


def _other_commands_find_its_servers(run: Run) -> None:
    listed, verified, depth = (
        run.command(*words) for words in (("tenants", "list"), ("ledger", "verify"), ("outbox", "depth"))
    )

    assert (listed.returncode, verified.returncode, depth.returncode) == (0, 0, 0)
    assert re.search(r"anns-tea .* live .* active", listed.stdout)
    assert "anns-tea: 0 entries, 0 faults" in verified.stdout
    assert "undispatched" in depth.stdout


def _a_suspended_tenant_is_refused_until_it_is_resumed(run: Run) -> None:
    def status() -> int:
        answer = httpx.post(
            f"{run.address}/graphql", json={"query": "{ viewer { __typename } }"}, headers={"X-Tenant": "anns-tea"}
        )
        return answer.status_code

    assert run.command("tenants", "suspend", "anns-tea").returncode == 0
    _wait_for(lambda: status() == 403)
    assert run.command("tenants", "suspend", "anns-tea", "--resume").returncode == 0
    _wait_for(lambda: status() == 200)


def _an_unknown_tenant_is_said_to_be_unknown(run: Run) -> None:
    refused = run.command("tenants", "suspend", "nobody")

    assert refused.returncode == 1
    assert "There is no tenant 'nobody'" in refused.stderr


def _a_second_run_on_the_same_folder_is_refused(run: Run) -> None:
    refused = run.command("run", "--no-demo")

    assert refused.returncode == 1
    assert "already runs" in refused.stderr
    assert run.address in refused.stderr.replace("\n", "")


def _ctrl_c_ends_everything(run: Run) -> None:
    assert run.interrupt() == 0
    assert "Stopping" in run.printed()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{run.address}/health/live")
    assert marked(f"REGULARS_HOME={run.home}") == ()


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline, pause = monotonic() + 30, threading.Event()
    while not condition():
        assert monotonic() < deadline
        pause.wait(0.2)
