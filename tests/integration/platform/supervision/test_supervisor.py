"""What a supervisor starts is kept alive while it lives and is gone when it is gone, however that happens."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from services.platform.clock import monotonic
from services.platform.supervision import processes
from services.platform.supervision.errors import FolderInUse
from services.platform.supervision.ports import free_port
from services.platform.supervision.spawning import spawn
from services.platform.supervision.supervisor import MARK_NAME, Supervisor

ROOT = Path(__file__).parents[4]
SECONDS_MAX = 30.0


@dataclass
class Running:
    """A supervisor in a process of its own."""

    process: subprocess.Popen[str]
    home: Path
    children: list[int]

    @property
    def output(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def everything(self) -> tuple[int, ...]:
        """Pids of all that it started, directly or not."""
        mark = Supervisor(self.home).environment({})[MARK_NAME]
        return processes.marked(f"{MARK_NAME}={mark}")

    def line_with(self, words: str) -> str:
        return next(line for line in self.output if words in line)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    home = tmp_path / "a state folder"
    started = start(home)
    wait_until(lambda: len(started.everything()) == 4)
    yield started
    started.process.kill()
    started.process.communicate()


def start(home: Path, *words: str) -> Running:
    command = [sys.executable, "-m", "tests.integration.platform.supervision.supervised", str(home), *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = json.loads(next(line for line in process.stdout if line.startswith("{")))
    return Running(process, home, said["children"])


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = monotonic() + SECONDS_MAX
    while not is_so() and monotonic() < deadline:
        time.sleep(0.05)
    assert is_so()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_in_order(running: Running, number: signal.Signals) -> None:
    running.process.send_signal(number)
    said = running.output.read().splitlines()

    assert running.process.wait(SECONDS_MAX) == 0
    assert [line for line in said if "goodbye" in line or line == "ended"] == [
        "second | warning: goodbye",
        "first | warning: goodbye",
        "ended",
    ]
    assert running.everything() == ()


def test_a_crashed_child_is_started_again(running: Running) -> None:
    killed = running.children[0]

    os.kill(killed, signal.SIGKILL)

    assert "first ended (signal SIGKILL); starting it again in 0.5 s" in running.line_with("ended")
    wait_until(lambda: len(running.everything()) >= 4)
    assert killed not in running.everything()
    assert running.process.poll() is None


def test_quiet_lines_are_in_the_log_only(running: Running) -> None:
    running.process.send_signal(signal.SIGTERM)

    assert "quiet" not in running.output.read()
    assert "quiet" in (running.home / "logs" / "first.log").read_text()


def test_a_killed_supervisor_leaves_nothing_to_the_next(running: Running) -> None:
    running.process.kill()
    running.process.wait()
    wait_until(lambda: not any(processes.is_live(pid) for pid in running.children))

    following = start(running.home)

    wait_until(lambda: len(following.everything()) == 4)
    assert set(running.children).isdisjoint(following.everything())
    following.process.send_signal(signal.SIGTERM)
    following.process.communicate()
    assert following.everything() == ()


def test_a_second_supervisor_is_told_where_the_first_one_answers(running: Running) -> None:
    with pytest.raises(FolderInUse) as refusal, Supervisor(running.home):
        pytest.fail("two supervisors work on one folder")

    assert (refusal.value.pid, refusal.value.address) == (running.process.pid, "http://127.0.0.1:8000")
    assert running.process.poll() is None


def test_a_child_that_never_works_ends_the_run(tmp_path: Path) -> None:
    running = start(tmp_path / "state", "crash")

    said = running.output.read().splitlines()
    running.process.communicate()

    assert running.process.returncode == 1
    assert "broken ended (exit code 1); starting it again in 0.5 s" in said
    assert "broken gave up: no database" in said
    assert running.everything() == ()


def test_a_process_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def ask() -> None:
        output = os.open(os.devnull, os.O_WRONLY)
        started.append(spawn(["/bin/sleep", "600"], env=dict(os.environ), folder=tmp_path, output=output))
        os.close(output)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    time.sleep(0.3)  # the kernel would have ended it at once

    assert started[0].poll() is None
    started[0].kill()
    started[0].wait()


def test_a_taken_port_is_left_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        found = free_port(port)

        assert found != port
        assert port < found <= port + 50
