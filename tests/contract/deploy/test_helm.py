"""The chart, as far as it can be read without Helm: actions close, values exist, and what is left is YAML."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.gateway import health
from tests.contract.deploy.known import INFRA, REQUIRED, refused, unknown_variables

CHART = INFRA / "helm" / "regulars"
TEMPLATES = sorted((CHART / "templates").iterdir())
RESOURCES = [template for template in TEMPLATES if template.suffix == ".yaml"]
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())

ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
OPENS = ("if ", "range ", "with ", "define ")
KINDS = {
    "gateway.yaml": ["Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"],
    "ingress.yaml": ["Ingress"],
    "migrate-again.yaml": ["Job"],
    "migrate.yaml": ["Job"],
    "scheduler.yaml": ["Deployment"],
    "secrets.yaml": ["Secret"],
    "settings.yaml": ["ConfigMap"],
    "worker.yaml": ["Deployment"],
}


def _actions(text: str) -> list[str]:
    return ACTION.findall(text)


def _has_value(path: str) -> bool:
    found: Any = VALUES
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            return False
        found = found[name]
    return True


def _documents(template: Path) -> list[dict[str, Any]]:
    """The template with every block in it and a word for every value."""
    text = re.sub(r"(?m)^\s*\{\{-?[^{}]*\}\}\s*$\n?", "", template.read_text())
    return [document for document in yaml.safe_load_all(ACTION.sub("x", text)) if document]


def _missing_values(text: str) -> list[str]:
    paths = [path for action in _actions(text) for path in re.findall(r"\.Values\.([\w.]+)", action)]
    return [path for path in paths if not _has_value(path)]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_what_is_opened_is_closed(template: Path) -> None:
    text = template.read_text()
    depth = 0
    for action in _actions(text):
        depth += action.startswith(OPENS)
        depth -= action == "end"
        assert depth >= 0

    assert depth == 0
    assert text.count("{{") == len(_actions(text))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_every_value_exists(template: Path) -> None:
    assert _missing_values(template.read_text()) == []


def test_a_value_that_does_not_exist_is_seen() -> None:
    assert _missing_values("{{ .Values.gateway.replica }} {{ .Values.worker.replicas }}") == ["gateway.replica"]


def test_every_part_that_is_included_is_defined() -> None:
    texts = [template.read_text() for template in TEMPLATES]
    included = {name for text in texts for name in re.findall(r'include "([\w.]+)"', text)}
    defined = {name for text in texts for name in re.findall(r'define "([\w.]+)"', text)}

    assert included == defined


@pytest.mark.parametrize("template", RESOURCES, ids=lambda template: template.name)
def test_what_is_left_is_yaml_of_the_right_kind(template: Path) -> None:
    documents = _documents(template)

    assert [document["kind"] for document in documents] == KINDS[template.name]
    assert [document for document in documents if not {"apiVersion", "metadata"} <= set(document)] == []


@pytest.mark.parametrize("name", ["gateway", "worker", "scheduler", "migrate", "migrate-again"])
def test_containers_run_commands_that_exist(name: str) -> None:
    (container,) = _documents(CHART / "templates" / f"{name}.yaml")[0]["spec"]["template"]["spec"]["containers"]

    assert container["args"][0] == name.removesuffix("-again")
    assert refused(container["args"]) is None


def test_probes_ask_where_the_gateway_answers() -> None:
    (container,) = _documents(CHART / "templates" / "gateway.yaml")[0]["spec"]["template"]["spec"]["containers"]
    asked = {name: probe["httpGet"]["path"] for name, probe in container.items() if name.endswith("Probe")}
    source = Path(health.__file__).read_text()

    assert asked == {
        "startupProbe": "/health/live",
        "readinessProbe": "/health/ready",
        "livenessProbe": "/health/live",
    }
    assert [path for path in asked.values() if f'Route("{path}"' not in source] == []


def test_the_migration_comes_before_the_processes_and_after_its_settings() -> None:
    (migration,) = _documents(CHART / "templates" / "migrate.yaml")
    hooks = migration["metadata"]["annotations"]
    weights = {
        name: int(_documents(CHART / "templates" / name)[0]["metadata"]["annotations"]["helm.sh/hook-weight"])
        for name in ("settings.yaml", "secrets.yaml", "migrate.yaml")
    }

    assert hooks["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert weights["settings.yaml"] == weights["secrets.yaml"] < weights["migrate.yaml"]


def test_every_variable_is_known_and_the_needed_ones_are_asked_for() -> None:
    texts = [template.read_text() for template in TEMPLATES]

    assert unknown_variables([*texts, (CHART / "values.yaml").read_text()]) == set()
    assert set(VALUES["secrets"]) >= REQUIRED
