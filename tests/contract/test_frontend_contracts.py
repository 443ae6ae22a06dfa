"""What front ends build on is what the code says."""

from pathlib import Path

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse, validate

from services.gateway.graphql.cost import operation_cost
from services.gateway.graphql.frontend_contracts import EVENTS, FOLDER, contract_files
from services.gateway.graphql.limits import check_document

GENERATED = contract_files()
OPERATIONS = sorted((FOLDER / "operations").glob("*.graphql"))


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((FOLDER / "schema.graphql").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted(GENERATED), ids=lambda path: path.name)
def test_generated_files_are_up_to_date(path: Path) -> None:
    committed = path.read_text(encoding="utf-8")

    assert committed == GENERATED[path], "run: python -m services.gateway.graphql.frontend_contracts"


def test_no_event_is_left_behind() -> None:
    assert set(EVENTS.iterdir()) == {path for path in GENERATED if path.parent == EVENTS}


def test_there_are_a_dozen_operations_and_more() -> None:
    assert len(OPERATIONS) >= 12


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: path.stem)
def test_example_operations_fit_the_schema_and_the_limits(schema: GraphQLSchema, path: Path) -> None:
    document = parse(path.read_text(encoding="utf-8"))

    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None
    assert operation.name.value == path.stem
    assert validate(schema, document) == []
    assert check_document(document) is False
    assert operation_cost(schema, document, operation, {"first": 20}) < 1_000
