"""Points are reserved, spent, given to a friend and seen, over the API."""

from typing import Any

from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.story import Caller, Merchant, sign_up

HOLD = "hold { id status held captured unit reference member { id } } points balance replayed"
HOLDS = "query ($id: ID!) { member(by: {id: $id}) { holds(isOpen: true, first: 5) { edges { node { id held } } } } }"
TRANSFERS = """query ($id: ID!) { member(by: {id: $id}) {
  balances { available transferred }
  transfers { edges { node { points message sender { id } recipient { id } } } } } }"""


def program_with_gifts(owner: Merchant) -> None:
    owner.start_program()
    document: dict[str, Any] = owner.ask("{ program { draft { document } } }")["draft"]["document"]
    document["policies"] = {**document.get("policies", {}), "transfers": {"allowed": True, "pointsMax": 50}}
    owner.publish(document)


def give(owner: Caller, member: str, points: int) -> None:
    values = {"member": {"id": member}, "points": points, "reason": "Gift", "idempotencyKey": fresh_key()}
    owner.do("adjustPoints", "balance", **values)


def test_points_are_reserved_and_spent(gateway: GraphQLClient) -> None:
    owner = sign_up(gateway, "holds")
    program_with_gifts(owner)
    member = owner.enroll()
    give(owner, member, 100)
    key = fresh_key()

    held = owner.do("holdPoints", HOLD, member={"id": member}, points=60, reference="Order 7", idempotencyKey=key)
    again = owner.do("holdPoints", HOLD, member={"id": member}, points=60, reference="Order 7", idempotencyKey=key)

    assert (held["points"], held["balance"], held["hold"]["status"], held["hold"]["held"]) == (60, 40, "OPEN", 60)
    assert (again["hold"]["id"], again["replayed"]) == (held["hold"]["id"], True)
    assert held["hold"]["member"]["id"] == member
    seen = owner.ask(HOLDS, id=member)
    assert seen["holds"]["edges"] == [{"node": {"id": held["hold"]["id"], "held": 60}}]
    hold_id = held["hold"]["id"]
    assert owner.refused("captureHold", holdId=hold_id, points=61, idempotencyKey=fresh_key()) == "HOLD_TOO_SMALL"
    taken = owner.do("captureHold", HOLD, holdId=hold_id, points=20, keepsRest=True, idempotencyKey=fresh_key())
    assert (taken["points"], taken["balance"], taken["hold"]["held"]) == (20, 40, 40)
    given_back = owner.do("releaseHold", HOLD, holdId=hold_id, idempotencyKey=fresh_key())
    assert (given_back["points"], given_back["balance"], given_back["hold"]["status"]) == (40, 80, "CAPTURED")
    assert owner.ask(HOLDS, id=member)["holds"]["edges"] == []
    assert owner.refused("releaseHold", holdId=hold_id, idempotencyKey=fresh_key()) == "HOLD_ENDED"


def test_a_member_gives_points_to_a_friend(gateway: GraphQLClient) -> None:
    owner = sign_up(gateway, "gifts")
    program_with_gifts(owner)
    member, friend = owner.enroll(), owner.enroll(email="friend@gifts.test")
    give(owner, member, 100)
    gift = {"sender": {"id": member}, "recipient": {"email": "friend@gifts.test"}, "message": "For you"}

    given = owner.do(
        "transferPoints", "transfer { id points } points balance", points=30, idempotencyKey=fresh_key(), **gift
    )

    assert (given["points"], given["balance"]) == (30, 70)
    seen = owner.ask(TRANSFERS, id=friend)
    assert seen["balances"] == [{"available": 30, "transferred": 30}]
    node = {"points": 30, "message": "For you", "sender": {"id": member}, "recipient": {"id": friend}}
    assert seen["transfers"]["edges"] == [{"node": node}]
    assert owner.refused("transferPoints", points=51, idempotencyKey=fresh_key(), **gift) == "TRANSFER_OUT_OF_RANGE"
    assert (
        owner.refused("transferPoints", points=1, idempotencyKey=fresh_key(), **(gift | {"recipient": {"id": member}}))
        == "TRANSFER_TO_SELF"
    )


def test_an_action_that_nothing_awaits_begins_nothing(gateway: GraphQLClient) -> None:
    owner = sign_up(gateway, "actions")
    owner.start_program()

    unknown = {"external": {"source": "shop", "externalId": "none"}}
    refusal = owner.refused("reportAction", action="order_shipped", purchase=unknown, idempotencyKey=fresh_key())

    assert refusal == "PURCHASE_NOT_FOUND"
