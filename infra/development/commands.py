"""The commands of ``./dev``."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from infra.development import front_end
from infra.development.locking import lock
from infra.development.packages import PYTHON, ROOT, environment, prepare
from infra.development.peers import environment_with_peers
from infra.development.terminal import Refusal, say

TEST_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Command:
    """``run`` gets the words after the command's name and returns the exit code."""

    run: Callable[[list[str]], int]
    summary: str
    details: str
    arguments: str = ""
    has_own_help: bool = False


def _become(*words: str, env: dict[str, str] | None = None) -> int:
    """Turn into a program of the virtual environment, so that signals reach it and nothing stands between."""
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), *words], env or environment())  # noqa: S606  no shell is wanted


def _serve(command: str) -> Callable[[list[str]], int]:
    def run(words: list[str]) -> int:
        _prepare_with_pages()
        return _become("-m", "services.cli", command, *words)

    return run


def _operate(command: str) -> Callable[[list[str]], int]:
    """A command of the product's own command line, on the servers of a running ``./dev run`` or of the environment."""

    def run(words: list[str]) -> int:
        prepare()
        return _become("-m", "services.cli", command, *words)

    return run


def _test(words: list[str]) -> int:
    _prepare_with_pages()
    return _become("-m", "pytest", "-n", str(TEST_WORKERS), *words)


def _module(name: str) -> Callable[[list[str]], int]:
    def run(words: list[str]) -> int:
        prepare()
        return _become("-m", name, *words)

    return run


def _audit(words: list[str]) -> int:
    prepare()
    return _become("-m", "tests.audit", *words, env=front_end.environment_for_audit())


def _bench(words: list[str]) -> int:
    prepare()
    env = environment_with_peers() if "--peers" in words else environment()
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), "-m", "tests.load", *words], env)  # noqa: S606  no shell is wanted


def _prepare_with_pages() -> None:
    """The product answers without its pages, so that a failed build is said but stops nothing."""
    prepare()
    try:
        front_end.build()
    except Refusal as refusal:
        say(f"{refusal}\nGoing on without the pages; GraphQL answers all the same.")


def _check(words: list[str]) -> int:
    """Every step runs, also after one that failed: the reader wants the whole list."""
    if words:
        raise Refusal("./dev check takes no arguments; ./dev test takes those of pytest")
    prepare()
    python = str(PYTHON)
    imports = "from importlinter.cli import lint_imports_command as check; check()"
    steps: tuple[tuple[str, list[str]], ...] = (
        ("format", [python, "-m", "ruff", "format", "--check", "--quiet", "."]),
        ("lint", [python, "-m", "ruff", "check", "--quiet", "."]),
        ("types", [python, "-m", "mypy"]),
        ("walls", [python, "-c", imports, "--no-cache"]),
        ("security", [python, "-m", "tests.contract.house.bandit_findings"]),
        ("promises", [python, "-m", "pytest", "-q", "-n", str(TEST_WORKERS), "tests/contract"]),
    )
    failed = [name for name, command in steps if not _step(name, command, environment())]
    try:
        if not _step("protocol", [python, "-m", "tests.audit", "http"], front_end.environment_for_audit()):
            failed.append("protocol")
        front_end.build()
        front_end.check()
    except Refusal as refusal:
        say(str(refusal))
        failed.append("what needs Node.js")
    say(f"check: failed in {', '.join(failed)}" if failed else "check: all passed")
    return 1 if failed else 0


def _step(name: str, command: list[str], env: dict[str, str]) -> bool:
    started = time.perf_counter()
    result = subprocess.run(
        command, check=False, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    verdict = "passed" if result.returncode == 0 else "FAILED"
    say(f"{name:<9} {verdict} ({time.perf_counter() - started:.0f} s)")
    if result.returncode != 0:
        say(result.stdout.rstrip())
    return result.returncode == 0


_STATE = (
    "State is kept in one folder: REGULARS_HOME, or ~/.local/state/regulars (as root /var/lib/regulars). Ctrl-C ends\n"
    "everything; nothing is lost. Ports that are taken are left alone: the next free one is used and printed."
)

COMMANDS: dict[str, Command] = {
    "run": Command(
        _serve("run"),
        "Start the product on this machine",
        "Starts PostgreSQL, Valkey, the gateway, the worker, the scheduler and a mailbox that keeps every e-mail.\n\n"
        f"{_STATE}",
        "[OPTION]…",
        has_own_help=True,
    ),
    "demo": Command(
        _serve("demo"),
        "Load the demo chain",
        "Replays purchases of a real chain through the services.",
        "[OPTION]…",
        has_own_help=True,
    ),
    **{
        name: Command(_operate(name), summary, summary, arguments, has_own_help=True)
        for name, summary, arguments in (
            ("tenants", "Create, list, limit, migrate or suspend tenants", "COMMAND"),
            ("ledger", "Verify the ledger: sums, lots and hashes", "COMMAND"),
            ("outbox", "Show what letters wait; give parked ones another chance", "COMMAND"),
            ("self-test", "Look at database, pooler, broker, clock and schema as every process does at its start", ""),
        )
    },
    "test": Command(
        _test,
        "Run the tests",
        "Starts a PostgreSQL and a Valkey of its own in a temporary folder and takes them away at the end.\n"
        "Arguments go to pytest: ./dev test tests/unit -k ledger\n\n"
        "REGULARS_TEST_DATABASE_URL (a superuser's) and REGULARS_TEST_VALKEY_URL put real servers in their place.",
        "[PYTEST ARGUMENT]…",
    ),
    "check": Command(
        _check,
        "Check format, lint, types, walls and promises",
        "What has to pass before a change is handed in, beside the tests. Says at the end what failed.",
    ),
    "audit": Command(
        _audit,
        "Hold a running gateway to public suites of the protocol",
        "GraphQL over HTTP, generated operations, known weaknesses; ./dev check runs the first of them.",
        "[OPTION]… [SUITE]…",
        has_own_help=True,
    ),
    "faults": Command(
        _module("tests.faults"),
        "Kill processes under load and count what was lost",
        "The long fault campaign; ./dev test holds a short one.",
        "[OPTION]…",
        has_own_help=True,
    ),
    "bench": Command(
        _bench,
        "Measure under load",
        "Bounded loops on this machine; figures depend on it, ratios less so.",
        "[OPTION]…",
        has_own_help=True,
    ),
    "lock": Command(
        lock,
        "Resolve the requirements anew",
        "Writes requirements/*.txt from pyproject.toml and requirements/*.in: names, versions and hashes.\n"
        "Versions stay as they are while they fit; --upgrade takes the newest.",
        "[--upgrade]",
    ),
}
