"""Two tenants with one of everything, made through the API, and all that each of them sees of itself."""

from dataclasses import dataclass
from typing import Any

import psycopg
from graphql import GraphQLInterfaceType, GraphQLSchema

from services.gateway.graphql.schema import build_schema
from tests.integration.tenancy.holdings import Holdings
from tests.integration.tenancy.requests import prepare
from tests.integration.tenancy.targets import Target, targets
from tests.integration.tenancy.values import key_of
from tests.support.graphql_client import GraphQLClient
from tests.support.story import Caller, Merchant, receipt, sign_up

SPARE_MEMBERS = 5
CRAWLS = 2
"""The second crawl has the ids that the first one found."""


@dataclass(frozen=True, slots=True)
class World:
    """Tenant ``a`` attacks, tenant ``b`` must not notice."""

    schema: GraphQLSchema
    client: GraphQLClient
    a: Holdings
    b: Holdings

    def moved_to(self, client: GraphQLClient) -> "World":
        """The same tenants, reached through another gateway."""
        for holdings in (self.a, self.b):
            holdings.look = Caller(client.as_(holdings.token)).ask
        return World(self.schema, client, self.a, self.b)

    @property
    def targets(self) -> tuple[Target, ...]:
        return targets(self.schema)

    @property
    def node_types(self) -> tuple[str, ...]:
        return node_types(self.schema)


def node_types(schema: GraphQLSchema) -> tuple[str, ...]:
    """Every type that has a global id."""
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    return tuple(member.name for member in schema.get_possible_types(node))


def make_world(client: GraphQLClient) -> World:
    """Fill two tenants, and look at each with its owner's eyes."""
    schema = build_schema()._schema  # noqa: SLF001  Strawberry offers no other way to the graphql-core schema
    a, b = (_fill(client, schema, slug, number) for number, slug in enumerate(("alfa-canary", "bravo-canary"), 1))
    return World(schema, client, a, b)


def _fill(client: GraphQLClient, schema: GraphQLSchema, slug: str, number: int) -> Holdings:
    owner = sign_up(
        client,
        slug,
        # Not by the slug: an address may be known to both, as that of somebody who is invited twice.
        email=f"owner{number}@people.test",
        name=f"Owner {slug}",
        merchantName=f"Merchant {slug}",
        password=password_of(slug),
        idempotencyKey=key_of("signUp", slug),
    )
    store = owner.open_store(code=f"store-{slug}", name=f"Store {slug}", address=f"Street {slug}")
    _publish(owner, slug)
    spare_emails = [f"spare{number}@{slug}.test" for number in range(SPARE_MEMBERS)]
    for email in spare_emails:
        owner.enroll(email=email)
    member = owner.enroll(
        identities=[
            {"kind": "EMAIL", "value": f"member@{slug}.test"},
            {"kind": "PHONE", "value": f"+8613800000{number:03d}"},
            {"kind": "CARD", "value": f"card-{slug}"},
            {"kind": "EXTERNAL", "value": f"external-{slug}"},
        ],
        name=f"Member {slug}",
        birthday="1990-05-17",
        storeId=store,
        idempotencyKey=key_of("enrollMember", slug),
    )
    _trade(owner, slug, store=store, member=member)
    owner.do(
        "inviteStaff",
        "replayed",
        email=f"invited@{slug}.test",
        role="CASHIER",
        storeId=store,
        idempotencyKey=key_of("inviteStaff", slug),
    )
    owner.do("createApiKey", "secret", name=f"Key {slug}", scopes=["STORES_READ"], storeId=store)
    assert owner.client.token is not None
    holdings = Holdings(slug, slug, owner.email, password_of(slug), owner.client.token, owner.ask)
    holdings.spare_emails = spare_emails
    for _ in range(CRAWLS):
        _crawl(client, schema, holdings)
    for type_name in node_types(schema):
        holdings.one(type_name)
    return holdings


def password_of(slug: str) -> str:
    return f"the password of {slug}"


