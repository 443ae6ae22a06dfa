"""What a caller may ask for: told with every answer, refused before anything is done, and nobody else's business."""

import time
from urllib.parse import urlsplit

import pytest

from services.gateway.execution.charging import REJECTED_COST
from services.gateway.graphql.cost import COST_MAX
from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.config import RATE_CAPACITY_MIN
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import unit_of_work
from services.platform.limits.domain import Quota
from services.platform.tenancy.registry import set_quota, tenant_by_slug
from tests.integration.gateway.limits.conftest import CAPACITY, OpenGateway
from tests.support.graphql_client import Answer, GraphQLClient

RESPONSE_JSON = "application/graphql-response+json"
PAGE = "{ stores(first: 100) { edges { node { id } } } }"
PAGE_COST = 1 + 100 * 2
STRANGERS = '{ __type(name: "Member") { name } }'
SETTLED_MAX = 200
"""More than leaks while a test runs, less than any of its questions cost."""


def _drain(client: GraphQLClient) -> Answer:
    """Ask until there is no answer; the refusal."""
    for _ in range(CAPACITY // PAGE_COST + 2):
        answer = client.execute(PAGE)
        if answer.status != 200:
            return answer
    raise AssertionError("it never came to an end")


def test_every_answer_tells_what_it_cost_and_what_is_left(limited: GraphQLClient) -> None:
    owner = limited.sign_up("counted")

    first, second = (owner.execute(PAGE).content["extensions"]["cost"] for _ in range(2))

    assert (first["requested"], first["spent"], first["maximum"]) == (PAGE_COST, PAGE_COST, CAPACITY)
    assert 0 <= first["remaining"] - (CAPACITY - PAGE_COST) <= 1
    assert 0 <= second["remaining"] - (CAPACITY - 2 * PAGE_COST) < SETTLED_MAX
    assert 0 <= 2 * PAGE_COST - second["resetSeconds"] < SETTLED_MAX


@pytest.mark.parametrize(("accept", "media_type"), [("", "application/json"), (RESPONSE_JSON, RESPONSE_JSON)])
def test_who_asks_for_too_much_is_told_when_to_come_back(limited: GraphQLClient, accept: str, media_type: str) -> None:
    owner = limited.sign_up("greedy")

    refused = _drain(owner.as_(owner.token, Accept=accept))

    assert refused.status == 429
    assert refused.headers["Content-Type"] == f"{media_type}; charset=utf-8"
    assert refused.content["errors"][0]["message"].startswith(f"The operation costs {PAGE_COST} points and ")
    facts = refused.error
    assert set(refused.content) == {"errors"}
    assert facts["code"] == "RATE_LIMITED"
    assert (facts["requested"], facts["maximum"]) == (PAGE_COST, CAPACITY)
    assert 0 <= facts["remaining"] < PAGE_COST
    assert 0 < facts["retryAfterSeconds"] <= PAGE_COST
    assert refused.headers["Retry-After"] == str(facts["retryAfterSeconds"])
    in_chinese = owner.as_(owner.token, Accept_Language="zh").execute(PAGE)
    assert in_chinese.content["errors"][0]["message"].startswith(f"该操作需要 {PAGE_COST} 点额度")


def test_what_is_refused_is_not_done(limited: GraphQLClient) -> None:
    owner = limited.sign_up("idle")
    key = owner.create_api_key("STORES_READ")
    _drain(owner)

    twenty = " ".join(f"s{n}: createStore(input: $input) {{ __typename }}" for n in range(20))
    store = {"code": "late", "name": "Late", "timezone": "Asia/Shanghai", "currency": "CNY"}
    refused = owner.execute(f"mutation ($input: CreateStoreInput!) {{ {twenty} }}", {"input": store})

    assert (refused.status, refused.code) == (429, "RATE_LIMITED")
    assert key.execute(PAGE).data == {"stores": {"edges": []}}


@pytest.mark.usefixtures("nothing_remembered")
def test_a_tenant_may_have_more_than_others(limited: GraphQLClient, database: Database) -> None:
    owner, neighbor = limited.sign_up("large"), limited.sign_up("usual")
    key = owner.create_api_key("STORES_READ")
    _set_quota(database, "large", Quota(3 * CAPACITY, 1))

    told = [who.execute(PAGE).content["extensions"]["cost"]["maximum"] for who in (owner, key, neighbor)]
    answered = sum(key.execute(PAGE).status == 200 for _ in range(2 * CAPACITY // PAGE_COST))
    _set_quota(database, "large", None)

    assert told == [3 * CAPACITY, 3 * CAPACITY, CAPACITY]
    assert answered == 2 * CAPACITY // PAGE_COST
    refused = key.execute(PAGE)
    assert (refused.status, refused.error["maximum"]) == (429, CAPACITY)
    assert owner.execute(PAGE).status == 200


@pytest.mark.usefixtures("nothing_remembered")
def test_strangers_at_a_tenants_door_have_what_all_strangers_have(limited: GraphQLClient, database: Database) -> None:
    owner = limited.sign_up("door")
    _set_quota(database, "door", Quota(3 * CAPACITY, 1))

    cost = limited.as_(None, X_Tenant="door").execute("{ viewer { kind } }").content["extensions"]["cost"]

    assert owner.execute(PAGE).content["extensions"]["cost"]["maximum"] == 3 * CAPACITY
    assert cost["maximum"] == CAPACITY


def _set_quota(database: Database, slug: str, quota: Quota | None) -> None:
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id="t") as uow:
        tenant = tenant_by_slug(uow, slug)
        assert tenant is not None
        assert set_quota(uow, tenant_id=tenant.id, quota=quota)


def test_neither_another_tenant_nor_another_kind_of_credential_is_held_up(limited: GraphQLClient) -> None:
    owner, neighbor = limited.sign_up("noisy"), limited.sign_up("quiet")
    key = owner.create_api_key("STORES_READ")
    member = owner.as_(owner.token_of(_enroll(owner)))

    assert _drain(owner).code == "RATE_LIMITED"

    assert neighbor.execute(PAGE).status == 200
    assert key.execute(PAGE).status == 200
    assert member.execute("{ me { id } }").status == 200
    assert limited.execute(STRANGERS).status == 200
    assert owner.execute(PAGE).status == 429


def test_processes_share_a_bucket(open_gateway: OpenGateway) -> None:
    with open_gateway() as one, open_gateway() as another:
        owner = one.sign_up("everywhere")
        elsewhere = another.as_(owner.token)
        assert _drain(owner).code == "RATE_LIMITED"

        asked = 0
        while elsewhere.execute(PAGE).status == 200:
            asked += 1
            assert asked < CAPACITY // PAGE_COST // 2, "it never heard of what the other let through"
            time.sleep(0.05)


def test_strangers_have_a_bucket_for_their_address(open_gateway: OpenGateway) -> None:
    with open_gateway() as here, open_gateway(peer="2001:4860:1:2:3::4") as there:
        while here.execute(STRANGERS).status == 200:
            pass

        assert here.execute(STRANGERS).code == "RATE_LIMITED"
        assert there.execute(STRANGERS).status == 200


def test_documents_that_are_refused_cost_something(limited: GraphQLClient) -> None:
    owner = limited.sign_up("rubbish")
    before = owner.execute(PAGE).content["extensions"]["cost"]["remaining"]

    for document in ("{ nothing }", "{ members(", "{ __typename " + "a " * 10_000 + "}"):
        assert owner.execute(document).status in (200, 400)

    after = owner.execute(PAGE).content["extensions"]["cost"]["remaining"]
    assert 0 <= after - (before - PAGE_COST - 3 * REJECTED_COST) < SETTLED_MAX // 2
    asked = 0
    while owner.execute("{ nothing }").status != 429:
        asked += 1
        assert asked <= CAPACITY // REJECTED_COST
    assert owner.execute("{ nothing }").code == "RATE_LIMITED"


def test_a_bucket_recovers(open_gateway: OpenGateway) -> None:
    with open_gateway(per_second=PAGE_COST - 1) as gateway:
        owner = gateway.sign_up("patient")
        for _ in range(400):
            answer = owner.execute(PAGE)
            if answer.status == 429:
                time.sleep(int(answer.headers["Retry-After"]))
                assert owner.execute(PAGE).status == 200
                return
        raise AssertionError("more was answered than a bucket holds")


def test_without_valkey_everything_is_answered_and_nothing_is_promised(api: GraphQLClient) -> None:
    owner = api.sign_up("open")

    told = [owner.execute(PAGE).content["extensions"]["cost"] for _ in range(40)]

    assert told[-1] == {
        "requested": PAGE_COST,
        "spent": PAGE_COST,
        "remaining": None,
        "maximum": 100_000,
        "resetSeconds": None,
    }


def test_the_dearest_operation_fits_into_the_smallest_bucket() -> None:
    assert RATE_CAPACITY_MIN == COST_MAX


def _enroll(owner: GraphQLClient) -> str:
    owner.create_store()
    owner.publish_template()
    return owner.enroll()


def test_links_have_a_budget_of_their_visitor_and_of_their_tenant(open_gateway: OpenGateway) -> None:
    with open_gateway() as client:
        owner = client.sign_up("linked")
        member = owner.enroll()
        made = owner.do("CreateShare", member={"id": member}, url="https://shop.example/", channel="x")
    path = urlsplit(made["link"]).path
    statuses = []
    for peer in ("203.0.113.7", "203.0.113.8"):
        # Another address, and so another bucket of its own; that of the tenant's links is empty.
        with open_gateway(peer=peer) as visitor:
            answers = [visitor.send("GET", path, headers={"User-Agent": f"Mozilla/5.0 ({peer})"}) for _ in range(101)]
            statuses.append([answer.status for answer in answers])
            assert 0 < int(answers[-1].headers["Retry-After"]) <= 100

    assert statuses[0][:95] == [302] * 95
    assert statuses[0][-1] == statuses[1][-1] == 429
    assert statuses[1].count(302) < 10
    with open_gateway() as client:
        assert client.as_(owner.token).execute(PAGE).status == 200
