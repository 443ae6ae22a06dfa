"""A merchant offers rewards on terms, and the staff hand them over: over the API."""

from typing import Any

from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.story import Merchant, sign_up

REDEMPTION = "redemption { id status points quantity codes pickupCode waitingSince money { amount currency } }"
QUEUE = "query ($store: ID) { fulfillmentQueue(storeId: $store, first: 5) { edges { node { id status } } } }"
BUDGET = """query ($id: ID!) { budget(id: $id) {
  inPoints { maximum reserved spent room } inUnits { reserved spent }
  inMoney { spent { amount currency } } forecast { measure at } } }"""
CATALOGUE = """{ rewards(orderBy: POSITION, category: ["Home"], first: 5) { edges { node {
  code hasCodes stock terms { packSize category images position price { points money { amount } }
    tierPrices { tier price { points } } limits { period quantity } } } } } }"""


def set_up(gateway: GraphQLClient, slug: str) -> tuple[Merchant, str, str]:
    """A merchant with a program, a store, and a member with 500 points."""
    owner = sign_up(gateway, slug)
    owner.start_program()
    store, member = owner.open_store(), owner.enroll()
    values = {"member": {"id": member}, "points": 500, "reason": "Gift", "idempotencyKey": fresh_key()}
    owner.do("adjustPoints", "balance", **values)
    return owner, store, member


def offer(owner: Merchant, code: str, kind: str, cost: int, **terms: Any) -> str:
    name = {"en": code.title(), "zh": code}
    made = owner.do("createReward", "reward { id }", code=code, kind=kind, name=name, costPoints=cost, terms=terms)
    return str(made["reward"]["id"])


def test_a_thing_is_held_confirmed_made_ready_and_picked_up(gateway: GraphQLClient) -> None:
    owner, store, member = set_up(gateway, "pickup")
    money = {"moneyMax": "100.00", "currency": "CNY"}
    name = {"en": "Gifts", "zh": "礼品"}
    budget = owner.do("createBudget", "budget { id }", code="gifts", name=name, pointsMax=1_000, **money)["budget"][
        "id"
    ]
    lamp = offer(owner, "lamp", "PHYSICAL", 100, moneyCost="19.90", currency="CNY", unitCost="8.00", budgetId=budget)
    taking = {"member": {"id": member}, "rewardId": lamp, "pickupStoreId": store}

    held = owner.do("holdReward", f"{REDEMPTION} balance", **taking, idempotencyKey=fresh_key())

    lamp_id = held["redemption"]["id"]
    assert (held["redemption"]["status"], held["balance"]) == ("HELD", 400)
    assert held["redemption"]["money"] == {"amount": "19.90", "currency": "CNY"}
    seen = owner.ask(BUDGET, id=budget)
    assert seen["inPoints"] == {"maximum": 1_000, "reserved": 100, "spent": 0, "room": 900}
    unpaid = owner.refused("confirmRedemption", redemptionId=lamp_id, idempotencyKey=fresh_key())
    assert unpaid == "REDEMPTION_UNPAID"
    payment = {"amount": "19.90", "currency": "CNY", "reference": "T-1"}
    done = owner.do("confirmRedemption", REDEMPTION, redemptionId=lamp_id, payment=payment, idempotencyKey=fresh_key())
    assert done["redemption"]["status"] == "CONFIRMED"
    assert owner.ask(QUEUE, store=store)["edges"] == [{"node": {"id": lamp_id, "status": "CONFIRMED"}}]
    ready = owner.do("fulfillRedemption", REDEMPTION, redemptionId=lamp_id, idempotencyKey=fresh_key())
    assert ready["redemption"]["status"] == "FULFILLED"
    code = ready["redemption"]["pickupCode"]
    taken = owner.do("collectRedemption", REDEMPTION, pickupCode=code, storeId=store, idempotencyKey=fresh_key())
    assert (taken["redemption"]["status"], taken["redemption"]["waitingSince"]) == ("COLLECTED", None)
    again = owner.refused("collectRedemption", pickupCode=code, storeId=store, idempotencyKey=fresh_key())
    assert again == "REDEMPTION_ENDED"
    assert owner.ask(QUEUE, store=store)["edges"] == []
    canceling = {"redemptionId": lamp_id, "reason": "CHANGED_MIND"}
    assert owner.refused("cancelRedemption", idempotencyKey=fresh_key(), **canceling) == "REDEMPTION_NEEDS_DECISION"
    canceled = owner.do(
        "cancelRedemption",
        "redemption { status } balance",
        whereabouts="RETURNED",
        idempotencyKey=fresh_key(),
        **canceling,
    )
    assert (canceled["redemption"]["status"], canceled["balance"]) == ("CANCELED", 500)
    assert owner.ask(BUDGET, id=budget) == {
        "inPoints": {"maximum": 1_000, "reserved": 0, "spent": 0, "room": 1_000},
        "inUnits": {"reserved": 0, "spent": 0},
        "inMoney": {"spent": {"amount": "0.00", "currency": "CNY"}},
        "forecast": None,
    }


def test_codes_are_for_whom_the_gift_is(gateway: GraphQLClient) -> None:
    owner, _, member = set_up(gateway, "codes")
    friend = owner.enroll(email="friend@codes.test")
    book = offer(owner, "book", "VIRTUAL", 10)
    imported = owner.do(
        "importRewardCodes",
        "added repeated reward { stock hasCodes }",
        rewardId=book,
        csv="code\nA-1\nA-1\nA-2",
        idempotencyKey=fresh_key(),
    )
    assert (imported["added"], imported["repeated"]) == (2, 1)
    assert imported["reward"] == {"stock": 2, "hasCodes": True}

    given = owner.do(
        "redeemReward",
        REDEMPTION,
        member={"id": member},
        rewardId=book,
        recipient={"email": "friend@codes.test"},
        idempotencyKey=fresh_key(),
    )["redemption"]

    assert (given["status"], given["codes"]) == ("FULFILLED", ["A-1"])
    asking = "query ($id: ID!) { node(id: $id) { ... on Redemption { codes isGift } } }"
    for who, codes in ((member, []), (friend, ["A-1"])):
        token = owner.do("createMemberToken", "token", memberId=who)["token"]
        answer = gateway.as_(token).execute(asking, {"id": given["id"]})
        assert answer.content["data"]["node"] == {"codes": codes, "isGift": True}


def test_the_catalogue_shows_its_terms(gateway: GraphQLClient) -> None:
    owner, _, _ = set_up(gateway, "terms")
    offer(
        owner,
        "tea",
        "PHYSICAL",
        10,
        packSize=3,
        category=["Home", "Tea"],
        images=["https://images.test/tea.jpg"],
        position=1,
        tierPrices=[{"tier": "gold", "points": 7}],
        limits=[{"period": "MONTH", "quantity": 2}],
    )
    offer(owner, "hose", "PHYSICAL", 10, category=["Garden"])

    (edge,) = owner.ask(CATALOGUE)["edges"]

    assert edge["node"] == {
        "code": "tea",
        "hasCodes": False,
        "stock": None,
        "terms": {
            "packSize": 3,
            "category": ["Home", "Tea"],
            "images": ["https://images.test/tea.jpg"],
            "position": 1,
            "price": {"points": 10, "money": None},
            "tierPrices": [{"tier": "gold", "price": {"points": 7}}],
            "limits": [{"period": "MONTH", "quantity": 2}],
        },
    }
