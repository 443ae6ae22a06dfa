"""Tiers at the edge: given, released, their history, and what a member is told of the way."""

from datetime import timedelta
from typing import Any

from services.platform.clock import wall_now
from tests.support.graphql_client import GraphQLClient

TIER = """
tier { code retention access isProtected benefits { en } } earnedTier { code } isGiven givenUntil since
progress { qualifying missing nextTier { code } way { amount visits ruleId spend { amount currency } } }
review { at required counted missing graceUntil projectedTier { code } way { amount } }"""
STANDING = f"""
query Standing($id: ID!, $at: DateTime!) {{
  member(by: {{id: $id}}) {{
    tier {{ {TIER} }} tierAsOf(at: $at)
    tierHistory(first: 5) {{ edges {{ node {{ id fromTier toTier kind reason until actorKind }} }} }}
  }}
}}"""
SET = """
mutation Set($input: SetMemberTierInput!) {
  setMemberTier(input: $input) {
    __typename ... on SetMemberTierPayload { member { tier { tier { code } isGiven givenUntil } } }
    ... on Error { code message }
  }
}"""
RELEASE = """
mutation Release($input: ReleaseMemberTierInput!) {
  releaseMemberTier(input: $input) {
    __typename ... on ReleaseMemberTierPayload { member { tier { tier { code } isGiven } } }
    ... on Error { code message }
  }
}"""


def standing(client: GraphQLClient, member: str) -> dict[str, Any]:
    now = wall_now().isoformat()
    found: dict[str, Any] = client.execute(STANDING, {"id": member, "at": now}).data["member"]
    return found


def test_a_tier_is_given_shown_and_released(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("founders")
    owner.create_store()
    owner.publish_template()
    member = owner.enroll("founder@club.example")
    codes = [level["code"] for level in _levels(owner)]
    until = (wall_now() + timedelta(days=30)).isoformat()

    given = owner.execute(
        SET, {"input": {"member": {"id": member}, "tier": codes[-1], "reason": "创始会员", "until": until}}
    ).data["setMemberTier"]
    assert given["member"]["tier"]["tier"] == {"code": codes[-1]}
    assert given["member"]["tier"]["isGiven"] is True
    shown = standing(owner, member)
    assert (shown["tier"]["tier"]["code"], shown["tier"]["earnedTier"]["code"]) == (codes[-1], codes[0])
    assert shown["tierAsOf"] == codes[-1]
    (edge,) = shown["tierHistory"]["edges"]
    assert (edge["node"]["kind"], edge["node"]["reason"], edge["node"]["actorKind"]) == ("GIVEN", "创始会员", "STAFF")
    again = owner.execute(
        "query N($id: ID!) { node(id: $id) { ... on MemberTierChange { toTier } } }", edge["node"]
    ).data
    assert again["node"] == {"toTier": codes[-1]}

    released = owner.execute(RELEASE, {"input": {"member": {"id": member}, "reason": "Over"}}).data["releaseMemberTier"]
    assert released["member"]["tier"] == {"tier": {"code": codes[0]}, "isGiven": False}
    refused = owner.execute(RELEASE, {"input": {"member": {"id": member}, "reason": "Over"}}).data["releaseMemberTier"]
    assert refused["code"] == "TIER_NOT_GIVEN"
    unknown = owner.execute(SET, {"input": {"member": {"id": member}, "tier": "nobility", "reason": "?"}}).data
    assert unknown["setMemberTier"]["code"] == "TIER_NOT_IN_PROGRAM"


def test_the_hot_read_shows_a_given_tier_like_the_ordinary_one(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("givers")
    store = owner.create_store()
    owner.publish_template()
    member = owner.enroll("given@club.example")
    owner.buy(member, store, amount="120.00")
    codes = [level["code"] for level in _levels(owner)]
    owner.execute(SET, {"input": {"member": {"id": member}, "tier": codes[-1], "reason": "VIP"}})
    picks = "tier { tier { code threshold } since progress { qualifying missing } }"

    hot = owner.execute(f"query H($id: ID!) {{ member(by: {{id: $id}}) {{ {picks} }} }}", {"id": member}).data
    ordinary = owner.execute(
        f"query O($id: ID!) {{ member(by: {{id: $id}}) @include(if: true) {{ {picks} }} }}", {"id": member}
    ).data

    assert hot == ordinary
    assert hot["member"]["tier"]["tier"]["code"] == codes[-1]


def _levels(owner: GraphQLClient) -> list[dict[str, Any]]:
    found = owner.execute("query { program { current { document } } }").data["program"]["current"]["document"]
    levels: list[dict[str, Any]] = found["tiers"]["levels"]
    return levels
