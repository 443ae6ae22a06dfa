"""Redemptions at the edge: who may see what can be had with one, and who decides where its goods are."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.story import Caller, Merchant, sign_up

SHOWN = "{ redemption(id: $id) { codes pickupCode status } }"
SEEN = "query ($id: ID!) " + SHOWN


@dataclass(frozen=True, slots=True)
class Counter:
    """A merchant with two stores, a till in each, a member with points, and keys that only read."""

    owner: Merchant
    member: str
    here: str
    there: str
    tills: dict[str, Caller]
    readers: list[Caller]

    def offer(self, code: str, kind: str) -> str:
        name = {"en": code, "zh": code}
        given = {"code": code, "kind": kind, "name": name, "costPoints": 10}
        return str(self.owner.do("createReward", "reward { id }", **given)["reward"]["id"])

    def redeem(self, reward: str, **given: Any) -> str:
        values = {"member": {"id": self.member}, "rewardId": reward, "idempotencyKey": fresh_key()} | given
        return str(self.owner.do("redeemReward", "redemption { id }", **values)["redemption"]["id"])


@pytest.fixture
def counter(gateway: GraphQLClient) -> Counter:
    owner = sign_up(gateway, "counters")
    here, there = owner.open_store(code="here"), owner.open_store(code="there")
    owner.start_program()
    member = owner.enroll()
    owner.do(
        "adjustPoints", "replayed", member={"id": member}, points=500, reason="welcome", idempotencyKey=fresh_key()
    )

    def key(*scopes: str, store: str | None = None) -> Caller:
        given = {"name": "key", "scopes": list(scopes), "storeId": store}
        return owner.with_token(owner.do("createApiKey", "secret", **given)["secret"])

    tills = {store: key("MEMBERS_READ", "REDEMPTIONS_WRITE", store=store) for store in (here, there)}
    readers = [key("MEMBERS_READ"), key("MEMBERS_READ", "PURCHASES_READ", "PROGRAM_READ", "STORES_READ", store=here)]
    return Counter(owner, member, here, there, tills, readers)


def test_who_only_reads_sees_no_codes(counter: Counter) -> None:
    coded, shown = counter.offer("book", "VIRTUAL"), counter.offer("mug", "PHYSICAL")
    counter.owner.do("importRewardCodes", "added", rewardId=coded, csv="GIFT-1", idempotencyKey=fresh_key())
    book, mug = counter.redeem(coded), counter.redeem(shown, pickupStoreId=counter.here)
    token = counter.owner.do("createMemberToken", "token", memberId=counter.member)["token"]
    staff, member = counter.tills[counter.here], counter.owner.with_token(token)

    for reader in counter.readers:
        assert reader.ask(SEEN, id=book) == {"codes": [], "pickupCode": None, "status": "FULFILLED"}
        assert reader.ask(SEEN, id=mug) == {"codes": [], "pickupCode": None, "status": "CONFIRMED"}
    assert staff.ask(SEEN, id=book)["codes"] == ["GIFT-1"]
    pickup_code = staff.ask(SEEN, id=mug)["pickupCode"]
    assert len(pickup_code) == 8
    mine = member.ask("{ me { redemptions { edges { node { codes pickupCode } } } } }")["redemptions"]["edges"]
    assert [edge["node"] for edge in mine] == [
        {"codes": [], "pickupCode": pickup_code},
        {"codes": ["GIFT-1"], "pickupCode": None},
    ]


def test_where_goods_are_is_decided_where_they_were_handed_out(counter: Counter) -> None:
    reward = counter.offer("mug", "PHYSICAL")
    here, there = counter.tills[counter.here], counter.tills[counter.there]
    redemption = counter.redeem(reward, pickupStoreId=counter.there)
    code = there.ask(SEEN, id=redemption)["pickupCode"]
    there.do("collectRedemption", "replayed", pickupCode=code, storeId=counter.there, idempotencyKey=fresh_key())
    wish = {"redemptionId": redemption, "reason": "OTHER", "whereabouts": "LOST"}

    # The goods are in the member's hands: nobody at another counter gives the points back for them.
    given = {**wish, "storeId": counter.here, "idempotencyKey": fresh_key()}
    assert here.refused("cancelRedemption", **given) == "FORBIDDEN"
    assert there.ask(SEEN, id=redemption)["status"] == "COLLECTED"

    done = there.do("cancelRedemption", "points", **wish, storeId=counter.there, idempotencyKey=fresh_key())
    assert done["points"] == 10


def test_what_has_not_left_is_canceled_at_any_counter_and_made_ready_at_its_own(counter: Counter) -> None:
    reward = counter.offer("mug", "PHYSICAL")
    here, there = counter.tills[counter.here], counter.tills[counter.there]
    first, second = (counter.redeem(reward, pickupStoreId=counter.there) for _ in range(2))

    canceling = {"redemptionId": first, "reason": "CHANGED_MIND", "storeId": counter.here}
    assert here.do("cancelRedemption", "points", **canceling, idempotencyKey=fresh_key()) == {
        "__typename": "CancelRedemptionPayload",
        "points": 10,
    }
    making = {"redemptionId": second, "idempotencyKey": fresh_key()}
    assert here.refused("fulfillRedemption", **making, storeId=counter.here) == "FORBIDDEN"
    done = there.do("fulfillRedemption", "redemption { status }", **making, storeId=counter.there)
    assert done["redemption"] == {"status": "FULFILLED"}


def test_a_coupon_that_a_reward_gives_is_not_archived(counter: Counter) -> None:
    terms = {
        "name": {"en": "Ten off", "zh": "减十元"},
        "currency": "CNY",
        "benefit": {"kind": "PERCENT", "percent": "10"},
    }
    kind = counter.owner.do("createCouponDefinition", "couponDefinition { id }", code="ten", terms=terms)
    definition = kind["couponDefinition"]["id"]
    name = {"en": "A voucher", "zh": "代金券"}
    values = {"code": "voucher", "kind": "COUPON", "name": name, "costPoints": 10}
    reward = counter.owner.do("createReward", "reward { id }", **values, terms={"couponDefinitionId": definition})
    selection = "couponDefinition { archivedAt } } ... on RewardGivesCoupon { rewardId rewardName { en zh }"

    refused = counter.owner.attempt("archiveCouponDefinition", selection, couponDefinitionId=definition)

    assert refused == {
        "__typename": "RewardGivesCoupon",
        "rewardId": reward["reward"]["id"],
        "rewardName": name,
        "code": "REWARD_GIVES_COUPON",
        "message": "The reward “A voucher” gives coupons of this kind. Archive the reward first, or let it give "
        "another kind.",
    }
    chinese = counter.owner.with_token(counter.owner.client.token, Accept_Language="zh")
    told = chinese.attempt("archiveCouponDefinition", selection, couponDefinitionId=definition)["message"]
    assert told == "奖励“代金券”正在发放此类优惠券，请先下架该奖励，或让它改发其他优惠券。"
    counter.owner.do("archiveReward", "reward { id }", rewardId=reward["reward"]["id"])
    archived = counter.owner.do(
        "archiveCouponDefinition", "couponDefinition { archivedAt }", couponDefinitionId=definition
    )
    assert archived["couponDefinition"]["archivedAt"] is not None
