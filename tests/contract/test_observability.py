"""The dashboard and the alert rules speak of metrics that exist, and no metric speaks of a tenant."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.gateway.app import REPORT_SEATS, VERB_SEATS
from services.platform.telemetry.metrics import REGISTRY

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "infra" / "observability"
RUNBOOKS = ROOT / "docs" / "runbooks"
GUIDE = ROOT / "docs" / "guides" / "observability.md"

FUNCTIONS = frozenset({"absent", "histogram_quantile", "increase", "max", "rate", "sum", "time", "topk"})
WORDS = frozenset({"by", "on", "ignoring", "and", "or"})
PROMETHEUS_ADDS = frozenset({"up"})
LABELS_ADDED = frozenset({"instance", "job", "process"})
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}

_TEXT = re.compile(r'"[^"]*"')
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_SELECTOR = re.compile(r"\{([^}]*)\}")
_GROUPING = re.compile(r"\b(?:by|on|ignoring)\s*\(([^)]*)\)")
_DURATION = re.compile(r"\[\d+[smhd]\]")


def _known() -> dict[str, set[str]]:
    """Every series of our processes by name, with its labels."""
    known: dict[str, set[str]] = {name: set() for name in PROMETHEUS_ADDS}
    for collector in REGISTRY._collector_to_names:  # noqa: SLF001  there is no other list of what is registered
        labels = set(getattr(collector, "_labelnames", ()))
        for family in getattr(collector, "describe", collector.collect)():
            bucket = {"le"} if family.type == "histogram" else set()
            known |= {family.name + suffix: labels | bucket for suffix in SUFFIXES.get(family.type, ("",))}
    for family in REGISTRY.collect():
        if family.name.startswith(("process_", "python_")):
            known |= {sample.name: set(sample.labels) for sample in family.samples}
    return known


def _alerts() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = [
        rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
    ]
    return rules


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return panels


def _expressions() -> list[str]:
    return [target["expr"] for panel in _panels() for target in panel["targets"]] + [rule["expr"] for rule in _alerts()]


def complaints(expression: str, known: dict[str, set[str]]) -> Iterator[str]:
    """What an expression names that is not there. It knows as much of PromQL as our expressions need."""
    if any(expression.count(left) != expression.count(right) for left, right in ("()", "{}", "[]")):
        yield "brackets do not close"
    used = {
        label
        for group in [*_SELECTOR.findall(_TEXT.sub("", expression)), *_GROUPING.findall(expression)]
        for label in _NAME.findall(group)
    }
    rest = _DURATION.sub(" ", _GROUPING.sub(" ", _SELECTOR.sub(" ", _TEXT.sub("", expression))))
    names = set(_NAME.findall(rest)) - FUNCTIONS - WORDS
    yield from (f"no metric {name}" for name in sorted(names - set(known)))
    if not names:
        yield "names no metric"
    there = LABELS_ADDED.union(*(known.get(name, set()) for name in names))
    yield from (f"no label {label}" for label in sorted(used - there))


@pytest.mark.parametrize("expression", _expressions())
def test_an_expression_names_what_exists(expression: str) -> None:
    assert list(complaints(expression, _known())) == []


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("sum(rate(regulars_operations_total[5m]))", "no metric regulars_operations_total"),
        ('max(regulars_outbox_depth{tenant="a"})', "no label tenant"),
        ("sum by (tenant) (regulars_websockets)", "no label tenant"),
        ("max(regulars_outbox_depth", "brackets do not close"),
        ("sum(rate(regulars_task_seconds[5m]))", "no metric regulars_task_seconds"),
        ("time() > 5", "names no metric"),
    ],
)
def test_a_wrong_expression_is_found(expression: str, complaint: str) -> None:
    assert complaint in list(complaints(expression, _known()))


def test_tills_that_wait_are_told_of_although_connections_are_kept_for_others() -> None:
    (expression,) = (rule["expr"] for rule in _alerts() if rule["alert"] == "PoolExhausted")

    # Those for log-ins and reports may be idle meanwhile, so that not all connections are in use.
    assert VERB_SEATS + REPORT_SEATS > 0
    assert "regulars_database_connections" not in expression
    assert 'kind=~"work|verbs"' in expression


def test_no_label_names_a_tenant() -> None:
    labels = {label for series in _known().values() for label in series}

    assert labels <= {
        *("operation", "outcome", "code", "limit", "state", "kind", "task", "consumer", "channel", "le"),
        *("generation", "version", "implementation", "major", "minor", "patchlevel"),
    }


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    expected = {}
    for rule in _alerts():
        file = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", rule["alert"]).lower() + ".md"
        expected[file] = rule["alert"]
        assert rule["annotations"]["runbook"] == f"docs/runbooks/{file}"
        assert rule["labels"]["severity"] in {"page", "ticket"}

    assert {file: (RUNBOOKS / file).read_text().splitlines()[0] for file in expected} == {
        file: f"# {alert}" for file, alert in expected.items()
    }
    listed = set(re.findall(r"\(\.\./runbooks/([\w-]+\.md)\)", GUIDE.read_text()))
    assert listed == set(expected)


def test_the_panels_lie_side_by_side() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in _panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["id"] for panel in _panels()}) == len(_panels())


def test_the_guide_names_every_metric_of_ours() -> None:
    families = {family.name for family in REGISTRY.collect() if family.name.startswith("regulars_")}
    told = GUIDE.read_text()

    assert [name for name in sorted(families) if name not in told] == []


def test_the_sample_configuration_reads_the_rules() -> None:
    sample = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())

    assert sample["rule_files"] == ["alerts.yaml"]
    assert [job["job_name"] for job in sample["scrape_configs"]] == ["regulars"]
