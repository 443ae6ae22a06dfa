"""Words for whoever typed the command."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

TAIL_LINES = 25


class Refusal(Exception):
    """Something the reader has to do first; the text says what."""


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def say_in_place(text: str) -> None:
    """Overwrite the line before, on a terminal; elsewhere say nothing: a file needs no progress."""
    if sys.stderr.isatty():
        width = os.get_terminal_size(sys.stderr.fileno()).columns - 1
        sys.stderr.write("\r\x1b[2K" + text[:width])
        sys.stderr.flush()


def clear_line() -> None:
    """Take away what ``say_in_place`` wrote."""
    say_in_place("")


def output_of(
    command: Sequence[str], *, folder: Path, env: Mapping[str, str], purpose: str, keep_open: tuple[int, ...] = ()
) -> Iterator[str]:
    """Run a command and yield its lines as they come.

    Raises:
        Refusal: it failed; the text ends with its last lines.
    """
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=keep_open,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            del lines[:-TAIL_LINES]
            yield line.rstrip()
    if process.returncode != 0:
        clear_line()
        raise Refusal(f"{purpose} failed (exit code {process.returncode}):\n  " + "\n  ".join(lines))
