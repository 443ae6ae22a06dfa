"""Documents by hash over HTTP, and what a gateway refuses that runs trusted ones only."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.gateway.graphql.trusted import document_hash
from services.platform.db.engine import open_database
from tests.support.graphql_client import OPERATIONS, GraphQLClient, gateway_services, running_gateway
from tests.support.tenants import DatabaseUrls

VIEWER = (OPERATIONS / "Viewer.graphql").read_text(encoding="utf-8")
HASH = document_hash(VIEWER)
OTHER = "{ viewer { kind } }"
APOLLO = {"persistedQuery": {"version": 1, "sha256Hash": HASH}}


@pytest.fixture
def trusted_api(database_urls: DatabaseUrls, tmp_path: Path) -> Iterator[GraphQLClient]:
    """As `api`, where only trusted documents run."""
    database = open_database(database_urls.app, pool_size=8)
    services = gateway_services(database, database_urls, tmp_path)
    with running_gateway(replace(services, settings=replace(services.settings, documents="trusted"))) as client:
        yield client
    database.close()


def send(api: GraphQLClient, members: dict[str, Any], accept: str = "application/graphql-response+json") -> Any:
    return api.post(json.dumps(members).encode(), Accept=accept)


@pytest.mark.parametrize(
    "members",
    [
        {"documentId": f"sha256:{HASH}"},
        {"documentId": HASH},
        {"extensions": APOLLO},
        {"documentId": f"sha256:{HASH}", "extensions": APOLLO, "query": VIEWER},
        {"query": VIEWER, "extensions": APOLLO},
        {"documentId": f"sha256:{HASH}", "query": None, "variables": {}, "operationName": "Viewer"},
    ],
)
def test_a_hash_stands_for_its_document(shared_api: GraphQLClient, members: dict[str, Any]) -> None:
    answer = send(shared_api, members)

    assert answer.status == 200
    assert answer.data["viewer"]["kind"] == "PUBLIC"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"documentId": "sha256:" + "0" * 64}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"documentId": "x-ours:viewer"}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"extensions": {"persistedQuery": {"sha256Hash": document_hash(OTHER)}}}, "PERSISTED_QUERY_NOT_FOUND"),
        ({"documentId": f"sha256:{HASH}", "query": OTHER}, "DOCUMENT_HASH_MISMATCH"),
        ({"extensions": APOLLO, "query": OTHER}, "DOCUMENT_HASH_MISMATCH"),
        ({"documentId": "sha256:" + "0" * 64, "extensions": APOLLO}, "DOCUMENT_HASH_MISMATCH"),
    ],
)
def test_hashes_that_are_refused(shared_api: GraphQLClient, members: dict[str, Any], code: str) -> None:
    honest, soft = send(shared_api, members), send(shared_api, members, accept="application/json")

    assert (honest.status, soft.status) == (400, 200)
    assert honest.error == soft.error == {"code": code}
    assert "data" not in honest.content


def test_a_text_that_comes_with_its_hash_is_not_learned(shared_api: GraphQLClient) -> None:
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": document_hash(OTHER)}}

    assert send(shared_api, {"query": OTHER, "extensions": persisted}).data == {"viewer": {"kind": "PUBLIC"}}
    assert send(shared_api, {"extensions": persisted}).code == "PERSISTED_QUERY_NOT_FOUND"


def test_only_trusted_documents_run_where_that_is_asked_for(trusted_api: GraphQLClient) -> None:
    owner = trusted_api.sign_up("corner")

    for caller in (trusted_api, owner):
        assert send(caller, {"documentId": f"sha256:{HASH}"}).status == 200
        assert send(caller, {"query": VIEWER}).status == 200
        for text in (OTHER, "{ __schema { queryType { name } } }", "{", "{ nothing }"):
            refused = send(caller, {"query": text})
            assert (refused.status, refused.error) == (400, {"code": "DOCUMENT_NOT_TRUSTED"})
