"""A child process whose output goes to a file, and what of that output somebody at the terminal should see."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM

from services.platform.supervision import processes
from services.platform.supervision.spawning import spawn

KILL_SECONDS = 5.0
LOG_BYTES_MAX = 10_000_000
LOG_TAIL_BYTES = 2_000
READ_BYTES_MAX = 256_000
"""Output beyond this between two looks is in the file only."""
IMPORTANT_LEVELS = frozenset({"warning", "error", "critical"})


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run. ``env`` is the whole environment; the first word of ``command`` is an absolute path."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    grace_seconds: float = 20.0
    """How long it may take to finish its work when it is asked to end."""
    must_live: bool = True
    """False for something done once: its end with 0 is not a crash."""
    failures_max: int = 8
    """With the pauses between them, about half a minute of failing again and again."""


class Child:
    """One process at a time of a specification. Its log is appended to: nothing is lost if we are killed."""

    def __init__(self, spec: ChildSpec, *, logs: Path) -> None:
        self.spec = spec
        self.name = spec.name
        self.log = logs / f"{spec.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._read_to = 0
        self._unfinished_line = b""

    def start(self) -> None:
        """Start it; whatever is left of the one before is ended."""
        self._sweep()
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._read_to = os.fstat(output).st_size
            self._unfinished_line = b""
            self._process = spawn(self.spec.command, env=self.spec.env, folder=self.spec.folder, output=output)
        finally:
            os.close(output)

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self._process is None else self._process.poll()

    def ask_to_end(self) -> None:
        """Begin the stop without waiting, so that several can end at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(SIGTERM)

    def stop(self, *, grace: float | None = None) -> None:
        """Ask it to end, wait ``grace`` seconds (its own if None), then kill it and what it started."""
        self.ask_to_end()
        if self._process is not None:
            try:
                self._process.wait(self.spec.grace_seconds if grace is None else grace)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(KILL_SECONDS)
        self._sweep()

    def new_lines(self) -> Iterator[str]:
        """The complete lines written since the last look."""
        if not self.log.exists():
            return
        with self.log.open("rb") as file:
            file.seek(self._read_to)
            text = file.read(READ_BYTES_MAX)
            self._read_to += len(text)
        *lines, self._unfinished_line = (self._unfinished_line + text).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)

    def log_tail(self) -> str:
        """The end of its log."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - LOG_TAIL_BYTES))
            return file.read().decode(errors="replace").strip()

    def _sweep(self) -> None:
        """End what the process started and left behind in its group."""
        process, self._process = self._process, None
        if process is not None:
            processes.end_group(process.pid, SIGKILL)
            process.wait(KILL_SECONDS)


def important(line: str) -> str | None:
    """What a terminal should show of a log line: warnings and worse, and what is no record (a traceback, say)."""
    if not line.strip():
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict):
        return line
    if str(record.get("level", "info")).lower() not in IMPORTANT_LEVELS:
        return None
    facts = {name: value for name, value in record.items() if name not in {"event", "level", "timestamp", "exception"}}
    words = " ".join(f"{name}={value}" for name, value in facts.items())
    return f"{record['level']}: {record.get('event', '')} {words}".rstrip()
