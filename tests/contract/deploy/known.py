"""What the product knows: its commands, and the variables that it reads."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer

from services.cli.__main__ import app

ROOT = Path(__file__).parents[3]
INFRA = ROOT / "infra"
VARIABLE = re.compile(r"\bREGULARS_[A-Z_]+\b")
PASSWORDS = frozenset({"REGULARS_APP_PASSWORD", "REGULARS_OWNER_PASSWORD"})
"""Read by what stands around the product: the roles' passwords."""
REQUIRED = frozenset(
    {
        "REGULARS_SECRET",
        "REGULARS_DATABASE_URL",
        "REGULARS_DIRECT_DATABASE_URL",
        "REGULARS_BROKER_URL",
        "REGULARS_SMTP_URL",
    }
)
"""Without these a process ends, or nobody can sign up."""


@cache
def variables() -> frozenset[str]:
    """Every variable that some module of the product names."""
    sources = (file.read_text() for file in (ROOT / "services").rglob("*.py"))
    return frozenset(name for source in sources for name in VARIABLE.findall(source))


def unknown_variables(texts: Iterable[str]) -> set[str]:
    """Variables in ``texts`` that nothing reads."""
    return {name for text in texts for name in VARIABLE.findall(text)} - variables() - PASSWORDS


def refused(arguments: list[str]) -> str | None:
    """Why the command line would not take these words; None if it would."""
    group: Any = typer.main.get_command(app)
    name, *rest = arguments
    try:
        group.commands[name].make_context(name, rest)
    except Exception as error:  # noqa: BLE001  whatever the parser says
        return f"{type(error).__name__}: {error}"
    return None


def settings_of(text: str) -> Iterator[tuple[str, str]]:
    """Names and values of a file of ``NAME=value`` lines."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name, value
