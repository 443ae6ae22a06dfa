"""S15: our code does nothing that it must not, bandit finds nothing that nobody explains, and both can fail."""

from pathlib import Path

import pytest

from tests.contract.house import bandit_findings, safety
from tests.contract.house.bandit_findings import Finding
from tests.contract.house.safety import ALLOWED, RULES, complaints
from tests.contract.house.tidy import Source
from tests.contract.house.tree import sources

SERVICE = "services/loyalty/purchases/service.py"

PLANTED = (
    (safety.code_is_not_made_of_text, "eval(text)"),
    (safety.code_is_not_made_of_text, "exec(compile_it(text))"),
    (safety.nothing_is_revived, "import pickle"),
    (safety.nothing_is_revived, "from marshal import loads"),
    (safety.nothing_is_revived, "yaml.load(text)"),
    (safety.no_shell_is_asked, "subprocess.run(line, shell=True)"),
    (safety.no_shell_is_asked, "subprocess.run(line, shell=is_needed)"),
    (safety.no_shell_is_asked, "os.system(line)"),
    (safety.times_have_zones, "datetime.now()"),
    (safety.times_have_zones, "datetime.datetime.utcnow()"),
    (safety.chance_guards_nothing, "import random"),
    (safety.chance_guards_nothing, "from random import choice"),
    (safety.hashes_are_strong, "hashlib.md5(secret)"),
    (safety.certificates_are_checked, "client.get(url, verify=False)"),
    (safety.certificates_are_checked, "ssl._create_unverified_context()"),
    (safety.money_is_exact, "float(amount)"),
)
INNOCENT = (
    (safety.code_is_not_made_of_text, "re.compile(text)"),
    (safety.nothing_is_revived, "yaml.safe_load(text)"),
    (safety.no_shell_is_asked, "subprocess.run([program], shell=False)"),
    (safety.times_have_zones, "datetime.now(UTC)"),
    (safety.certificates_are_checked, "client.get(url, verify=True)"),
)


def _python() -> list[Source]:
    return [source for source in sources() if source.path.endswith(".py") and source.within("services/", "infra/")]


def test_our_code_does_nothing_that_it_must_not() -> None:
    assert [complaint for source in _python() for complaint in complaints(source)] == []


@pytest.mark.parametrize(("rule", "text"), PLANTED)
def test_a_planted_danger_is_found(rule: safety.Rule, text: str) -> None:
    source = Source(SERVICE, text)

    assert len(list(rule(source))) == 1
    assert len(complaints(source)) == 1


@pytest.mark.parametrize(("rule", "text"), INNOCENT)
def test_the_innocent_is_left_alone(rule: safety.Rule, text: str) -> None:
    assert list(rule(Source(SERVICE, text))) == []


def test_every_rule_has_a_planted_danger_and_every_exception_a_place() -> None:
    by_path = {source.path: source for source in _python()}
    rules = {rule.__name__: rule for rule in RULES}

    assert {rule for rule, _ in PLANTED} == set(RULES)
    assert [(name, path) for name, path in ALLOWED if not list(rules[name](by_path[path]))] == []


def test_bandit_sees_what_is_planted_and_an_explanation_of_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "bad.py").write_text(
        "import hashlib, subprocess\nhashlib.md5(b'')\nsubprocess.run(input(), shell=True)\n"
    )

    found = bandit_findings.findings(["code"], root=tmp_path)

    assert {(finding.test, finding.line) for finding in found} == {("B324", 2), ("B602", 3)}
    assert len(bandit_findings.complaints(found, {})) == 2
    assert bandit_findings.complaints(found[:1], {("B324", "code/bad.py"): (1, "why")}) == []
    assert bandit_findings.complaints([], {("B324", "code/bad.py"): (1, "why")}) == [
        "code/bad.py: B324 is explained and not found"
    ]
    twice = [Finding("B324", "code/bad.py", line, "weak") for line in (2, 9)]
    assert len(bandit_findings.complaints(twice, {("B324", "code/bad.py"): (1, "why")})) == 2
