"""``./dev lock``: resolves the requirements anew, with uv in an environment that is thrown away."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from infra.development.packages import REQUIREMENTS, ROOT, environment
from infra.development.terminal import Refusal, output_of, say

PYTHON_MIN = "3.11"
EXTRAS = ("embedded", "demo", "test", "check")
OPTIONS = ("--universal", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", PYTHON_MIN)


def lock(words: list[str]) -> int:
    """Write every lock file; versions stay as they are unless ``words`` holds ``--upgrade``."""
    if set(words) - {"--upgrade"}:
        raise Refusal("./dev lock takes only --upgrade")
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    with tempfile.TemporaryDirectory() as temporary:
        uv = _installed_uv(Path(temporary))
        compile_ = [*uv, "pip", "compile", *OPTIONS, *words, "-o"]
        _write([*compile_, "requirements/dev.txt", *extras, "pyproject.toml"])
        pinned = ["-c", "requirements/dev.txt"]
        _write([*compile_, "requirements/runtime.txt", *pinned, "pyproject.toml"])
        _write([*compile_, "requirements/demo.txt", *pinned, "--no-deps", "requirements/demo.in"])
        for name in ("build", "node", "peers", "uv"):
            _write([*compile_, f"requirements/{name}.txt", f"requirements/{name}.in"])
    addressed = [file.name for file in sorted(REQUIREMENTS.glob("*.txt")) if "://" in file.read_text()]
    if addressed:
        raise Refusal(f"{', '.join(addressed)} would name a place; a lock file holds names, versions and hashes")
    return 0


def _installed_uv(folder: Path) -> list[str]:
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    command = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(REQUIREMENTS / "uv.txt")]
    for _ in output_of(command, folder=ROOT, env=environment(), purpose="Installing uv"):
        pass
    return [python, "-m", "uv"]


def _write(command: list[str]) -> None:
    say(f"Locking {command[command.index('-o') + 1]}")
    result = subprocess.run(command, check=False, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL)
    if result.returncode != 0:
        sys.stderr.flush()
        raise Refusal("The requirements can't be resolved; uv's reason stands above")
