"""Finding and ending processes that an earlier run left behind.

A pid in a file proves nothing: it may be dead, a zombie, or somebody else's by now. So processes are known by what they
are and where they work, or by a mark in their environment.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.platform.clock import monotonic

POLL_SECONDS = 0.05
LISTING_SECONDS_MAX = 10
_ON_LINUX = sys.platform == "linux"


def running_in(folder: Path, *, program: str) -> tuple[int, ...]:
    """Pids of live processes of ``program`` that work in ``folder``. Zombies and strangers do not count."""
    if not _ON_LINUX:
        return tuple(pid for pid, command in _listing("-axww") if program in command and str(folder) in command)
    place = folder.resolve()
    return tuple(pid for pid in _all_pids() if _link(pid, "cwd") == place and _link(pid, "exe").name == program)


def marked(mark: str) -> tuple[int, ...]:
    """Pids of live processes with ``mark`` (``NAME=value``) in their environment, but for us and our parents."""
    if _ON_LINUX:
        found = [pid for pid in _all_pids() if mark.encode() in _environment(pid)]
    else:
        found = [pid for pid, command in _listing("-axEww") if mark in command.split()]
    return tuple(set(found) - set(_family()))


def is_live(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    if _ON_LINUX:
        return _state(pid) not in {"", "Z", "X"}
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end(pids: Iterable[int], *, steps: tuple[tuple[signal.Signals, float], ...]) -> None:
    """Send each signal to what is still there and wait for its seconds; the last one ought to be SIGKILL."""
    left = [pid for pid in pids if is_live(pid)]
    for number, seconds in steps:
        for pid in left:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                continue
        deadline = monotonic() + seconds
        while left and monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            left = [pid for pid in left if is_live(pid)]
        if not left:
            return


def end_group(leader: int, number: signal.Signals) -> None:
    """Signal what is left of the process group that ``leader`` led; nothing where it is empty."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        return


def _all_pids() -> Iterator[int]:
    return (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdecimal())


def _link(pid: int, name: str) -> Path:
    try:
        # A program that was replaced on disk since it started is shown as deleted.
        return Path(os.readlink(f"/proc/{pid}/{name}").removesuffix(" (deleted)"))  # noqa: PTH115  the text is wanted
    except OSError:
        return Path()


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _status_fields(pid: int) -> list[str]:
    """State, parent and so on: what follows the name, which may itself hold blanks and brackets."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _state(pid: int) -> str:
    return next(iter(_status_fields(pid)), "")


def _family() -> Iterator[int]:
    pid = os.getpid()
    while pid > 1:
        yield pid
        fields = _status_fields(pid) if _ON_LINUX else []
        pid = int(fields[1]) if fields else (os.getppid() if pid == os.getpid() else 0)


def _listing(options: str) -> list[tuple[int, str]]:
    command = ["/bin/ps", options, "-o", "pid=,command="]
    listing = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LISTING_SECONDS_MAX)
    lines = (line.split(None, 1) for line in listing.stdout.splitlines())
    return [(int(words[0]), words[1]) for words in lines if len(words) > 1]
