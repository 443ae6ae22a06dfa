"""Every variable that the product reads is explained where people look for it."""

import re

from tests.contract.deploy.known import ROOT, VARIABLE, variables

GUIDE = (ROOT / "docs" / "guides" / "configuration.md").read_text()
OUR_OWN = frozenset({"REGULARS_MAIL_PAGE_URL", "REGULARS_SUPERVISED"})
"""Set by `./dev run` for its own processes."""


def test_every_variable_is_explained() -> None:
    explained = {name for row in re.findall(r"(?m)^\| `.*$", GUIDE) for name in VARIABLE.findall(row.split("|")[1])}

    assert variables() - explained - OUR_OWN == set()
    assert explained - variables() == set()
