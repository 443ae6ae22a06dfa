"""A merchant with members to whom all sorts of things have happened."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from services.gateway.graphql.members import profile_field
from tests.integration.gateway.profiles.both_ways import ANSWERED, TEMPLATES, Answered, Crowd, noted, publish
from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.tenants import DatabaseUrls


@pytest.fixture(scope="module")
def answered() -> Iterator[Answered]:
    """What the database answered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profile_field, "profiles", noted)
        yield ANSWERED


@pytest.fixture(scope="module", params=["CAFE", "RETAIL", "LIFETIME"])
def crowd(
    shared_api: GraphQLClient, shared_urls: DatabaseUrls, answered: Answered, request: pytest.FixtureRequest
) -> Crowd:
    """Tiers by points of twelve months, by money of the calendar year, and by all points that ever were."""
    slug = f"{request.module.__name__.rpartition('_')[2]}-{request.param.lower()}"
    owner = shared_api.sign_up(slug)
    store = owner.create_store()
    owner.publish_template("CAFE" if request.param == "LIFETIME" else request.param)
    if request.param == "LIFETIME":
        program = json.loads((TEMPLATES / "cafe.json").read_text())["document"]
        program["tiers"] = {"metric": "points_earned", "countsPending": True, "levels": program["tiers"]["levels"]}
        for level in program["tiers"]["levels"]:
            level.pop("retention", None)
        publish(owner, program)
    members = [owner.enroll(f"m{number}@crowd.example") for number in range(7)]
    for number, member in enumerate(members[:5]):
        bought = [owner.buy(member, store, amount=f"{(number + 1) * 700}.00") for _ in range(number + 1)]
        owner.do(
            "RefundPurchase",
            purchase={"id": bought[-1]["purchase"]["id"]},
            source="till",
            externalId=fresh_key(),
            refund={"everything": True},
            idempotencyKey=fresh_key(),
        )
        owner.do(
            "AdjustPoints", member={"id": member}, points=50 - 20 * number, reason="会员日", idempotencyKey=fresh_key()
        )
    owner.execute(
        "mutation Give($input: SetMemberTierInput!) { setMemberTier(input: $input) { __typename } }",
        {
            "input": {
                "member": {"id": members[5]},
                "tier": "gold" if request.param == "RETAIL" else "insider",
                "reason": "A friend of the house",
                "until": "2099-01-01T00:00:00Z",
            }
        },
    )
    owner.execute(
        "mutation Rename($input: UpdateMemberInput!) { updateMember(input: $input) { __typename } }",
        {"input": {"memberId": members[0], "name": 'Zoë "引号" \\ 王', "birthday": "1988-02-29"}},
    )
    with psycopg.connect(shared_urls.owner, autocommit=True) as connection:
        row = connection.execute("SELECT schema_name FROM platform.tenants WHERE slug = %s", [slug]).fetchone()
        assert row is not None
        connection.execute(f"SET search_path TO {row[0]}".encode())
        # As if the clock had gone on, and the job that settles what is due had not been there yet.
        lots = "(SELECT id FROM ledger_lots WHERE remaining > 0 ORDER BY id LIMIT 1 OFFSET %s)"
        connection.execute(f"UPDATE ledger_lots SET state = 'pending' WHERE id = {lots}", [0])
        connection.execute(
            f"UPDATE ledger_lots SET expires_at = activates_at + interval '1 microsecond' WHERE id = {lots}", [1]
        )
        connection.execute(
            "UPDATE members SET enrolled_at = date_trunc('second', enrolled_at)"
            " WHERE id IN (SELECT id FROM members LIMIT 3)"
        )
        # What the program would have to declare first.
        connection.execute(
            "UPDATE members SET tags = ARRAY['b', 'é \"', 'Z'], fields = %s, profile_completed_at = enrolled_at"
            " WHERE id IN (SELECT id FROM members LIMIT 4)",
            ['{"b": 1, "B": "引号\\"", "a": true, "_": "2026-02-28"}'],
        )
        # A tier of which too little is left, and points that do not count yet.
        some = "member_id = (SELECT id FROM members ORDER BY id LIMIT 1 OFFSET %s)"
        connection.execute(f"UPDATE tier_amounts SET day = day - 800 WHERE {some}", [4])
        if request.param != "LIFETIME":
            connection.execute(f"UPDATE tier_amounts SET counted_at = counted_at + interval '1 day' WHERE {some}", [2])
    return Crowd(
        owner,
        owner.create_api_key("MEMBERS_READ", store_id=store),
        members,
        owner.as_(owner.token_of(members[1])),
        row[0],
        request.param == "LIFETIME",
    )
