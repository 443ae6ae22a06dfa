"""Many receipts in one request: each is answered as `recordPurchase` would have, and pays as much."""

from typing import Any

import pytest

from tests.support.graphql_client import Answer, GraphQLClient, fresh_key
from tests.support.snapshot import snapshot
from tests.support.story import receipt
from tests.support.tenants import DatabaseUrls

RECORD_ALL = """
mutation ($input: RecordPurchasesInput!) { recordPurchases(input: $input) {
  __typename
  ... on RecordPurchasesPayload { results { index result { __typename
    ... on RecordPurchasePayload { purchase { externalId total { amount } store { code } } points balance replayed }
    ... on Error { code message } } } }
  ... on Error { code message }
  ... on InvalidInput { field reason limit } } }"""
RECORD_ONE = """
mutation ($input: RecordPurchaseInput!) { recordPurchase(input: $input) {
  ... on RecordPurchasePayload { points balance replayed } } }"""


@pytest.fixture
def owner(shared_api: GraphQLClient) -> GraphQLClient:
    client = shared_api.sign_up(f"bulk-{fresh_key()[:12].lower()}")
    client.publish_template()
    return client


def record(client: GraphQLClient, *receipts: dict[str, Any]) -> Answer:
    return client.execute(RECORD_ALL, {"input": {"purchases": list(receipts)}})


def test_each_receipt_has_its_own_answer(owner: GraphQLClient) -> None:
    store, member = owner.create_store("a"), owner.enroll()
    known = receipt(store, "10.00", member=member)
    owner.execute(RECORD_ONE, {"input": known})
    batch = [
        receipt(store, "25.00", member=member, externalId="first"),
        known,
        receipt(store, "1.001", member=member),
        receipt(store, "5.00", member=member.swapcase()),
        receipt(store, "5.00", currency="JPY"),
        receipt(store, "30.00", member=member, externalId="last"),
    ]

    results = record(owner, *batch).data["recordPurchases"]["results"]

    assert [item["index"] for item in results] == list(range(6))
    told = [item["result"].get("code") or item["result"]["__typename"] for item in results]
    assert told == [
        "RecordPurchasePayload",
        "RecordPurchasePayload",
        "INVALID_INPUT",
        "INVALID_INPUT",
        "STORE_CURRENCY_MISMATCH",
        "RecordPurchasePayload",
    ]
    first, again, last = (results[index]["result"] for index in (0, 1, 5))
    assert first["purchase"] == {"externalId": "first", "total": {"amount": "25.00"}, "store": {"code": "a"}}
    assert (first["replayed"], again["replayed"], last["replayed"]) == (False, True, False)
    assert (again["points"], last["balance"]) == (10, first["balance"] + last["points"])
    # The same receipt alone, under the same key, is the same request.
    alone = owner.execute(RECORD_ONE, {"input": batch[0]}).data["recordPurchase"]
    assert alone == {"points": first["points"], "balance": first["balance"], "replayed": True}


def test_it_costs_what_its_receipts_cost(owner: GraphQLClient) -> None:
    store = owner.create_store("a")

    costs = [
        record(owner, *(receipt(store, "1.00") for _ in range(count))).content["extensions"]["cost"]["requested"]
        for count in (1, 2, 50)
    ]

    assert (costs[1] - costs[0], costs[2] - costs[0]) == (10, 490)


@pytest.mark.parametrize("count", [0, 501])
def test_there_is_a_bound_for_one_request(owner: GraphQLClient, count: int) -> None:
    refused = record(owner, *([receipt(owner.create_store("a"), "1.00")] * count)).data["recordPurchases"]

    assert (refused["code"], refused["field"], refused["reason"], refused["limit"]) == (
        "INVALID_INPUT",
        "purchases",
        "COUNT_OUT_OF_RANGE",
        "500",
    )


def test_one_store_too_many_and_nothing_is_recorded(owner: GraphQLClient, shared_urls: DatabaseUrls) -> None:
    here, there = owner.create_store("a"), owner.create_store("b")
    till = owner.create_api_key("PURCHASES_WRITE", store_id=here)
    assert record(till, receipt(here, "1.00")).data["recordPurchases"]["results"][0]["result"]["replayed"] is False
    before = snapshot(shared_urls.owner)

    refused = record(till, receipt(here, "1.00"), receipt(there, "1.00"))

    assert (refused.code, refused.content.get("data")) == ("FORBIDDEN", None)
    assert snapshot(shared_urls.owner) == before
