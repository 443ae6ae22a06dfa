"""Coupons at the edge: a kind is offered, its codes are made and found, members see their own."""

import csv
from io import StringIO
from typing import Any

import pytest

from services.gateway.graphql.coupons import types
from tests.support.graphql_client import GraphQLClient, fresh_key

TERMS = {
    "name": {"en": "Spring", "zh": "春天"},
    "currency": "CNY",
    "benefit": {
        "kind": "STEPPED",
        "steps": [{"fromAmount": "200.00", "amount": "30.00"}, {"fromAmount": "100.00", "percent": "5"}],
    },
    "scope": {"categories": [["food", "tea"]], "excludedSkus": ["gift-card"]},
    "minimum": {"quantity": "2", "isInclusive": False},
    "category": "season",
    "exclusivity": "CATEGORY",
    "validDays": 30,
    "usesPerMember": 2,
}
SHOWN = """
name { zh } currency category exclusivity validDays usesPerMember
benefit { kind steps { fromAmount { amount currency } percent amount { amount } } target { skus } }
scope { skus categories excludedSkus } minimum { amount { amount } quantity isInclusive on price }"""
KIND = f"id code sharedCode usesMax usesHeld usesSpent version archivedAt terms {{ {SHOWN} }}"


def do(client: GraphQLClient, name: str, selection: str, **given: Any) -> dict[str, Any]:
    pascal = name[0].upper() + name[1:]
    document = f"""
mutation M($input: {pascal}Input!) {{
  {name}(input: $input) {{
    __typename ... on {pascal}Payload {{ {selection} }} ... on InvalidInput {{ field reason }}
    ... on Error {{ code message }}
  }}
}}"""
    answer: dict[str, Any] = client.execute(document, {"input": given}).data[name]
    return answer


def offer(client: GraphQLClient, **given: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"code": "spring", "sharedCode": "Spring-26", "usesMax": 100, "terms": TERMS}
    return do(client, "createCouponDefinition", f"couponDefinition {{ {KIND} }}", **(values | given))


