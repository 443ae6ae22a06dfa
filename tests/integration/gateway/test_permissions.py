"""Who may do what: every field of Query and Mutation against every kind of caller."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_leaf_type,
)

from services.gateway.graphql.ids import encode
from services.gateway.graphql.permissions import Guard
from services.gateway.graphql.schema import MUTATIONS, QUERIES, build_schema
from services.platform.auth.domain import Scope
from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.snapshot import snapshot
from tests.support.tenants import DatabaseUrls

SCHEMA = build_schema()._schema  # noqa: SLF001  Strawberry offers no other way to the graphql-core schema
NOBODY = UUID("01900000-0000-7000-8000-0000deadbeef")


@dataclass(frozen=True, slots=True)
class People:
    """Callers of one tenant, and what they may try to touch."""

    owner: GraphQLClient
    urls: DatabaseUrls
    member: GraphQLClient
    store_key: GraphQLClient
    store_id: str
    other_store_id: str
    member_id: str
    other_purchase_id: str


@pytest.fixture(scope="module")
def people(shared_api: GraphQLClient, shared_urls: DatabaseUrls) -> People:
    owner = shared_api.sign_up("permissions")
    store_id, other_store_id = owner.create_store("a"), owner.create_store("b")
    owner.publish_template()
    member_id = owner.enroll()
    return People(
        owner=owner,
        urls=shared_urls,
        member=owner.as_(owner.token_of(member_id)),
        store_key=owner.create_api_key(*(scope.name for scope in Scope), store_id=store_id),
        store_id=store_id,
        other_store_id=other_store_id,
        member_id=member_id,
        other_purchase_id=owner.buy(member_id, other_store_id)["purchase"]["id"],
    )


def minimal(kind: GraphQLInputType) -> str:
    """The smallest literal that fits an input type: enough to get past validation."""
    if isinstance(kind, GraphQLNonNull):
        return minimal(kind.of_type)
    if isinstance(kind, GraphQLList):
        return "[]"
    if isinstance(kind, GraphQLInputObjectType):
        # Strawberry tells of @oneOf by its own definition.
        is_one_of = kind.extensions["strawberry-definition"].is_one_of
        fields = list(kind.fields.items())
        needed = fields[:1] if is_one_of else [item for item in fields if isinstance(item[1].type, GraphQLNonNull)]
        return "{" + ", ".join(f"{name}: {minimal(field.type)}" for name, field in needed) + "}"
    literals = {
        "ID": f'"{encode("Store", NOBODY)}"',
        "String": '"x"',
        "Int": "1",
        "Boolean": "true",
        "Points": "1",
        "WholeNumber": "1",
        "Decimal": '"1"',
        "Currency": '"CNY"',
        "Timezone": '"Asia/Shanghai"',
        "Locale": '"en"',
        "Date": '"2026-01-01"',
        "DateTime": '"2026-01-01T00:00:00Z"',
        "IdempotencyKey": '"k"',
        "JSON": "{}",
    }
    return next(iter(kind.values)) if isinstance(kind, GraphQLEnumType) else literals[kind.name]


def document(name: str) -> str:
    """A request for one root field with as little as it takes."""
    root = (
        SCHEMA.query_type if name in (SCHEMA.query_type.fields if SCHEMA.query_type else {}) else SCHEMA.mutation_type
    )
    assert root is not None
    field = root.fields[name]
    given = [
        f"{argument}: {minimal(definition.type)}"
        for argument, definition in field.args.items()
        if isinstance(definition.type, GraphQLNonNull) and argument != "first"
    ]
    arguments = f"({', '.join(given)})" if given else ""
    selection = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    verb = "query" if root is SCHEMA.query_type else "mutation"
    return f"{verb} {{ {name}{arguments}{selection} }}"


def camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


FIELDS = {camel(name): field for name, field in {**QUERIES, **MUTATIONS}.items()}
GUARDED = sorted(
    name
    for name, field in FIELDS.items()
    if not next(extension for extension in field.extensions if isinstance(extension, Guard)).access.is_public
)
SCOPED = sorted(
    name
    for name, field in FIELDS.items()
    if next(extension for extension in field.extensions if isinstance(extension, Guard)).access.scope
)


def test_only_these_are_open_to_everybody() -> None:
    assert sorted(set(FIELDS) - set(GUARDED)) == [
        "acceptInvitation",
        "closeWallet",
        "logIn",
        "openWallet",
        "signUp",
        "viewer",
    ]


@pytest.mark.parametrize("name", GUARDED)
def test_strangers_are_told_to_bring_a_credential(people: People, name: str) -> None:
    before = snapshot(people.urls.owner)

    assert people.owner.as_(None).execute(document(name)).code == "UNAUTHENTICATED"
    assert people.owner.as_(None, X_Tenant="permissions").execute(document(name)).code == "UNAUTHENTICATED"

    assert snapshot(people.urls.owner) == before


@pytest.mark.parametrize("name", sorted(set(SCOPED) - {"moveCase", "noteCase", "openCase"}))
def test_members_hold_no_scope(people: People, name: str) -> None:
    before = snapshot(people.urls.owner)

    assert people.member.execute(document(name)).code == "FORBIDDEN"

    assert snapshot(people.urls.owner) == before


@pytest.mark.parametrize("name", SCOPED)
def test_a_key_with_every_other_scope_is_not_enough(people: People, name: str) -> None:
    scope = next(extension for extension in FIELDS[name].extensions if isinstance(extension, Guard)).access.scope
    assert scope is not None
    lacking = key_without(people, scope)

    answer = lacking.execute(document(name))

    assert answer.error == {"code": "FORBIDDEN", "scope": str(scope)}


_keys: dict[Scope, GraphQLClient] = {}


def key_without(people: People, scope: Scope) -> GraphQLClient:
    if scope not in _keys:
        _keys[scope] = people.owner.create_api_key(*(other.name for other in Scope if other is not scope))
    return _keys[scope]


def test_a_key_of_one_store_sells_there_and_nowhere_else(people: People) -> None:
    here = people.store_key.buy(people.member_id, people.store_id)
    document = "mutation ($input: RecordPurchaseInput!) { recordPurchase(input: $input) { __typename } }"
    there = people.store_key.execute(
        document,
        {
            "input": {
                "source": "till",
                "externalId": fresh_key(),
                "storeId": people.other_store_id,
                "currency": "CNY",
                "lines": [{"sku": "latte", "quantity": "1", "amount": "1"}],
                "idempotencyKey": fresh_key(),
            }
        },
    )

    assert here["__typename"] == "RecordPurchasePayload"
    assert there.error == {"code": "FORBIDDEN", "scope": "purchases:write"}


def test_a_key_of_one_store_refunds_only_what_was_sold_there(people: People) -> None:
    before = snapshot(people.urls.owner)

    outcome = people.store_key.do(
        "RefundPurchase",
        purchase={"id": people.other_purchase_id},
        source="till",
        externalId=fresh_key(),
        refund={"everything": True},
        idempotencyKey=fresh_key(),
    )

    assert outcome["code"] == "PURCHASE_NOT_FOUND"
    assert snapshot(people.urls.owner) == before


def test_a_key_of_one_store_sees_that_stores_purchases(people: People) -> None:
    document = "query ($id: ID!) { purchase(by: {id: $id}) { id } node(id: $id) { id } }"

    assert people.store_key.execute(document, {"id": people.other_purchase_id}).data == {"purchase": None, "node": None}
    assert people.owner.execute(document, {"id": people.other_purchase_id}).data == {
        "purchase": {"id": people.other_purchase_id},
        "node": {"id": people.other_purchase_id},
    }


@pytest.mark.parametrize(
    "mutation",
    [
        'adjustPoints(input: {member: {card: "x"}, points: 1, reason: "x", idempotencyKey: "k"})',
        'redeemReward(input: {member: {card: "x"}, rewardId: "x", idempotencyKey: "k"})',
        'createStore(input: {code: "c", name: "c", timezone: "Asia/Shanghai", currency: "CNY"})',
        'createApiKey(input: {name: "c", scopes: [MEMBERS_READ]})',
        "publishProgram(input: {revision: 1})",
    ],
)
def test_a_key_of_one_store_does_nothing_for_the_whole_tenant(people: People, mutation: str) -> None:
    before = snapshot(people.urls.owner)

    assert people.store_key.execute(f"mutation {{ {mutation} {{ __typename }} }}").code == "FORBIDDEN"

    assert snapshot(people.urls.owner) == before


def test_keys_are_shown_once_rotated_and_revoked(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("keys")
    outcome = owner.do("CreateApiKey", name="till", scopes=["STORES_READ"])
    till, key_id = owner.as_(outcome["secret"]), outcome["apiKey"]["id"]
    ask = "{ stores { edges { node { id } } } }"
    assert till.execute(ask).data == {"stores": {"edges": []}}
    assert outcome["secret"] not in str(owner.execute("{ apiKeys { edges { node { id name prefix } } } }").content)

    rotated = owner.execute(
        "mutation ($id: ID!) { rotateApiKey(input: {apiKeyId: $id}) { ... on RotateApiKeyPayload { secret } } }",
        {"id": key_id},
    ).data["rotateApiKey"]["secret"]

    assert owner.as_(rotated).execute(ask).data == {"stores": {"edges": []}}
    revoke = "mutation ($id: ID!) { revokeApiKey(input: {apiKeyId: $id}) { __typename ... on Error { code } } }"
    assert owner.execute(revoke, {"id": key_id}).data == {"revokeApiKey": {"__typename": "RevokeApiKeyPayload"}}
    assert owner.execute(revoke, {"id": key_id}).data["revokeApiKey"]["code"] == "API_KEY_NOT_FOUND"


def test_who_sees_purchases_does_not_see_people(people: People) -> None:
    till = people.owner.create_api_key("PURCHASES_READ")
    document = "query ($id: ID!) { purchase(by: {id: $id}) { id member { name } } }"

    answer = till.execute(document, {"id": people.other_purchase_id})

    assert answer.error == {"code": "FORBIDDEN", "scope": "members:read"}
    assert answer.content["errors"][0]["path"] == ["purchase", "member"]
    assert answer.content["data"] == {"purchase": {"id": people.other_purchase_id, "member": None}}


def test_nobody_gives_a_key_more_than_they_have(people: People) -> None:
    keeper = people.owner.create_api_key("KEYS_MANAGE", "MEMBERS_READ")

    outcome = keeper.do("CreateApiKey", name="more", scopes=["MEMBERS_READ", "POINTS_ADJUST"])

    assert outcome["code"] == "SCOPES_NOT_GRANTABLE"


def test_staff_are_invited_once_for_a_key(people: People) -> None:
    document = (
        "mutation ($input: InviteStaffInput!) { inviteStaff(input: $input) { __typename"
        " ... on InviteStaffPayload { invitation { id email role store { id } } replayed } ... on Error { code } } }"
    )
    wish = {
        "email": "cashier@shop.example",
        "role": "CASHIER",
        "storeId": people.store_id,
        "idempotencyKey": fresh_key(),
    }

    first = people.owner.execute(document, {"input": wish}).data["inviteStaff"]
    again = people.owner.execute(document, {"input": wish}).data["inviteStaff"]
    other = people.owner.execute(document, {"input": {**wish, "role": "ADMIN"}}).data["inviteStaff"]

    assert first["invitation"]["store"] == {"id": people.store_id}
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert again["invitation"] == first["invitation"]
    assert other["code"] == "IDEMPOTENCY_CONFLICT"
    foreign = {**wish, "storeId": encode("Store", NOBODY), "idempotencyKey": fresh_key()}
    assert people.owner.execute(document, {"input": foreign}).data["inviteStaff"]["code"] == "STORE_NOT_FOUND"