def _publish(owner: Merchant, slug: str) -> None:
    """A template's program under the tenant's own names."""
    owner.start_program()
    document: dict[str, Any] = owner.ask("{ program { draft { document } } }")["draft"]["document"]
    name = {"en": f"Program {slug}", "zh": f"计划 {slug}"}
    document["name"] = name
    document["spendRules"][0]["name"] = name
    document["tiers"]["levels"][0]["name"] = name
    owner.publish(document)


def _trade(owner: Merchant, slug: str, *, store: str, member: str) -> None:
    bought = owner.do(
        "recordPurchase",
        "purchase { id }",
        **receipt(
            store,
            "900.00",
            member=member,
            externalId=f"receipt-{slug}",
            channel=f"channel-{slug}",
            idempotencyKey=key_of("recordPurchase", slug),
        ),
    )
    owner.do(
        "refundPurchase",
        "refund { id }",
        purchase={"id": bought["purchase"]["id"]},
        source="till",
        externalId=f"refund-{slug}",
        refund={"lines": [{"position": 1, "quantity": "0.1"}]},
        reason=f"Reason {slug}",
        idempotencyKey=key_of("refundPurchase", slug),
    )
    owner.do(
        "adjustPoints",
        "balance",
        member={"id": member},
        points=10_000,
        reason=f"Gift {slug}",
        storeId=store,
        idempotencyKey=key_of("adjustPoints", slug),
    )
    name = {"en": f"Reward {slug}", "zh": f"奖励 {slug}"}
    reward = owner.do(
        "createReward",
        "reward { id }",
        code=f"reward-{slug}",
        kind="COUPON",
        name=name,
        description=name,
        costPoints=3,
        stock=1_000,
    )
    owner.do(
        "redeemReward",
        "points",
        member={"id": member},
        rewardId=reward["reward"]["id"],
        storeId=store,
        idempotencyKey=key_of("redeemReward", slug),
    )


def _crawl(client: GraphQLClient, schema: GraphQLSchema, holdings: Holdings) -> None:
    """Ask every query for everything; what can't be asked yet can be in the next crawl."""
    for target in targets(schema):
        if target.is_mutation:
            continue
        try:
            request = prepare(schema, target, holdings)
        except LookupError:
            continue
        answer = client.as_(holdings.token).execute(request.query, request.variables)
        for name, value in (answer.content.get("data") or {}).items():
            holdings.remember(value, "Query", name)


class Observer:
    """Sees whether anything of one tenant changed, by the owner role's eyes."""

    def __init__(self, url: str, *, slug: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        row = self._connection.execute(
            "SELECT schema_name, id, organization_id FROM platform.tenants WHERE slug = %s", [slug]
        ).fetchone()
        assert row is not None
        self.schema = str(row[0])
        people = self._connection.execute(
            "SELECT user_id FROM platform.staff_grants WHERE tenant_id = %s", [row[1]]
        ).fetchall()
        marks = [slug, self.schema, str(row[1]), str(row[2]), *(str(person[0]) for person in people)]
        self._marks = "|".join(marks)
        self._tables = self._connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('platform', %s) ORDER BY 1, 2",
            [self.schema],
        ).fetchall()

    def close(self) -> None:
        self._connection.close()

    def snapshot(self) -> dict[str, str]:
        """A hash of every table: all rows of the tenant's, and the platform's rows that speak of the tenant."""
        branches = " UNION ALL ".join(
            f"SELECT '{schema}.{table}', md5(coalesce(string_agg(it::text, '|' ORDER BY it::text), ''))"
            f" FROM {schema}.{table} AS it" + (" WHERE it::text ~ %(marks)s" if schema == "platform" else "")
            for schema, table in self._tables
        )
        return dict(self._connection.execute(branches.encode(), {"marks": self._marks}).fetchall())

    def rows(self) -> str:
        """Every row of the tenant's schema as text."""
        return "\n".join(
            str(row[0])
            for schema, table in self._tables
            if schema == self.schema
            for row in self._connection.execute(f"SELECT it::text FROM {schema}.{table} AS it".encode()).fetchall()
        )
