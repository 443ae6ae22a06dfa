"""The pages of docs/ keep their form, and what they point at exists."""

import re
from pathlib import Path

import pytest

from tests.contract.house.tree import ROOT

ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ADR_LINES_MAX = 60
"""One page."""

_FORM = re.compile(
    r"# (?P<number>\d{4}) .+\n\n## Context\n\n.+\n\n## Decision\n\n> .+\n\n## Consequences\n\n.+\n\nEnforced by: .+\n",
    re.DOTALL,
)
_LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")
_PATH = re.compile(r"`((?:services|tests|infra|docs)/[\w./-]+)`")


@pytest.mark.parametrize("page", ADRS, ids=lambda page: page.stem)
def test_a_decision_fits_the_form_and_names_its_check(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    form = _FORM.fullmatch(text)

    assert form is not None
    assert form["number"] == page.name[:4]
    assert text.count("\n") <= ADR_LINES_MAX
    assert _PATH.search(text.splitlines()[-1]) is not None


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in ADRS] == list(range(1, len(ADRS) + 1))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_points_at_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    links = [page.parent / target for target in _LINK.findall(text)] + [ROOT / path for path in _PATH.findall(text)]

    assert [str(link) for link in links if not link.exists()] == []


@pytest.mark.parametrize(
    "planted", ["# 0001 A\n\nwe decided\n", "# 0001 A\n\n## Context\n\na\n\n## Decision\n\n> b\n\n"]
)
def test_a_page_without_the_form_is_refused(planted: str) -> None:
    assert _FORM.fullmatch(planted) is None
