"""Well-formed requests that ask for what can't be: a typed, clear refusal each, and nothing written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from services.gateway.graphql.ids import encode
from tests.support.graphql_client import Answer, GraphQLClient, fresh_key
from tests.support.snapshot import snapshot
from tests.support.tenants import DatabaseUrls

NOBODY = UUID("01900000-0000-7000-8000-0000deadbeef")


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant with a store, a program, a member and a purchase."""

    owner: GraphQLClient
    urls: DatabaseUrls
    store_id: str
    member_id: str
    purchase_id: str


@pytest.fixture(scope="module")
def shop(shared_api: GraphQLClient, shared_urls: DatabaseUrls) -> Shop:
    owner = shared_api.sign_up("bad-inputs")
    store_id = owner.create_store()
    owner.publish_template()
    member_id = owner.enroll("known@member.example")
    purchase_id = owner.buy(member_id, store_id, "100.00")["purchase"]["id"]
    return Shop(owner, shared_urls, store_id, member_id, purchase_id)


def refused(shop: Shop, mutation: str, input_: Mapping[str, Any]) -> Any:
    """The refusal of a mutation that writes nothing."""
    before = snapshot(shop.urls.owner)
    outcome = shop.owner.do(mutation, **input_)
    assert snapshot(shop.urls.owner) == before
    return outcome


def purchase(shop: Shop, **changes: Any) -> dict[str, Any]:
    wish = {
        "source": "till",
        "externalId": fresh_key(),
        "storeId": shop.store_id,
        "currency": "CNY",
        "lines": [{"sku": "latte", "quantity": "1", "amount": "30.00"}],
        "member": {"id": shop.member_id},
        "idempotencyKey": fresh_key(),
    }
    return {**wish, **changes}


def line(**changes: str) -> list[dict[str, str]]:
    return [{"sku": "latte", "quantity": "1", "amount": "30.00", **changes}]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"storeId": encode("Store", NOBODY)}, "STORE_NOT_FOUND"),
        ({"storeId": encode("Member", NOBODY)}, "INVALID_INPUT"),
        ({"storeId": "1; DROP TABLE members"}, "INVALID_INPUT"),
        ({"storeId": ""}, "INVALID_INPUT"),
        ({"member": {"id": encode("Member", NOBODY)}}, "MEMBER_NOT_FOUND"),
        ({"member": {"email": "nobody@member.example"}}, "MEMBER_NOT_FOUND"),
        ({"member": {"phone": "not a number"}}, "IDENTITY_INVALID"),
        ({"currency": "USD"}, "STORE_CURRENCY_MISMATCH"),
        ({"lines": []}, "INVALID_INPUT"),
        ({"lines": line(amount="1.005")}, "INVALID_INPUT"),
        ({"lines": line(amount="9999999999999999999")}, "INVALID_INPUT"),
        ({"lines": line(amount="90071992547409.91") * 2}, "INVALID_INPUT"),
        ({"lines": line(quantity="0.00001")}, "INVALID_INPUT"),
        ({"lines": line(quantity="99999999999")}, "INVALID_INPUT"),
        ({"lines": line(discount="30.01")}, "INVALID_INPUT"),
        ({"lines": line(sku="")}, "INVALID_INPUT"),
        ({"lines": line(sku="a\nb")}, "INVALID_INPUT"),
        ({"discount": "30.01"}, "DISCOUNT_EXCEEDS_ORDER"),
        ({"discount": "-1"}, "INVALID_INPUT"),
        ({"occurredAt": "2999-01-01T00:00:00Z"}, "OCCURRED_IN_FUTURE"),
        ({"occurredAt": "1999-01-01T00:00:00Z"}, "OCCURRED_TOO_LONG_AGO"),
        ({"source": ""}, "INVALID_INPUT"),
        ({"externalId": "x" * 1_000}, "INVALID_INPUT"),
        ({"channel": "\u0007"}, "INVALID_INPUT"),
    ],
)
def test_purchases_that_cannot_be(shop: Shop, changes: dict[str, Any], code: str) -> None:
    outcome = refused(shop, "RecordPurchase", purchase(shop, **changes))

    assert outcome["code"] == code
    assert outcome["message"]


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": [{"sku": "latte", "quantity": "1", "amount": 30.0}]},
        {"lines": [{"sku": "latte", "quantity": "NaN", "amount": "30"}]},
        {"lines": [{"sku": "latte", "quantity": "1e3", "amount": "30"}]},
        {"lines": [{"sku": "latte", "quantity": 1, "amount": "30"}]},
        {"lines": [{"sku": "latte", "quantity": "1", "amount": "30", "surprise": 1}]},
        {"currency": "cny"},
        {"currency": "XXXX"},
        {"occurredAt": "2026-01-01T00:00:00"},
        {"occurredAt": "2026-02-30T00:00:00Z"},
        {"occurredAt": "yesterday"},
        {"occurredAt": 1_767_225_600},
        {"idempotencyKey": ""},
        {"idempotencyKey": "a\u0001"},
        {"idempotencyKey": "x" * 256},
        {"member": {}},
        {"member": {"id": "a", "email": "b"}},
        {"member": {"id": None}},
        {"storeId": None},
        {"storeId": ["a"]},
    ],
)
def test_values_that_do_not_fit_the_schema(shop: Shop, changes: dict[str, Any]) -> None:
    before = snapshot(shop.urls.owner)
    document = "mutation ($input: RecordPurchaseInput!) { recordPurchase(input: $input) { __typename } }"

    answer = shop.owner.execute(document, {"input": purchase(shop, **changes)})

    assert answer.status == 200
    assert {error["extensions"]["code"] for error in answer.content["errors"]} == {"QUERY_INVALID"}
    assert answer.content.get("data") is None
    assert snapshot(shop.urls.owner) == before


