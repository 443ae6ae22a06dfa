"""What PostgreSQL and Valkey have in common: one owner, no orphan, a start that waits for a real answer."""

import os
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from signal import SIGKILL, Signals
from types import TracebackType
from typing import Self

from services.platform.clock import monotonic
from services.platform.embedded.errors import ServerFailed, ServerKeptAlive
from services.platform.embedded.places import (
    Place,
    log_tail,
    make_socket_folder,
    open_log,
    prepare_place,
    remove_socket_folder,
)
from services.platform.supervision import processes
from services.platform.supervision.spawning import spawn

RETRY_SECONDS = 10.0
"""A start may fail while the kernel still holds what a killed server had (shared memory, a pid nobody reaped)."""
START_SECONDS_MAX = 300.0
"""Recovery after a crash may take long; a server that lives and is recovering is waited for."""
ORPHAN_SECONDS = 30.0
KILL_SECONDS = 5.0
POLL_SECONDS = 0.03
RETRY_PAUSE_SECONDS = 0.5
ENVIRONMENT_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZDIR")


class EmbeddedServer(ABC):
    """A server under our care in ``home``; ``start`` also after a crash, ``stop`` always, or use it in ``with``."""

    name: str
    """The server's name, and of its folder in the state folder."""
    program: str
    """The file that the kernel runs."""
    stop_signal: Signals
    """Asks for a quick and clean end."""

    def __init__(self, home: Path) -> None:
        self._home = home.absolute()
        self._place: Place | None = None
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> Place:
        assert self._place is not None, "the server has not been started"
        return self._place

    @property
    def sockets(self) -> Path:
        """The folder of its sockets; the same through restarts, new in the next run."""
        assert self._sockets is not None, "the server has not been started"
        return self._sockets

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers; what an earlier run left behind is ended first.

        Raises:
            FolderInUse: another process runs this server on this folder.
            ServerFailed: it did not come up. Also whatever ``places.prepare_place`` refuses.
        """
        if self._place is None or not self._place.lock.is_held:
            self._place = prepare_place(self._home, self.name)
            self._place.lock.acquire()
        try:
            self._end_orphans()
            self._prepare()
            if self._sockets is None:
                self._sockets = make_socket_folder(self._place)
            self._start_with_retries(self._sockets)
            self._after_start()
        except BaseException:
            self.stop()
            raise

    def exit_code(self) -> int | None:
        """None while the server runs."""
        return None if self._process is None else self._process.poll()

    def stop(self, *, grace: float = ORPHAN_SECONDS) -> None:
        """End the server, kindly for ``grace`` seconds; safe to call again. The folder is free afterwards."""
        self._end_process(grace)
        if self._place is not None and self._place.lock.is_held:
            self._end_orphans()
            remove_socket_folder(self._place)
            self._place.lock.release()
        self._sockets = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def _command(self) -> list[str]:
        """The command line; called once the folders are there."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder what the server expects. Nobody uses it now."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server does real work for a client."""

    def _after_start(self) -> None:  # noqa: B027  most servers need nothing
        """What is to be done on the running server at each start."""

    def _end_process(self, grace: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(self.stop_signal)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            processes.end_group(process.pid, SIGKILL)
            process.wait(KILL_SECONDS)

    def _end_orphans(self) -> None:
        """End servers that work on our data though nobody owns them: we hold the lock."""
        self._end_process(0)
        left = self._live_on_data()
        processes.end(left, steps=((self.stop_signal, ORPHAN_SECONDS), (SIGKILL, KILL_SECONDS)))
        for pid in self._live_on_data():
            raise ServerKeptAlive(server=self.name, pid=pid)

    def _live_on_data(self) -> tuple[int, ...]:
        return processes.running_in(self.place.data, program=self.program)

    def _start_with_retries(self, sockets: Path) -> None:
        give_up = monotonic() + RETRY_SECONDS
        for stale in sockets.iterdir():
            stale.unlink()  # a killed server's, and nobody lives on the data
        while not self._start_once():
            if monotonic() > give_up:
                raise self._failure()
            time.sleep(RETRY_PAUSE_SECONDS)
            self._end_orphans()

    def _start_once(self) -> bool:
        """Whether the server came up; False if it ended instead."""
        log = open_log(self.place)
        try:
            self._process = spawn(
                self._command(),
                env={name: os.environ[name] for name in ENVIRONMENT_KEPT if name in os.environ},
                folder=Path("/"),
                output=log,
                account=self.place.account,
                death_signal=self.stop_signal,
            )
        finally:
            os.close(log)
        deadline = monotonic() + START_SECONDS_MAX
        while monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            if self._answers():
                return True
            time.sleep(POLL_SECONDS)
        raise self._failure()

    def _failure(self) -> ServerFailed:
        return ServerFailed(server=self.name, log=str(self.place.log), log_tail=log_tail(self.place.log))
