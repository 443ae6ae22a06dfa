"""Keeps the processes of one machine alive, and ends all of them whatever happens."""

import hashlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Protocol, Self

from services.platform.clock import monotonic
from services.platform.supervision import processes
from services.platform.supervision.children import Child, ChildSpec, important
from services.platform.supervision.errors import FolderNotOurs, ProcessKeptFailing
from services.platform.supervision.locks import FolderLock

POLL_SECONDS = 0.1
BACKOFF_SECONDS_MIN, BACKOFF_SECONDS_MAX = 0.5, 10.0
HEALTHY_SECONDS = 60.0
"""After this long a process counts as recovered, and its next crash as its first."""
SERVER_FAILURES_MAX = 8
ORPHAN_SECONDS = 10.0
KILL_SECONDS = 5.0
MARK_NAME = "REGULARS_SUPERVISED"


class StopRequested(BaseException):
    """SIGINT, SIGTERM or SIGHUP came. Like KeyboardInterrupt, it must not be caught by the way."""


class Server(Protocol):
    """What is kept alive beside children: an embedded server."""

    name: str

    def start(self) -> None: ...
    def exit_code(self) -> int | None: ...
    def stop(self, *, grace: float = ...) -> None: ...


@dataclass(slots=True)
class _Kept:
    """One thing kept alive, and how it fared."""

    member: Server | Child
    failures: int = 0
    started_at: float = 0.0
    restart_at: float | None = None


class Supervisor:
    """Use it in ``with`` in the main thread, where signals arrive. It claims ``home``; leaving it ends everything.

    Things are ended in the opposite order of their start: the last one first. ``show`` gets one line at a time.
    """

    def __init__(self, home: Path, *, show: Callable[[str], None] = print) -> None:
        self.home = home.absolute()
        self.logs = self.home / "logs"
        self._show = show
        self._lock = FolderLock(self.home, name="run.lock")
        self._kept: list[_Kept] = []
        self._handlers: dict[int, object] = {}
        self._is_stopping = False
        self._is_impatient = False

    def __enter__(self) -> Self:
        """Claim the folder and end what an earlier run left of its children.

        Raises:
            FolderInUse: another supervisor runs on it; its address is in the error.
            FolderNotOurs: the folder can't be written.
        """
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise FolderNotOurs(folder=str(self.home), reason=error.strerror or "unknown") from error
        self._lock.acquire()
        self._end_leftovers()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup asked to go on
                self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Our environment and ``extra``, with the mark by which a later run knows children of this one."""
        return {**os.environ, **extra, MARK_NAME: self._mark}

    def announce(self, address: str) -> None:
        """Write down where we answer, for a second run that is refused."""
        self._lock.announce(address)

    def start_server(self, server: Server) -> None:
        """Start an embedded server and keep it alive. Raises what its ``start`` raises."""
        kept = _Kept(server)
        self._kept.append(kept)
        server.start()
        kept.started_at = monotonic()

    def start_child(self, spec: ChildSpec) -> Child:
        """Start a process and keep it alive; ``spec.env`` comes from ``environment``."""
        child = Child(spec, logs=self.logs)
        kept = _Kept(child)
        self._kept.append(kept)
        child.start()
        kept.started_at = monotonic()
        return child

    def look_after(self) -> None:
        """One round: pass on what children said, restart what ended. Call it while waiting for anything.

        Raises:
            ProcessKeptFailing: something ended too often.
        """
        for kept in tuple(self._kept):
            self._pass_on(kept)
            if kept.restart_at is not None:
                if monotonic() >= kept.restart_at:
                    self._restart(kept)
            elif (code := kept.member.exit_code()) is not None:
                self._note_end(kept, code)

    def run_until(self, is_done: Callable[[], bool]) -> None:
        """Look after everything until ``is_done`` says so. Raises what ``look_after`` raises."""
        while not is_done():
            self.look_after()
            time.sleep(POLL_SECONDS)

    def run(self) -> None:
        """Look after everything until a signal asks us to stop, which returns. Raises what ``look_after`` raises."""
        try:
            self.run_until(lambda: False)
        except StopRequested:
            return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """End everything. A signal that came outside of ``run`` is answered by this, and goes no further."""
        self._is_stopping = True
        while self._kept:
            kept = self._kept[-1]
            self._stop(kept)
            self._kept.pop()
        self._end_leftovers()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave us
        self._lock.release()
        return kind is StopRequested

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_stopping:
            self._is_impatient = True
            for kept in self._kept:
                if isinstance(kept.member, Child) and kept.member.pid is not None:
                    processes.end_group(kept.member.pid, signal.SIGKILL)
            return
        self._is_stopping = True
        raise StopRequested

    def _stop(self, kept: _Kept) -> None:
        if isinstance(kept.member, Child):
            kept.member.stop(grace=0 if self._is_impatient else None)
            self._pass_on(kept)
        else:
            kept.member.stop()

    def _note_end(self, kept: _Kept, code: int) -> None:
        name = kept.member.name
        if isinstance(kept.member, Child) and not kept.member.spec.must_live and code == 0:
            kept.member.stop()
            self._kept.remove(kept)
            return
        if monotonic() - kept.started_at > HEALTHY_SECONDS:
            kept.failures = 0
        kept.failures += 1
        failures_max = kept.member.spec.failures_max if isinstance(kept.member, Child) else SERVER_FAILURES_MAX
        if kept.failures >= failures_max:
            tail = kept.member.log_tail() if isinstance(kept.member, Child) else ""
            raise ProcessKeptFailing(process=name, exit_code=code, log=str(self.logs / f"{name}.log"), log_tail=tail)
        pause = min(BACKOFF_SECONDS_MIN * 2 ** (kept.failures - 1), BACKOFF_SECONDS_MAX)
        kept.restart_at = monotonic() + pause
        self._tell(f"{name} ended ({_reason(code)}); starting it again in {pause:g} s")

    def _restart(self, kept: _Kept) -> None:
        kept.restart_at = None
        kept.started_at = monotonic()
        kept.member.start()

    def _pass_on(self, kept: _Kept) -> None:
        if isinstance(kept.member, Child):
            for line in kept.member.new_lines():
                shown = important(line)
                if shown is not None:
                    self._tell(f"{kept.member.name} | {shown}")

    def _tell(self, line: str) -> None:
        """Show a line; a terminal that was closed must not keep us from ending everything."""
        with suppress(OSError):
            self._show(line)

    @property
    def _mark(self) -> str:
        return hashlib.sha256(os.fsencode(self.home.resolve())).hexdigest()[:32]

    def _end_leftovers(self) -> None:
        """Children of children, and children of a run that was killed where the kernel did not end them."""
        left = processes.marked(f"{MARK_NAME}={self._mark}")
        processes.end(left, steps=((signal.SIGTERM, ORPHAN_SECONDS), (signal.SIGKILL, KILL_SECONDS)))


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
