"""The tree is tidy, and every rule of the house can fail."""

import pytest

from tests.contract.house import tidy
from tests.contract.house.tidy import Source, complaints
from tests.contract.house.tree import sources

PURCHASES = "services/loyalty/purchases/service.py"

# (rule, path, text that breaks it): each must draw a complaint from that rule.
PLANTED = (
    (tidy.rooms_have_names, "services/loyalty/utils/dates.py", ""),
    (tidy.rooms_have_names, "services/billing/helpers.py", ""),
    (tidy.files_are_short, PURCHASES, "\n" * (tidy.FILE_LINES_MAX + 1)),
    (tidy.functions_fit_a_screen, PURCHASES, "def record():\n" + "    step()\n" * tidy.FUNCTION_LINES_MAX),
    (tidy.signatures_are_explicit, PURCHASES, "def record(uow, **facts): ..."),
    (tidy.signatures_are_explicit, PURCHASES, "class Recorder:\n    def record(self, *lines): ..."),
    (tidy.only_the_unit_of_work_commits, PURCHASES, "uow.session.commit()"),
    (tidy.only_the_unit_of_work_commits, PURCHASES, "connection.rollback()"),
    (tidy.only_the_unit_of_work_commits, PURCHASES, "uow.session.flush()"),
    (tidy.only_the_router_sets_the_path, PURCHASES, 'run("SET LOCAL search_path TO t_1")'),
    (tidy.only_the_router_sets_the_path, PURCHASES, "run(\"SELECT set_config('search_path', %s, true)\")"),
    (tidy.sql_holds_no_values, PURCHASES, "run(f\"SELECT id FROM members WHERE name = '{name}'\")"),
    (tidy.sql_holds_no_values, PURCHASES, 'run("DELETE FROM members WHERE id = %s" % member)'),
    (tidy.sql_holds_no_values, PURCHASES, 'run("SELECT id FROM " + table)'),
    (tidy.sql_holds_no_values, PURCHASES, 'run("UPDATE {} SET x = 1".format(table))'),
    (tidy.numbers_are_exact, PURCHASES, "rate = 0.1"),
    (tidy.numbers_are_exact, PURCHASES, "def total(amount: float): ..."),
    (tidy.words_are_ours, PURCHASES, "def customer_by_id(): ..."),
    (tidy.words_are_ours, PURCHASES, "class WalletOpened: ..."),
    (tidy.words_are_ours, PURCHASES, "def record(shop): ..."),
    (tidy.words_are_ours, "services/loyalty/ledger/models.py", 'class Row:\n    __tablename__ = "wallets"'),
    (tidy.contracts_import_nothing, "services/contracts/routing.py", "from services.platform import clock"),
    (tidy.contracts_import_nothing, "services/contracts/routing.py", "import pydantic"),
    (tidy.tenants_run_no_code, "services/notifications/templates/service.py", "from jinja2 import Template"),
    (tidy.exceptions_say_why, PURCHASES, "x = 1  # no" + "qa"),
    (tidy.exceptions_say_why, PURCHASES, "x = 1  # no" + "qa: E501"),
    (tidy.exceptions_say_why, PURCHASES, "x = 1  # type: " + "ignore"),
    (tidy.tests_always_run, "tests/unit/test_x.py", "@pytest.mark.skip\ndef test_x(): ..."),
    (tidy.tests_always_run, "tests/unit/test_x.py", "def test_x():\n    pytest.skip('later')"),
    (tidy.nothing_is_left_unfinished, "docs/x.md", "TO" + "DO: write this"),
    (tidy.nothing_is_left_unfinished, PURCHASES, "x = 1  # FIX" + "ME"),
    (tidy.no_host_is_named, "docs/x.md", "download it from https://" + tidy.FORBIDDEN_HOSTS[0]),
    (tidy.no_host_is_named, "docs/x.md", "download it from https://mirror.example.inter" + "nal/x"),
    (tidy.locks_name_no_place, "requirements/dev.txt", "--index-url https://example.org/simple"),
    (tidy.locks_name_no_place, "services/gateway/console/package-lock.json", '"resolved": "https://example.org/x"'),
)

# What a rule must leave alone, beside what it refuses.
INNOCENT = (
    (
        tidy.signatures_are_explicit,
        PURCHASES,
        "def logged(work):\n    def inner(*args, **kwargs): ...",
    ),
    (tidy.signatures_are_explicit, "services/loyalty/expiry/tasks.py", "def expire(*, tenant, **_newer): ..."),
    (tidy.only_the_unit_of_work_commits, PURCHASES, "sys.stdout.flush()"),
    (tidy.only_the_unit_of_work_commits, PURCHASES, "session.flush()  # the trigger must see the row"),
    (tidy.sql_holds_no_values, PURCHASES, 'BY_ID = f"SELECT {COLUMNS} FROM members WHERE id = %s"'),
    (tidy.sql_holds_no_values, PURCHASES, 'raise ValueError(f"select a store, not {name}")'),
    (tidy.words_are_ours, PURCHASES, "ONLINE_SHOP = 1"),
    (tidy.sql_holds_no_values, "services/doubles/mailbox/store.py", 'run(f"SELECT id FROM mail WHERE {condition}")'),
    (tidy.words_are_ours, PURCHASES, "def points_of(members): return members.order_by(1)"),
    (tidy.exceptions_say_why, PURCHASES, "x = 1  # no" + "qa: E501  the formula is read as one line"),
)


def test_the_tree_is_tidy() -> None:
    assert [complaint for source in sources() for complaint in complaints(source)] == []


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED)
def test_a_planted_violation_is_found(rule: tidy.Rule, path: str, text: str) -> None:
    source = Source(path, text)

    found = list(rule(source))

    assert len(found) == 1
    assert f"{path}:{found[0][0]}: {found[0][1]}" in complaints(source)


@pytest.mark.parametrize(("rule", "path", "text"), INNOCENT)
def test_the_innocent_is_left_alone(rule: tidy.Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text))) == []


def test_every_rule_has_a_planted_violation() -> None:
    rules = {*tidy.SERVICE_RULES, *tidy.TEST_RULES, *tidy.FILE_RULES, *tidy.MIGRATION_RULES}

    assert {rule for rule, _, _ in PLANTED} == rules


def test_the_project_is_seen() -> None:
    paths = {source.path for source in sources()}

    assert {
        "pyproject.toml",
        "services/platform/money.py",
        "tests/contract/house/tidy.py",
        "requirements/dev.txt",
    } <= paths
