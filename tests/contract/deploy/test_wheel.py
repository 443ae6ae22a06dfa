"""The wheel holds what the product reads at run time; what only a checkout has would be missed on the first server."""

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from services.cli.processes import PAGES
from services.gateway.graphql.trusted import OWN_MANIFEST
from tests.contract.deploy.known import ROOT
from tests.contract.house.tree import sources

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKED: dict[str, list[str]] = PROJECT["tool"]["setuptools"]["package-data"]
SOURCES_OF_PAGES = "services/gateway/console/"
DEVELOPMENT = ("infra/compose/", "infra/development/", "infra/helm/", "infra/observability/", "infra/pgbouncer/")
ELSEWHERE = (
    *DEVELOPMENT,
    "infra/systemd/",
    "infra/valkey/",
    "infra/postgres/regulars.conf",
    "infra/postgres/backup.sh",
)
"""Of infra, what is for people and for other programs."""


@cache
def _packages() -> set[str]:
    included: list[str] = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    folders = {file.parent for top in ("services", "infra") for file in (ROOT / top).rglob("__init__.py")}
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    return {name for name in names if any(fnmatchcase(name, pattern) for pattern in included)}


def _is_packed(path: str) -> bool:
    file = Path(path)
    packages = _packages()
    if file.suffix == ".py" and ".".join(file.parent.parts) in packages:
        return True
    for package, patterns in PACKED.items():
        folder = package.replace(".", "/")
        if path.startswith(f"{folder}/") and package in packages:
            inside = path.removeprefix(f"{folder}/")
            if any(Path(inside).match(pattern) and inside.count("/") == pattern.count("/") for pattern in patterns):
                return True
    return False


def _files() -> list[str]:
    return [source.path for source in sources() if source.path.startswith(("services/", "infra/"))]


def test_every_file_of_the_product_is_in_the_wheel() -> None:
    left_out = [
        path for path in _files() if not path.startswith((SOURCES_OF_PAGES, *ELSEWHERE)) and not _is_packed(path)
    ]

    assert left_out == []


@pytest.mark.parametrize(
    "path",
    ["services/gateway/graphql/sentences/fr.txt", "services/new/room.json", "infra/migrations/other/versions/x.sql"],
)
def test_a_file_that_nobody_packs_is_seen(path: str) -> None:
    assert not _is_packed(path)


def test_the_built_pages_are_in_the_wheel() -> None:
    assert PACKED["services.gateway"] == [f"{PAGES.relative_to(ROOT / 'services' / 'gateway').as_posix()}/**/*"]


def test_the_trusted_documents_are_in_the_wheel() -> None:
    assert _is_packed(OWN_MANIFEST.relative_to(ROOT).as_posix())


def test_the_command_is_the_command_line() -> None:
    assert PROJECT["project"]["scripts"] == {"regulars": "services.cli.__main__:app"}
