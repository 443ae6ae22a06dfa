"""A process looks at its servers before it does anything, and says in a sentence what does not fit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from services.cli import self_test
from services.cli.refusals import say
from services.platform.backup import errors as backup_errors
from services.platform.config import settings_from_environment
from services.platform.errors import DomainError
from services.platform.surroundings import errors as surroundings_errors
from tests.support.tenants import DatabaseUrls

FACTS = {
    *("address", "client", "detail", "email", "expected", "file", "found", "known", "maximum", "needed", "role"),
    *("seconds", "server", "setting", "slug", "table"),
}
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def environ(database_urls: DatabaseUrls, valkey_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "REGULARS_HOME": str(tmp_path),
        "REGULARS_DATABASE_URL": database_urls.app,
        "REGULARS_DIRECT_DATABASE_URL": database_urls.owner,
        "REGULARS_BROKER_URL": valkey_url,
        "REGULARS_SMTP_URL": "smtp://127.0.0.1:1",
        "REGULARS_SECRET": "a secret of thirty-two bytes or so",
    }


def _start(environ: dict[str, str], *, needs_broker: bool = True, makes_schemas: bool = True) -> int:
    """The exit code of a process that starts so; 0 where it goes on."""
    settings = settings_from_environment(environ)
    try:
        self_test.fit_or_exit(settings, needs_broker=needs_broker, makes_schemas=makes_schemas)
    except typer.Exit as left:
        return left.exit_code
    return 0


def test_a_process_goes_on_where_its_servers_fit(environ: dict[str, str]) -> None:
    assert _start(environ) == 0


def test_a_process_that_must_not_run_here_ends_with_its_own_code_and_a_remedy(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    environ["REGULARS_DIRECT_DATABASE_URL"] = environ["REGULARS_DATABASE_URL"]

    assert _start(environ, makes_schemas=False) == 0
    assert _start(environ) == 2
    assert "REGULARS_DIRECT_DATABASE_URL" in capsys.readouterr().err


def test_a_gateway_does_not_wait_for_the_broker_and_a_worker_does(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(self_test, "PATIENCE_SECONDS", 0.0)
    environ["REGULARS_BROKER_URL"] = NOWHERE

    assert _start(environ, needs_broker=False) == 0
    assert _start(environ, needs_broker=True) == 1
    assert "The broker at 127.0.0.1:1 can't be reached." in capsys.readouterr().err


def test_by_hand_every_server_is_looked_at(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**environ, "REGULARS_BROKER_URL": NOWHERE}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(typer.Exit) as left:
        self_test.self_test()

    shown = capsys.readouterr()
    assert left.value.exit_code == 1
    assert shown.out.splitlines() == ["Database: fit", "Direct database address: fit"]
    assert shown.err.startswith("Broker: The broker at 127.0.0.1:1")


def test_by_hand_what_must_be_changed_has_a_code_of_its_own(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pooled = {"REGULARS_DIRECT_DATABASE_URL": environ["REGULARS_DATABASE_URL"]}
    for name, value in {**environ, **pooled, "REGULARS_BROKER_URL": NOWHERE}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(typer.Exit) as left:
        self_test.self_test()

    shown = capsys.readouterr()
    assert left.value.exit_code == 2
    assert shown.out.splitlines() == ["Database: fit"]
    assert "Direct database address: " in shown.err
    assert "Broker: The broker at 127.0.0.1:1" in shown.err


def _refusals() -> Iterator[type[DomainError]]:
    for module in (surroundings_errors, backup_errors):
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, DomainError) and found.__module__ == module.__name__:
                yield found


@pytest.mark.parametrize("language", ["en_US.UTF-8", "zh_CN.UTF-8"])
def test_every_refusal_has_a_sentence(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setenv("LC_ALL", language)
    families = {"SURROUNDINGS_UNFIT", "BACKUP_REFUSED"}
    told = {
        refusal.code: say(refusal(**{name: "1" for name in FACTS if name in refusal.__annotations__}))
        for refusal in _refusals()
        if refusal.code not in families
    }

    assert len(told) == 18
    assert [code for code, sentence in told.items() if sentence.startswith(code) or "{" in sentence] == []
