"""A day at the till, through GraphQL alone."""

from datetime import UTC, datetime, timedelta

from tests.support.graphql_client import GraphQLClient, fresh_key


def test_sign_up_publish_enroll_buy_refund_redeem(api: GraphQLClient) -> None:
    owner = api.sign_up("corner")
    store_id = owner.create_store()
    owner.publish_template()
    member_id = owner.enroll("mia@member.example")

    bought = owner.buy(member_id, store_id, "200.00")
    again = owner.run("FindMember", by={"email": "MIA@member.example"})["member"]

    assert bought["__typename"] == "RecordPurchasePayload"
    assert bought["points"] == bought["balance"] == again["balances"][0]["available"] > 0
    assert bought["purchase"]["total"] == {"amount": "200.00", "currency": "CNY"}

    half = owner.do(
        "RefundPurchase",
        purchase={"id": bought["purchase"]["id"]},
        source="till",
        externalId=fresh_key(),
        refund={"amount": "100.00"},
        idempotencyKey=fresh_key(),
    )

    assert half["__typename"] == "RefundPurchasePayload"
    assert half["points"] == bought["points"] - bought["points"] // 2
    assert half["balance"] == bought["points"] // 2
    assert half["purchase"]["refunded"]["amount"] == "100.00"

    reward = owner.do(
        "CreateReward", code="cookie", kind="PHYSICAL", name={"en": "Cookie", "zh": "曲奇"}, costPoints=3, stock=1
    )["reward"]
    redeemed = owner.do(
        "RedeemReward", member={"id": member_id}, rewardId=reward["id"], idempotencyKey=fresh_key(), storeId=store_id
    )

    assert redeemed["points"] == 3
    assert redeemed["balance"] == half["balance"] - 3

    ledger = owner.run("MemberLedger", by={"id": member_id}, first=10)["member"]
    entries = [edge["node"] for edge in ledger["ledger"]["edges"]]
    assert [entry["kind"] for entry in entries] == ["REDEMPTION", "CLAWBACK", "ACCRUAL"]
    assert sum(entry["points"] for entry in entries) == redeemed["balance"]
    assert [entry["previousHash"] for entry in entries[:-1]] == [entry["hash"] for entry in entries[1:]]

    today = datetime.now(UTC).date()  # noqa: TID251  the wall clock is what a live tenant lives by
    used = owner.run("Usage", **{"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=2))})
    meters = {meter["meter"]: meter["quantity"] for meter in used["usage"]["meters"]}
    assert meters["purchases"] == 1
    assert meters["redemptions"] == 1


def test_a_member_reads_only_themselves(api: GraphQLClient) -> None:
    owner = api.sign_up("corner")
    store_id = owner.create_store()
    owner.publish_template()
    mia, noah = owner.enroll(), owner.enroll()
    owner.buy(mia, store_id)
    of_noah = owner.buy(noah, store_id)["purchase"]["id"]

    app = owner.as_(owner.token_of(mia))
    me = app.run("Me", first=5)["me"]

    assert me["id"] == mia
    assert len(me["purchases"]["edges"]) == 1
    for forbidden in (
        "members { edges { node { id } } }",
        "stores { edges { node { id } } }",
        "program { draft { revision } }",
    ):
        assert app.execute("{ " + forbidden + " }").code == "FORBIDDEN"
    for foreign in (noah, of_noah, store_id):
        assert app.execute("query ($id: ID!) { node(id: $id) { id } }", {"id": foreign}).data == {"node": None}
    assert app.execute("query ($id: ID!) { node(id: $id) { id } }", {"id": mia}).data == {"node": {"id": mia}}
    assert owner.execute("{ me { id } }").code == "FORBIDDEN"