NUMBERS = ["1.0", "1e3", "9007199254740992", "-9007199254740992", "9" * 30]


@pytest.mark.parametrize("points", [*NUMBERS, '"5"', "true", "[1]", "FIVE"], ids=lambda text: text[:20])
def test_points_in_the_document_are_whole_numbers(shop: Shop, points: str) -> None:
    document = adjustment(shop, points)

    assert_refused(shop, shop.owner.execute(f"mutation {{ {document} }}"))


def test_nobody_reads_a_number_of_thousands_of_digits(shop: Shop) -> None:
    document = adjustment(shop, "9" * 5_000)

    assert_refused(shop, shop.owner.execute(f"mutation {{ {document} }}"), "QUERY_LIMIT_EXCEEDED")


@pytest.mark.parametrize("points", [*NUMBERS, '"5"', "true", "[1]", "null"], ids=lambda text: text[:20])
def test_points_in_variables_are_whole_numbers(shop: Shop, points: str) -> None:
    document = f"mutation ($points: Points!) {{ {adjustment(shop, '$points')} }}"
    # Written by hand, because a JSON library would not write such numbers.
    body = f'{{"query": {json.dumps(document)}, "variables": {{"points": {points}}}}}'

    assert_refused(shop, shop.owner.post(body.encode()))


def adjustment(shop: Shop, points: str) -> str:
    fields = f'member: {{id: "{shop.member_id}"}}, reason: "thanks", idempotencyKey: "{fresh_key()}"'
    return f"adjustPoints(input: {{points: {points}, {fields}}}) {{ __typename }}"


def assert_refused(shop: Shop, answer: Answer, code: str = "QUERY_INVALID") -> None:
    """The document or its variables do not fit, and nobody has points by hand."""
    assert answer.status == 200
    assert answer.code == code
    assert "data" not in answer.content
    member = shop.owner.run("MemberLedger", by={"id": shop.member_id}, first=100)["member"]
    assert "ADJUSTMENT" not in {edge["node"]["kind"] for edge in member["ledger"]["edges"]}


@pytest.mark.parametrize(
    ("mutation", "input_", "code"),
    [
        ("AdjustPoints", {"points": 0, "reason": "none"}, "INVALID_INPUT"),
        ("AdjustPoints", {"points": 5, "reason": "  "}, "INVALID_INPUT"),
        ("AdjustPoints", {"points": -1_000_000, "reason": "too much"}, "INSUFFICIENT_POINTS"),
        ("AdjustPoints", {"points": 2**53 - 1, "reason": "too much"}, "BALANCE_TOO_LARGE"),
        ("RedeemReward", {"rewardId": encode("Reward", NOBODY)}, "REWARD_NOT_FOUND"),
    ],
)
def test_points_that_cannot_move(shop: Shop, mutation: str, input_: dict[str, Any], code: str) -> None:
    outcome = refused(shop, mutation, {"member": {"id": shop.member_id}, "idempotencyKey": fresh_key(), **input_})

    assert outcome["code"] == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"refund": {"amount": "100.01"}}, "REFUND_EXCEEDS_PURCHASE"),
        ({"refund": {"amount": "0"}}, "INVALID_INPUT"),
        ({"refund": {"amount": "0.001"}}, "INVALID_INPUT"),
        ({"refund": {"everything": False}}, "INVALID_INPUT"),
        ({"refund": {"lines": []}}, "INVALID_INPUT"),
        ({"refund": {"lines": [{"position": 1, "quantity": "2"}]}}, "REFUND_QUANTITY_EXCEEDS_LINE"),
        ({"refund": {"lines": [{"position": 9, "quantity": "1"}]}}, "REFUND_LINE_UNKNOWN"),
        ({"purchase": {"id": encode("Purchase", NOBODY)}}, "PURCHASE_NOT_FOUND"),
        ({"occurredAt": "2999-01-01T00:00:00Z"}, "OCCURRED_IN_FUTURE"),
    ],
)
def test_refunds_that_cannot_be(shop: Shop, changes: dict[str, Any], code: str) -> None:
    wish = {
        "purchase": {"id": shop.purchase_id},
        "source": "till",
        "externalId": fresh_key(),
        "refund": {"everything": True},
        "idempotencyKey": fresh_key(),
    }

    assert refused(shop, "RefundPurchase", {**wish, **changes})["code"] == code


