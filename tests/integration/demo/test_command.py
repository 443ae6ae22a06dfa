import json
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from dramatiq.brokers.stub import StubBroker

from services.cli.composition import Opened
from services.cli.demo import DemoRun, LandingPage
from services.demo.chain import Chain
from services.demo.dataset import DatasetFiles
from services.demo.words import WORDS
from services.gateway.pages import Example
from services.platform.config import Settings, settings_from_environment
from services.platform.db.engine import Database
from tests.support.tenants import DatabaseUrls


@pytest.fixture
def settings(database_urls: DatabaseUrls, home: Path) -> Settings:
    return settings_from_environment(
        {
            "REGULARS_ENVIRONMENT": "development",
            "REGULARS_HOME": str(home),
            "REGULARS_DATABASE_URL": database_urls.app,
            "REGULARS_DIRECT_DATABASE_URL": database_urls.owner,
            "REGULARS_BROKER_URL": "redis://localhost:1",
            "REGULARS_SMTP_URL": "smtp://localhost:1",
            "REGULARS_SECRET": "a secret of thirty-two bytes or so",
        }
    )


RunDemo = Callable[..., bool]


@pytest.fixture
def run_demo(database: Database, settings: Settings, files: DatasetFiles) -> RunDemo:
    def run(*, language: str = "en", is_stopped: bool = False) -> bool:
        words = WORDS["zh" if language == "zh" else "en"]
        with closing(StubBroker()) as broker:
            servers = Opened(settings, database, broker)
            return DemoRun(servers, words, lambda: is_stopped).load(files, until=None, is_whole_year=False)

    return run


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ("Purchases recorded: 4. Households enrolled: 3. Rewards redeemed: 1.", "$156.64", "The books agree.")),
        ("zh", ("记录消费 4 笔，家庭入会 3 户，兑换奖励 1 份", "$156.64", "账目相符。")),
    ],
)
def test_the_command_says_what_it_did_and_where_to_go(
    run_demo: RunDemo, home: Path, capsys: pytest.CaptureFixture[str], language: str, sentences: tuple[str, ...]
) -> None:
    agrees = run_demo(language=language)

    shown = capsys.readouterr().out
    kept = json.loads((home / "demo.json").read_text())
    assert agrees
    assert [sentence for sentence in sentences if sentence not in re.sub(r"\s*\n", " ", shown)] == []
    assert [kept[name] for name in ("email", "password", "api_key") if kept[name] not in shown] == []
    assert [name for name in ("recordPurchase", "ledger(first: 5)", "redeemReward") if name not in shown] == []
    assert not (home / "demo-progress.json").exists()


def test_a_run_that_is_stopped_says_how_to_go_on(run_demo: RunDemo, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left:
        run_demo(is_stopped=True)

    assert left.value.exit_code == 130
    assert "The same command goes on from here." in capsys.readouterr().err
    assert run_demo()


def test_the_landing_page_shows_the_demo_in_development(
    run_demo: RunDemo, database: Database, settings: Settings, home: Path
) -> None:
    page = LandingPage(settings, database)
    before = page.demo(), page.examples()
    run_demo()

    demo = page.demo()
    production = LandingPage(replace(settings, environment="production"), database)

    assert before == (None, [])
    assert (production.demo(), production.examples()) == (None, [])
    assert demo is not None
    assert (demo["state"], demo["members"], demo["purchases"], demo["points"]) == ("ready", 3, 4, 147)
    kept = json.loads((home / "demo.json").read_text())
    assert [credential["value"] for credential in demo["credentials"]] == [
        "owner@journey.test",
        kept["password"],
        kept["api_key"],
        "journey",
    ]


def test_examples_name_what_is_really_there(run_demo: RunDemo, database: Database, settings: Settings) -> None:
    run_demo()

    page = LandingPage(settings, database)

    buy, look, redeem = page.examples()

    assert look["variables"] == {"card": "50"}
    assert _input(buy)["member"] == _input(redeem)["member"] == {"card": "50"}
    assert _input(redeem)["expectedPoints"] == 100
    assert _input(buy)["idempotencyKey"] != _input(page.examples()[0])["idempotencyKey"]


def _input(example: Example) -> dict[str, Any]:
    given = example["variables"]["input"]
    assert isinstance(given, dict)
    return given


def test_a_chain_is_loaded_once(run_demo: RunDemo, opened: Callable[[], Chain]) -> None:
    run_demo()
    chain = opened()

    assert run_demo()
    assert opened() == replace(chain, tenant=opened().tenant)
