"""Void, amend, exchange, claim and a refund that waits, through GraphQL alone."""

from typing import Any

from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.story import receipt, sign_up

STANDS = "points balance purchase { total { amount } points }"
LINES = [{"sku": "beans", "quantity": "1", "amount": "30.00"}]


def keyed(**given: Any) -> dict[str, Any]:
    return {"idempotencyKey": fresh_key(), **given}


def test_a_purchase_is_rung_up_anew_exchanged_and_voided(gateway: GraphQLClient) -> None:
    owner = sign_up(gateway, "changes")
    store = owner.open_store()
    owner.start_program()
    mia = owner.enroll()
    bought = owner.do("recordPurchase", "purchase { id }", **receipt(store, "100.00", "20.00", member=mia))["purchase"]

    amended = owner.do(
        "amendPurchase", f"{STANDS} change shortfall", **keyed(purchase={"id": bought["id"]}, lines=LINES)
    )
    exchanged = owner.do(
        "exchangePurchase",
        "points pointsTakenBack balance refund { amount { amount } } purchase { total { amount } member { id } }",
        **keyed(
            purchase={"id": bought["id"]},
            returned=[{"position": 1, "quantity": "0.5"}],
            source="till",
            refundExternalId="return",
            externalId="new",
            storeId=store,
            lines=[{"sku": "cup", "quantity": "1", "amount": "7.00"}],
        ),
    )
    voided = owner.do(
        "voidPurchase",
        "points owed shortfall balance needsDecision { id } consequences { id } purchase { refunded { amount } }",
        **keyed(purchase={"id": bought["id"]}, reason="a test"),
    )

    assert (amended["points"], amended["change"], amended["balance"]) == (30, -90, 30)
    assert amended["purchase"] == {"total": {"amount": "30.00"}, "points": 30}
    assert (exchanged["pointsTakenBack"], exchanged["points"], exchanged["balance"]) == (15, 7, 22)
    assert exchanged["purchase"] == {"total": {"amount": "7.00"}, "member": {"id": mia}}
    assert (voided["points"], voided["balance"], voided["purchase"]["refunded"]["amount"]) == (15, 7, "30.00")
    assert (voided["needsDecision"], voided["consequences"]) == ([], [])
    again = keyed(purchase={"id": bought["id"]})
    assert owner.refused("voidPurchase", **again) == "PURCHASE_VOIDED"
    assert owner.refused("amendPurchase", **again, lines=LINES) == "PURCHASE_VOIDED"


def test_a_receipt_is_claimed_once(gateway: GraphQLClient) -> None:
    owner = sign_up(gateway, "claims")
    store = owner.open_store()
    owner.start_program()
    mia, noah = owner.enroll(email="mia@members.test"), owner.enroll(email="noah@members.test")
    owner.do("recordPurchase", "points", **receipt(store, "45.00", externalId="4711"))
    paper = {"source": "till", "externalId": "4711", "storeId": store, "total": "45.00", "currency": "CNY"}

    wrong = owner.refused("claimPurchase", **keyed(**paper | {"total": "45.01"}, member={"id": mia}))
    claimed = owner.do("claimPurchase", STANDS, **keyed(**paper, member={"id": mia}))
    late = owner.refused("claimPurchase", **keyed(**paper, member={"id": noah}))

    assert (wrong, late) == ("PURCHASE_NOT_FOUND", "PURCHASE_ALREADY_CLAIMED")
    assert (claimed["points"], claimed["balance"]) == (45, 45)


def test_a_refund_waits_for_its_purchase(gateway: GraphQLClient) -> None:
    owner = sign_up(gateway, "early")
    store = owner.open_store()
    owner.start_program()
    mia = owner.enroll()
    refund = {
        "purchase": {"external": {"source": "till", "externalId": "4711"}},
        "source": "till",
        "externalId": "return",
        "refund": {"amount": "5.00"},
    }

    unsaid = owner.refused("refundPurchase", **keyed(**refund))
    early = owner.do("refundPurchase", "isWaiting purchase { id }", **keyed(**refund, currency="CNY"))
    owner.do("recordPurchase", "points", **receipt(store, "45.00", member=mia, externalId="4711"))
    late = owner.do("refundPurchase", "isWaiting points replayed", **keyed(**refund))

    assert unsaid == "INVALID_INPUT"
    assert (early["isWaiting"], early["purchase"]) == (True, None)
    assert (late["isWaiting"], late["points"], late["replayed"]) == (False, 5, True)
