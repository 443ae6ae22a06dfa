"""``gateway --processes``: several processes behind one port, none of which is the one that must live."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from services.platform.clock import monotonic
from services.platform.supervision.ports import free_port
from tests.support.tenants import DatabaseUrls

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS_MAX = 180
Gateway = tuple[subprocess.Popen[bytes], str]


@pytest.fixture
def gateway(
    database_urls: DatabaseUrls, valkey_url: str, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Two processes that share a port, and the address."""
    port = free_port(18_400)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")},
        "REGULARS_HOME": str(tmp_path),
        "REGULARS_DATABASE_URL": database_urls.app,
        "REGULARS_DIRECT_DATABASE_URL": database_urls.owner,
        "REGULARS_BROKER_URL": valkey_url,
        "REGULARS_SMTP_URL": "smtp://127.0.0.1:1",
        "REGULARS_SECRET": "a secret of thirty-two bytes or so",
    }
    with (tmp_path / "gateway.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "gateway", "--port", str(port), "--processes", "2"],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    yield process, f"http://127.0.0.1:{port}"
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _started(log: Path) -> int:
    return log.read_text().count("Application startup complete")


def _until_started(log: Path, number: int) -> None:
    deadline, pause = monotonic() + START_SECONDS_MAX, threading.Event()
    while _started(log) < number:
        assert monotonic() < deadline, log.read_text()
        pause.wait(0.1)


def _servers(log: Path) -> list[int]:
    """The numbers of the processes that were started, in the order in which they were."""
    words = (line.partition("Started server process [")[2] for line in log.read_text().splitlines())
    return [int(word.partition("]")[0]) for word in words if word]


def test_one_that_dies_is_replaced_while_the_other_answers(gateway: Gateway, tmp_path: Path) -> None:
    process, address = gateway
    log = tmp_path / "gateway.log"
    _until_started(log, 2)
    assert httpx.get(f"{address}/health/ready").json()["status"] == "ready"

    os.kill(_servers(log)[0], signal.SIGKILL)
    answered = 0
    while _started(log) < 3:
        # A connection that waits for the one that died is cut; the next one finds the other.
        with suppress(httpx.TransportError):
            answered += httpx.get(f"{address}/health/live", timeout=START_SECONDS_MAX).status_code == 200
    _until_started(log, 3)

    assert answered > 0
    assert httpx.get(f"{address}/health/ready").json()["status"] == "ready"
    process.terminate()
    assert process.wait(START_SECONDS_MAX) == 0
