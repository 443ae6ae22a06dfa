"""Reads of members that the database answers with JSON say what the ordinary way says, in the same order of keys."""

import json
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.gateway.profiles.both_ways import TEMPLATES, Answered, Crowd, compare, publish, shortcuts
from tests.integration.gateway.profiles.selections import members, pages
from tests.support.graphql_client import GraphQLClient
from tests.support.tenants import DatabaseUrls

LAW = settings(
    deadline=None, derandomize=True, database=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)


@LAW
@given(selection=pages)
def test_pages_of_any_selection(crowd: Crowd, answered: Answered, selection: str) -> None:
    document = f"{{ members(first: 6) {selection} }}"
    answered.clear()

    assert shortcuts(document) == ["members"]
    compare(crowd.owner, document)
    assert answered[-1:] == [True]


@LAW
@given(selection=members, number=st.integers(0, 6))
def test_one_member_of_any_selection(crowd: Crowd, answered: Answered, selection: str, number: int) -> None:
    by = json.dumps(crowd.members[number])
    answered.clear()

    compare(crowd.owner, f"{{ who: member(by: {{ id: {by} }}) {selection} }}")
    assert answered[-1:] == [True]


def test_the_whole_of_everybodys_tier(crowd: Crowd, answered: Answered) -> None:
    tier = "{ code threshold multiplier name { en } }"
    standing = f"{{ tier {tier} since pointsEarned progress {{ qualifying missing fraction nextTier {tier} }} }}"
    answered.clear()

    found = compare(crowd.owner, f"{{ members(first: 7) {{ edges {{ node {{ id tier {standing} }} }} }} }}")

    ways = {edge["node"]["id"]: edge["node"]["tier"]["progress"] for edge in found["members"]["edges"]}
    # The third has what does not count yet, the fifth what counts no longer; they hold what they had reached.
    assert [ways[crowd.members[number]]["qualifying"] == 0 for number in (2, 4)] == [not crowd.is_lifetime] * 2
    assert answered == [True]


def test_what_is_to_be_decided_about_a_tier_only_python_knows(
    crowd: Crowd, answered: Answered, shared_urls: DatabaseUrls
) -> None:
    document = """
        { members(first: 7) { edges { node { tier { tier { code } progress { missing } } } } } }"""
    one = "WHERE member_id = (SELECT id FROM members ORDER BY id LIMIT 1)"
    undecided = {
        f"UPDATE member_tiers SET next_at = since {one}": f"UPDATE member_tiers SET next_at = NULL {one}",
        f"UPDATE member_tiers SET ladder = 'other' || ladder {one}": (
            f"UPDATE member_tiers SET ladder = right(ladder, -5) {one}"
        ),
    }
    answered.clear()

    with psycopg.connect(shared_urls.owner, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {crowd.schema}".encode())
        for spoil, mend in undecided.items():
            connection.execute(spoil.encode())
            compare(crowd.owner, document)
            connection.execute(mend.encode())
            compare(crowd.owner, document)

    # Where all counts for ever, nothing falls due.
    assert answered == [crowd.is_lifetime, True, crowd.is_lifetime, True]


def test_pages_follow_each_other(crowd: Crowd) -> None:
    document = """
        query Page($first: Int!, $after: String, $entries: Int!) {
            members(first: $first, after: $after) {
                edges { cursor node { ...Shown } }
                pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
            }
        }
        fragment Shown on Member {
            id ledger(first: $entries) { edges { node { points } } pageInfo { hasNextPage } }
        }
    """
    pages: list[Any] = []
    after = None
    for _ in range(4):
        pages.append(compare(crowd.owner, document, {"first": 2, "after": after, "entries": 3})["members"])
        after = pages[-1]["pageInfo"]["endCursor"]

    assert [edge["node"]["id"] for page in pages for edge in page["edges"]] == crowd.members[::-1]
    assert [page["pageInfo"]["hasNextPage"] for page in pages] == [True, True, True, False]
    assert [page["pageInfo"]["hasPreviousPage"] for page in pages] == [False, True, True, True]


@pytest.mark.parametrize(
    ("by", "is_found"),
    [
        ({"email": "M3@crowd.example"}, True),
        ({"email": "nobody@crowd.example"}, False),
        ({"phone": "not a number"}, None),
        ({"id": "garbage"}, None),
        ({"id": "U3RvcmU6MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw"}, None),
    ],
)
def test_members_by_whatever_names_them(crowd: Crowd, by: dict[str, str], *, is_found: bool | None) -> None:
    document = "query One($by: MemberReferenceInput!) { member(by: $by) { name balances { available } } }"

    data = compare(crowd.owner, document, {"by": by})

    assert (data is None or data["member"] is None) is not (is_found is True)


def test_members_see_their_own(crowd: Crowd) -> None:
    found = compare(crowd.own, "{ me { id balances { earned } tier { tier { code } } } }")

    assert found["me"]["id"] == crowd.members[1]


def test_who_may_not_is_refused_the_ordinary_way(crowd: Crowd, shared_api: GraphQLClient) -> None:
    page = "{ members(first: 1) { edges { node { id } } } }"

    assert compare(crowd.own, page) is None
    assert compare(crowd.owner.create_api_key("STORES_READ"), page) is None
    assert compare(shared_api, page) is None
    assert compare(crowd.owner, "{ me { id } }") == {"me": None}
    assert len(compare(crowd.cashier, page)["members"]["edges"]) == 1


@pytest.mark.parametrize("first", ["0", "101", "-1"])
def test_pages_of_impossible_length_are_refused_the_ordinary_way(crowd: Crowd, first: str) -> None:
    assert compare(crowd.owner, f"{{ members(first: {first}) {{ edges {{ node {{ id }} }} }} }}") is None
    inner = f"edges {{ node {{ ledger(first: {first}) {{ edges {{ cursor }} }} }} }}"
    assert compare(crowd.owner, f"{{ members(first: 1) {{ {inner} }} }}") is None


def test_without_a_program_there_is_no_tier(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("tierless")
    owner.enroll()

    found = compare(owner, "{ members { edges { node { tier { since tier { code } } } } } }")

    assert found == {"members": {"edges": [{"node": {"tier": None}}]}}


def test_a_program_that_was_published_meanwhile_counts_at_once(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("changing")
    owner.publish_template("CAFE")
    owner.enroll()
    document = "{ members { edges { node { tier { tier { code name { en } } } } } } }"
    before = compare(owner, document)

    program = json.loads((TEMPLATES / "cafe.json").read_text())["document"]
    program["tiers"]["levels"][0]["name"]["en"] = "Newcomer"
    publish(owner, program)

    after = owner.execute(document).data
    assert "Guest" in json.dumps(before)
    assert "Newcomer" in json.dumps(after)
    assert compare(owner, document) == after
