"""The script that a stranger meets first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMMANDS = (
    "run",
    "demo",
    "tenants",
    "ledger",
    "outbox",
    "self-test",
    "test",
    "check",
    "audit",
    "faults",
    "bench",
    "lock",
)


def dev(*words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    return subprocess.run(
        [str(ROOT / "dev"), *words], check=False, capture_output=True, text=True, env=kept | settings, timeout=60
    )


def unfit_python(folder: Path, *, complaint: str) -> Path:
    folder.mkdir()
    script = folder / "python3"
    script.write_text(f"#!/bin/sh\necho '{complaint}' >&2\nexit 1\n")
    script.chmod(0o755)
    return script


def test_help_names_every_command() -> None:
    answer = dev("--help")

    assert answer.returncode == 0
    assert [line.split()[1] for line in answer.stderr.splitlines() if line.startswith("  ./dev")] == list(COMMANDS)


@pytest.mark.parametrize("command", ["test", "check", "lock"])
def test_a_command_explains_itself(command: str) -> None:
    answer = dev(command, "--help")

    assert answer.returncode == 0
    assert answer.stderr.startswith(f"./dev {command}")


def test_an_unknown_command_is_refused() -> None:
    answer = dev("walk")

    assert answer.returncode == 2
    assert answer.stderr.startswith("./dev has no command 'walk'.")


@pytest.mark.parametrize("complaint", ["is cpython 3.10.13", "lacks the module ensurepip"])
def test_an_unfit_python_is_refused_with_what_to_do(tmp_path: Path, complaint: str) -> None:
    python = unfit_python(tmp_path / "with a blank", complaint=complaint)

    answer = dev("run", PYTHON=str(python))

    assert answer.returncode == 1
    assert f"{python}: {complaint}" in answer.stderr
    assert "apt install python3 python3-venv" in answer.stderr


def test_the_next_python_is_tried(tmp_path: Path) -> None:
    folder = unfit_python(tmp_path / "bin", complaint="is cpython 3.9.2").parent
    newer = folder / "python3.14"
    newer.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    newer.chmod(0o755)

    answer = dev("--help", PATH=f"{folder}:{os.environ['PATH']}")

    assert answer.returncode == 0
