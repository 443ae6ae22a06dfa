"""What happens around an operation: failures masked, cost counted, health told."""

import json
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from structlog.testing import capture_logs

from services.platform.tenancy.domain import Tenant
from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.tenants import DatabaseUrls

STORES = "{ stores { edges { node { id code } } } }"


def test_innards_are_masked_and_logged_once_under_the_correlation_id(
    api: GraphQLClient, database_urls: DatabaseUrls
) -> None:
    owner = api.sign_up("broken")
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        row = connection.execute("SELECT schema_name FROM platform.tenants WHERE slug = 'broken'").fetchone()
        assert row is not None
        connection.execute(f"ALTER TABLE {row[0]}.stores RENAME TO gone".encode())

    with capture_logs() as logs:
        answer = owner.as_(owner.token, X_Correlation_Id="find-me").execute(STORES)

    assert answer.status == 200
    assert answer.content["errors"] == [
        {
            "message": "Something went wrong on our side. Tell us the id find-me.",
            "extensions": {"code": "INTERNAL", "correlationId": "find-me"},
            "locations": [{"line": 1, "column": 3}],
            "path": ["stores"],
        }
    ]
    assert answer.content["data"] is None
    assert "does not exist" not in json.dumps(answer.content)
    failures = [entry for entry in logs if entry["event"] == "operation_failed"]
    assert len(failures) == 1
    assert "does not exist" in str(failures[0]["exc_info"])


def test_a_database_that_is_away_is_told_as_such(api: GraphQLClient, database_urls: DatabaseUrls) -> None:
    key = api.sign_up("away").create_api_key("STORES_READ")
    database_urls.server.drop_database(database_urls.name)

    answer = key.execute(STORES)
    ready = api.send("GET", "/health/ready")
    live = api.send("GET", "/health/live")

    assert (answer.status, answer.error) == (503, {"code": "SERVICE_UNAVAILABLE", "retryable": True})
    assert (ready.status, ready.content) == (503, {"status": "unavailable", "database": "away"})
    assert (live.status, live.content) == (200, {"status": "live"})


def test_health_of_a_whole_process(api: GraphQLClient) -> None:
    ready = api.send("GET", "/health/ready")

    assert ready.status == 200
    assert ready.content == {"status": "ready", "database": "ready", "schema": "ready", "broker": "ready"}


def test_tenants_behind_are_told_as_degraded(api: GraphQLClient, database_urls: DatabaseUrls, tenant: Tenant) -> None:
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        connection.execute("UPDATE platform.tenants SET schema_revision = '0000' WHERE id = %s", [tenant.id])

    ready = api.send("GET", "/health/ready")

    assert (ready.status, ready.content["status"], ready.content["schema"]) == (200, "degraded", "1 tenants behind")


def test_the_cost_of_operations_is_metered(api: GraphQLClient) -> None:
    owner = api.sign_up("metered")
    today = datetime.now(UTC).date()  # noqa: TID251  the wall clock is what a live tenant lives by
    days = {"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=2))}
    answer = owner.execute(STORES)
    spent = answer.content["extensions"]["cost"]["requested"]

    meters: dict[str, int] = {}
    for _ in range(200):
        meters = {m["meter"]: m["quantity"] for m in owner.run("Usage", **days)["usage"]["meters"]}
        if meters.get("api_cost", 0) >= spent:
            break
        time.sleep(0.05)

    assert spent == 1 + 20 * 2
    assert meters["api_cost"] >= spent


def test_each_mutation_of_one_operation_sees_what_it_committed(api: GraphQLClient) -> None:
    owner = api.sign_up("serial")
    owner.publish_template()
    member_id = owner.enroll()
    fields = " ".join(
        f'{name}: adjustPoints(input: {{member: {{id: "{member_id}"}}, points: {points}, reason: "thanks",'
        f' idempotencyKey: "{fresh_key()}"}}) {{ ... on AdjustPointsPayload {{ balance member'
        " { balances { available } ledger { edges { cursor } } } } }"
        for name, points in (("a", 5), ("b", 7), ("c", -2))
    )

    answer = owner.execute(f"mutation {{ {fields} }}")

    seen = [
        (field["balance"], field["member"]["balances"][0]["available"], len(field["member"]["ledger"]["edges"]))
        for field in answer.data.values()
    ]
    assert seen == [(5, 5, 1), (12, 12, 2), (10, 10, 3)]


@pytest.mark.parametrize("kind", ["STORE", "MEMBER"])
def test_nodes_lead_back_to_themselves(api: GraphQLClient, kind: str) -> None:
    owner = api.sign_up("nodes")
    id_ = owner.create_store() if kind == "STORE" else owner.enroll()

    assert owner.execute("query ($id: ID!) { node(id: $id) { id } }", {"id": id_}).data == {"node": {"id": id_}}
