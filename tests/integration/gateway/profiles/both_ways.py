"""Both ways to read members, held against each other."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphql import OperationDefinitionNode, parse

from services.gateway.graphql.executor.plan import PlannedOperation
from services.gateway.graphql.executor.selecting import Selecting
from services.gateway.graphql.members import profile_field
from services.gateway.graphql.schema import build_schema
from services.loyalty import programs
from services.loyalty.profiles.queries import profiles
from services.platform.db.selected_json import NotPickable
from tests.support.graphql_client import GraphQLClient

TEMPLATES = Path(programs.__file__).parent / "templates"


@dataclass(frozen=True)
class Crowd:
    """A merchant with members to whom all sorts of things have happened."""

    owner: GraphQLClient
    cashier: GraphQLClient
    members: list[str]
    own: GraphQLClient
    schema: str
    is_lifetime: bool


class Answered(list[bool]):
    """Whether the database had an answer, read by read."""

    is_asked = True
    """Whether it is asked at all; otherwise everything goes the ordinary way."""
    then: Callable[[], object] = staticmethod(lambda: None)
    """What happens right after an answer."""


ANSWERED = Answered()


def noted(*words: Any, **named: Any) -> Any:
    if not ANSWERED.is_asked:
        raise NotPickable("anything")
    ANSWERED.append(False)
    answer = profiles(*words, **named)
    ANSWERED[-1] = answer is not None
    ANSWERED.then()
    return answer


def publish(owner: GraphQLClient, program: dict[str, Any]) -> None:
    """Put a document in the place of the template that was published."""
    saved = owner.do("SaveProgramDraft", document=program, revision=1)
    assert saved["__typename"] == "SaveProgramDraftPayload", saved
    published = owner.do("PublishProgram", revision=2)
    assert published["__typename"] == "PublishProgramPayload", published


SCHEMA = build_schema()


def shortcuts(document: str, **variables: Any) -> list[str]:
    """The fields of the root, of the one operation of a document, that the database answers."""
    tree = parse(document)
    (operation,) = (node for node in tree.definitions if isinstance(node, OperationDefinitionNode))
    values = PlannedOperation(SCHEMA, tree, operation).variables(variables)
    assert not isinstance(values, list)
    selecting = Selecting(SCHEMA, tree, operation, values)
    root_type = SCHEMA._schema.get_root_type(operation.operation)  # noqa: SLF001  as the executor does
    assert root_type is not None
    return [key for key, nodes in selecting.root(root_type).items() if profile_field.profile_field(selecting, nodes)]


def compare(client: GraphQLClient, document: str, variables: dict[str, Any] | None = None) -> Any:
    """The answer of both ways, which must be one."""
    client = client.as_(client.token, X_Correlation_Id="one")
    fast = client.execute(document, variables)
    ANSWERED.is_asked = False
    try:
        ordinary = client.execute(document, variables)
    finally:
        ANSWERED.is_asked = True

    assert fast.status == ordinary.status
    assert "data" in fast.content
    # As text: the order of keys is part of the answer.
    assert json.dumps(fast.content["data"]) == json.dumps(ordinary.content["data"])
    assert fast.content.get("errors") == ordinary.content.get("errors")
    return fast.content["data"]
