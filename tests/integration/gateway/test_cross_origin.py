"""Scripts of other origins: let in where an operator names them, and nowhere else."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from services.platform.db.engine import open_database
from tests.support.graphql_client import Answer, GraphQLClient, gateway_services, running_gateway
from tests.support.tenants import DatabaseUrls

APP = "https://app.example.com"
VIEWER = b'{"query": "{ viewer { kind } }"}'
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type, x-tenant, x-correlation-id",
}


@pytest.fixture
def open_api(database_urls: DatabaseUrls, tmp_path: Path) -> Iterator[GraphQLClient]:
    """As `api`, for scripts of one origin."""
    database = open_database(database_urls.app, pool_size=8)
    services = gateway_services(database, database_urls, tmp_path)
    with running_gateway(replace(services, settings=replace(services.settings, allowed_origins=(APP,)))) as client:
        yield client
    database.close()


def preflight(api: GraphQLClient, origin: str, **more: str) -> Answer:
    headers: Mapping[str, str] = {"Origin": origin, **PREFLIGHT, **more}
    return api.send("OPTIONS", "/graphql", headers=headers)


def test_a_named_origin_may_call_and_read(open_api: GraphQLClient) -> None:
    asked = preflight(open_api, APP)
    answer = open_api.post(VIEWER, Origin=APP)
    refused = open_api.post(b"5", Origin=APP)

    assert asked.status == 200
    assert asked.headers["Access-Control-Allow-Origin"] == APP
    assert asked.headers["Access-Control-Allow-Methods"] == "POST"
    assert answer.data == {"viewer": {"kind": "PUBLIC"}}
    for told in (answer, refused):
        assert told.headers["Access-Control-Allow-Origin"] == APP
        assert told.headers["Access-Control-Expose-Headers"] == "X-Correlation-Id, Retry-After"
        assert "Access-Control-Allow-Credentials" not in told.headers
        assert "Origin" in told.headers["Vary"]


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.com.evil.example", "null"])
def test_other_origins_may_not(open_api: GraphQLClient, origin: str) -> None:
    assert preflight(open_api, origin).status == 400
    assert "Access-Control-Allow-Origin" not in open_api.post(VIEWER, Origin=origin).headers


def test_a_named_origin_may_only_post(open_api: GraphQLClient) -> None:
    assert preflight(open_api, APP, **{"Access-Control-Request-Method": "GET"}).status == 400
    assert open_api.send("GET", "/graphql?query={viewer{kind}}", headers={"Origin": APP}).status == 405


def test_nobody_is_let_in_by_default(shared_api: GraphQLClient) -> None:
    answer = shared_api.post(VIEWER, Origin=APP)

    assert preflight(shared_api, APP).status == 405
    assert "Access-Control-Allow-Origin" not in answer.headers