def test_a_kind_of_coupon_is_offered_edited_and_archived(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("coupon-kinds")

    offered = offer(owner)["couponDefinition"]

    assert (offered["sharedCode"], offered["usesMax"], offered["usesSpent"], offered["version"]) == (
        "SPRING26",
        100,
        0,
        1,
    )
    assert offered["terms"] == {
        "name": {"zh": "春天"},
        "currency": "CNY",
        "category": "season",
        "exclusivity": "CATEGORY",
        "validDays": 30,
        "usesPerMember": 2,
        "benefit": {
            "kind": "STEPPED",
            "steps": [
                {"fromAmount": {"amount": "100.00", "currency": "CNY"}, "percent": "5", "amount": None},
                {"fromAmount": {"amount": "200.00", "currency": "CNY"}, "percent": None, "amount": {"amount": "30.00"}},
            ],
            "target": None,
        },
        "scope": {"skus": [], "categories": [["food", "tea"]], "excludedSkus": ["gift-card"]},
        "minimum": {"amount": None, "quantity": "2", "isInclusive": False, "on": "SCOPE", "price": "GROSS"},
    }
    kind = offered["id"]
    edited = do(
        owner,
        "updateCouponDefinition",
        "couponDefinition { version terms { benefit { kind percent } } }",
        couponDefinitionId=kind,
        version=1,
        usesMax=50,
        terms={"name": TERMS["name"], "benefit": {"kind": "PERCENT", "percent": "10"}},
    )
    assert edited["couponDefinition"] == {
        "version": 2,
        "terms": {"benefit": {"kind": "PERCENT", "percent": "10"}},
    }
    archived = do(owner, "archiveCouponDefinition", "couponDefinition { archivedAt }", couponDefinitionId=kind)
    assert archived["couponDefinition"]["archivedAt"] is not None
    listed = owner.execute("{ couponDefinitions(isArchived: true) { edges { node { code version } } } }").data
    assert listed["couponDefinitions"]["edges"] == [{"node": {"code": "spring", "version": 2}}]
    assert offer(owner)["code"] == "COUPON_DEFINITION_CODE_TAKEN"
    assert offer(owner, code="other", sharedCode="spring 26")["code"] == "COUPON_CODE_TAKEN"


def test_codes_are_made_read_found_and_voided(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("coupon-codes")
    kind = offer(owner)["couponDefinition"]["id"]

    made = do(
        owner,
        "createCouponCodes",
        "count replayed batch { id codes(first: 2) { edges { node { id code status } } pageInfo { hasNextPage } } }",
        couponDefinitionId=kind,
        count=3,
        prefix="vip",
        idempotencyKey=fresh_key(),
    )

    assert (made["count"], made["replayed"], made["batch"]["codes"]["pageInfo"]) == (3, False, {"hasNextPage": True})
    first = made["batch"]["codes"]["edges"][0]["node"]
    assert (first["code"][:3], len(first["code"]), first["status"]) == ("VIP", 17, "AVAILABLE")
    found = owner.execute(
        "query C($code: String!) { couponByCode(code: $code) { id definition { code } terms { name { en } } } }",
        {"code": first["code"].lower()},
    ).data["couponByCode"]
    assert found == {"id": first["id"], "definition": {"code": "spring"}, "terms": {"name": {"en": "Spring"}}}
    voided = do(owner, "voidCoupon", "coupon { status }", couponId=first["id"], idempotencyKey=fresh_key())
    assert voided["coupon"] == {"status": "VOIDED"}
    again = owner.execute("query B($id: ID!) { couponBatch(id: $id) { definition { id } } }", made["batch"]).data
    assert again["couponBatch"] == {"definition": {"id": kind}}


def test_members_see_their_own_coupons_and_nobody_elses(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("coupon-members")
    owner.create_store()
    owner.publish_template()
    kind = offer(owner)["couponDefinition"]["id"]
    member, other = owner.enroll("one@club.example"), owner.enroll("two@club.example")
    key = fresh_key()

    given, again = (
        do(
            owner,
            "assignCoupon",
            "replayed coupon { id status member { id } }",
            member={"id": member},
            couponDefinitionId=kind,
            idempotencyKey=key,
        )
        for _ in range(2)
    )

    coupon = given["coupon"]["id"]
    assert given["coupon"] == {"id": coupon, "status": "AVAILABLE", "member": {"id": member}}
    assert (given["replayed"], again["replayed"], again["coupon"]["id"]) == (False, True, coupon)
    mine = "{ me { coupons(first: 5) { edges { node { id status terms { usesPerMember } } } } } }"
    for who, ids in ((member, [coupon]), (other, [])):
        token = do(owner, "createMemberToken", "token", memberId=who)["token"]
        edges = shared_api.as_(token).execute(mine).data["me"]["coupons"]["edges"]
        assert [edge["node"]["id"] for edge in edges] == ids
        seen = shared_api.as_(token).execute(
            "query C($id: ID!) { coupon(id: $id) { id } node(id: $id) { id } }", {"id": coupon}
        )
        expected = {"id": coupon} if ids else None
        assert seen.data == {"coupon": expected, "node": expected}


def test_what_cannot_be_is_refused_by_its_field(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("coupon-refusals")
    name = TERMS["name"]
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"benefit": {"kind": "PERCENT"}}, "benefit.percent", "REQUIRED"),
        ({"benefit": {"kind": "PERCENT", "percent": "100.5"}}, "benefit.percent", "OUT_OF_RANGE"),
        ({"benefit": {"kind": "AMOUNT", "amount": "5.00"}}, "currency", "REQUIRED"),
        ({"benefit": {"kind": "SHIPPING", "getUnits": 1}}, "benefit.getUnits", "NOT_ALLOWED"),
        ({"benefit": {"kind": "N_FOR_M", "buyUnits": 3, "payUnits": 3}}, "benefit.payUnits", "OUT_OF_RANGE"),
        ({"benefit": {"kind": "STEPPED", "steps": [{"percent": "5"}]}}, "benefit.steps", "ONE_OF"),
    ]

    for terms, field, reason in cases:
        refused = offer(owner, terms={"name": name} | terms)
        assert (refused["__typename"], refused["field"], refused["reason"]) == ("InvalidInput", field, reason)
        assert "{" not in refused["message"]
    assert owner.execute("{ couponDefinitions { edges { node { code } } } }").data["couponDefinitions"]["edges"] == []


SHEET = """query ($id: ID!, $after: String) { couponBatch(id: $id) { count
  sheet(after: $after) { csv count endCursor } } }"""


def test_codes_go_to_a_printer_as_a_file_in_parts(shared_api: GraphQLClient, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = shared_api.sign_up("coupon-printer")
    kind = offer(owner)["couponDefinition"]["id"]
    key = {"idempotencyKey": fresh_key()}
    batch = do(owner, "createCouponCodes", "batch { id }", couponDefinitionId=kind, count=5, prefix="TEA", **key)
    batch_id = batch["batch"]["id"]
    monkeypatch.setattr(types, "PRINTED_MAX", 3)

    first = owner.execute(SHEET, {"id": batch_id}).data["couponBatch"]["sheet"]
    second = owner.execute(SHEET, {"id": batch_id, "after": first["endCursor"]}).data["couponBatch"]["sheet"]

    assert (first["count"], second["count"], second["endCursor"]) == (3, 2, None)
    lines = [*csv.reader(StringIO(first["csv"])), *list(csv.reader(StringIO(second["csv"])))[1:]]
    assert lines[0] == ["code", "status", "expires_at"]
    listed = owner.execute(
        "query ($id: ID!) { couponBatch(id: $id) { codes { edges { node { code } } } } }", {"id": batch_id}
    ).data["couponBatch"]["codes"]["edges"]
    assert [line[0] for line in lines[1:]] == [edge["node"]["code"] for edge in listed]
    assert {line[1] for line in lines[1:]} == {"available"}
    reader = owner.create_api_key("PROGRAM_READ", "MEMBERS_READ")
    assert reader.execute(SHEET, {"id": batch_id}).code == "FORBIDDEN", "who may not hand out codes sees none"


def test_codes_that_were_made_elsewhere_are_taken(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("coupon-import")
    kind = offer(owner)["couponDefinition"]["id"]
    shown = "added repeated replayed batch { id count codes { edges { node { code status } } } }"
    wish = {"couponDefinitionId": kind, "csv": "Code,who\r\nab-100,Ann\r\n\r\nAB 101,Bob\r\nAB100,again\r\n"}
    key = fresh_key()

    had = do(owner, "importCouponCodes", shown, **wish, idempotencyKey=key)
    again = do(owner, "importCouponCodes", shown, **wish, idempotencyKey=key)
    more = do(
        owner, "importCouponCodes", shown, couponDefinitionId=kind, csv="AB101\n'=AB102\n", idempotencyKey=fresh_key()
    )

    assert (had["added"], had["repeated"], had["batch"]["count"]) == (2, 1, 2)
    codes = sorted(edge["node"]["code"] for edge in had["batch"]["codes"]["edges"])
    assert codes == ["AB100", "AB101"]
    assert {edge["node"]["status"] for edge in had["batch"]["codes"]["edges"]} == {"AVAILABLE"}
    assert again == {**had, "replayed": True}
    assert (more["added"], more["repeated"]) == (1, 1)
    printed = owner.execute(SHEET, {"id": more["batch"]["id"]}).data["couponBatch"]["sheet"]["csv"]
    assert printed.splitlines()[1].startswith("'=AB102,available,")
    nothing = do(owner, "importCouponCodes", shown, **wish, idempotencyKey=fresh_key())
    assert (nothing["added"], nothing["repeated"], nothing["batch"]) == (0, 3, None)


def test_a_file_with_somebody_elses_code_is_refused_whole(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("coupon-import-taken")
    kind = offer(owner)["couponDefinition"]["id"]
    wish = {"couponDefinitionId": kind, "csv": "free-1\nspring 26\n", "idempotencyKey": fresh_key()}

    refused = do(owner, "importCouponCodes", "added", **wish)

    assert (refused["code"], refused["message"].count("SPRING26")) == ("COUPON_CODE_TAKEN", 1)
    found = owner.execute('{ couponByCode(code: "free-1") { id } }')
    assert found.data["couponByCode"] is None, "nothing of it was taken"
    short = do(owner, "importCouponCodes", "added", couponDefinitionId=kind, csv="AB\n", idempotencyKey=fresh_key())
    assert (short["field"], short["reason"]) == ("csv", "TOO_SHORT")
