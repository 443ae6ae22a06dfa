"""The welcome page in a real browser; how to run it stands in `test_graphiql.py`."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched


@pytest.mark.parametrize(
    ("language", "headline", "name", "state"),
    [
        ("en", "Turn the people who came once into regulars.", "Harvest Market", "Loading 42%"),
        ("zh", "让来过的客人，成为回头客。", "丰收超市", "载入中 42%"),
    ],
    ids=["en", "zh"],
)
def test_it_says_where_to_go_and_how_far_the_demo_is(
    watched: Watched, language: str, headline: str, name: str, state: str
) -> None:
    page = watched.open(f"/?lang={language}")

    expect(page.get_by_role("heading", level=1)).to_have_text(headline)
    receipt = page.get_by_role("region").first
    for text in (name, state, "2,469", "8,812", "251,340", "owner@harvest.example", "rk_demo_5f1c9a"):
        expect(receipt).to_contain_text(text)
    addresses = page.get_by_role("navigation").get_by_role("link").evaluate_all("all => all.map(a => a.pathname)")
    assert addresses == ["/graphiql", "/mail", "/health/ready"]


def test_the_language_is_switched_and_remembered(watched: Watched) -> None:
    page = watched.open("/")

    page.get_by_role("button", name="中文").click()
    page.reload()

    expect(page.get_by_role("heading", level=1)).to_have_text("让来过的客人，成为回头客。")
    assert page.locator("html").get_attribute("lang") == "zh-CN"


def test_a_credential_is_copied(watched: Watched) -> None:
    watched.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = watched.open("/")

    page.get_by_role("button", name="Copy API key").click()

    expect(page.get_by_text("Copied").first).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "rk_demo_5f1c9a"