@pytest.mark.parametrize(
    ("name", "code"),
    [("a\u0007b", "INVALID_INPUT"), ("x" * 1_000, "INVALID_INPUT"), ("line\nbreak", "INVALID_INPUT")],
)
def test_names_that_cannot_be(shop: Shop, name: str, code: str) -> None:
    outcome = refused(
        shop,
        "EnrollMember",
        {
            "identities": [{"kind": "EMAIL", "value": "new@member.example"}],
            "locale": "en",
            "name": name,
            "idempotencyKey": fresh_key(),
        },
    )

    assert outcome["code"] == code


def test_nul_in_a_name_is_refused(shop: Shop) -> None:
    before = snapshot(shop.urls.owner)
    document = "mutation ($input: CreateStoreInput!) { createStore(input: $input) { __typename } }"
    store = {"code": "nul", "name": "a\0b", "timezone": "Asia/Shanghai", "currency": "CNY"}

    answer = shop.owner.execute(document, {"input": store})

    assert answer.status == 400
    assert answer.error == {"code": "REQUEST_MALFORMED", "reason": "NUL_CHARACTER"}
    assert snapshot(shop.urls.owner) == before


def test_emoji_in_names_are_kept(shop: Shop) -> None:
    name = "Zoë 👩‍👩‍👧 王 ✨"

    outcome = shop.owner.do(
        "EnrollMember",
        identities=[{"kind": "CARD", "value": fresh_key()}],
        locale="zh-CN",
        name=name,
        idempotencyKey=fresh_key(),
    )

    assert outcome["member"]["name"] == name


@pytest.mark.parametrize(
    "slug", ["", "a", "A-B", "9lives", "x--y", "x" * 41, "x'; DROP TABLE platform.tenants; --", "café", "www", "x y"]
)
def test_slugs_that_cannot_be(shop: Shop, slug: str) -> None:
    before = snapshot(shop.urls.owner)
    outcome = shop.owner.as_(None).do(
        "SignUp",
        email=f"{fresh_key()}@slug.example",
        password="correct horse battery",
        name="Olive",
        merchantName="Shop",
        slug=slug,
        locale="en",
        idempotencyKey=fresh_key(),
    )

    assert outcome["code"] == "SLUG_INVALID"
    assert snapshot(shop.urls.owner) == before


@pytest.mark.parametrize("first", [0, -1, 101])
def test_pages_are_bounded(shop: Shop, first: int) -> None:
    answer = shop.owner.execute("query ($n: Int!) { members(first: $n) { edges { cursor } } }", {"n": first})

    assert answer.error == {
        "code": "INVALID_INPUT",
        "field": "first",
        "reason": "PAGE_SIZE_OUT_OF_RANGE",
        "limit": "100",
    }


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "WyJzdG9yZXMiLCJ4Il0", "W10", "bnVsbA", "x" * 600, "é"])
def test_cursors_that_are_none(shop: Shop, cursor: str) -> None:
    answer = shop.owner.execute("query ($c: String) { members(after: $c) { edges { cursor } } }", {"c": cursor})

    assert answer.error == {
        "code": "INVALID_INPUT",
        "field": "after",
        "reason": "CURSOR_MALFORMED",
        "limit": None,
    }


def test_pages_lead_through_all_members_once(shop: Shop) -> None:
    enrolled = {shop.owner.enroll() for _ in range(5)}
    document = (
        "query ($after: String) { members(first: 2, after: $after)"
        " { edges { node { id } } pageInfo { hasNextPage hasPreviousPage endCursor } } }"
    )

    seen: list[str] = []
    after = None
    while True:
        page = shop.owner.execute(document, {"after": after}).data["members"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert len(seen) == len(set(seen))
    assert enrolled <= set(seen)


def test_the_same_key_with_other_input_is_a_conflict(shop: Shop) -> None:
    wish = purchase(shop)
    first = shop.owner.do("RecordPurchase", **wish)

    again = refused(shop, "RecordPurchase", wish)
    # The same input written into the document is the same input.
    literal = shop.owner.execute(
        "mutation { recordPurchase(input: "
        + as_literal(wish)
        + ") { ... on RecordPurchasePayload { replayed points } } }"
    )
    other = refused(shop, "RecordPurchase", {**wish, "channel": "store"})

    assert (first["replayed"], again["replayed"]) == (False, True)
    assert again["points"] == first["points"]
    assert literal.data == {"recordPurchase": {"replayed": True, "points": first["points"]}}
    assert other["code"] == "IDEMPOTENCY_CONFLICT"


def as_literal(value: Any) -> str:
    """A JSON value as GraphQL writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {as_literal(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_literal(item) for item in value) + "]"
    return json.dumps(value)
