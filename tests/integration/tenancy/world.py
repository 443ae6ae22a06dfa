"""Two tenants with one of everything, made through the API, and all that each of them sees of itself."""

from dataclasses import dataclass, replace
from typing import Any

import psycopg
from graphql import GraphQLInterfaceType, GraphQLSchema

from services.gateway.graphql.schema import build_schema
from tests.integration.tenancy.holdings import Holdings
from tests.integration.tenancy.names import event_of, guest_receipt_of, key_of, post_of, sandbox_of
from tests.integration.tenancy.requests import prepare
from tests.integration.tenancy.supplies import PAID, Supplies
from tests.integration.tenancy.targets import Target, targets
from tests.support.graphql_client import GraphQLClient
from tests.support.snapshot import NO_ROWS, PAGES
from tests.support.story import Caller, Merchant, receipt, sign_up

SPARE_MEMBERS = 5
APPROVED_ALONE = 50_000
"""Points that one person may adjust."""
CRAWLS = 2
"""The second crawl has the ids that the first one found."""


HANDING_OUT = ("confirmRedemption", "cancelRedemption", "fulfillRedemption", "collectRedemption")


@dataclass(frozen=True, slots=True)
class World:
    """Tenant ``a`` attacks, tenant ``b`` must not notice."""

    schema: GraphQLSchema
    client: GraphQLClient
    a: Holdings
    b: Holdings

    def moved_to(self, client: GraphQLClient) -> "World":
        """The same tenants, ``a`` through another gateway: what ``b`` does is measured elsewhere, and later."""
        owner = Caller(client.as_(self.a.token))
        self.a.look = owner.ask
        self.a.supplies = replace(self.a.supplies, owner=owner)
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
    friend = _identities("friend", slug, f"+8613800001{number:03d}")
    friend_id = owner.enroll(identities=_as_input(friend))
    identities = _identities("member", slug, f"+8613800000{number:03d}")
    member = owner.enroll(
        identities=_as_input(identities),
        name=f"Member {slug}",
        birthday="1990-05-17",
        storeId=store,
        idempotencyKey=key_of("enrollMember", slug),
    )
    _trade(owner, slug, store=store, member=member)
    _check_out(owner, slug, store=store)
    _prepare(owner, slug, store=store, member=member)
    _act(owner, slug, store=store, member=member)
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
    holdings = Holdings(
        slug,
        slug,
        owner.email,
        password_of(slug),
        owner.client.token,
        owner.ask,
        Supplies(owner, store, member),
        identities,
        {**friend, "id": friend_id},
    )
    holdings.spare_emails = spare_emails
    for _ in range(CRAWLS):
        _crawl(client, schema, holdings)
    for type_name in node_types(schema):
        holdings.one(type_name)
    return holdings


def _identities(word: str, slug: str, phone: str) -> dict[str, str]:
    return {
        "EMAIL": f"{word}@{slug}.test",
        "PHONE": phone,
        "CARD": f"{word}-card-{slug}",
        "EXTERNAL": f"{word}-external-{slug}",
    }


def _as_input(identities: dict[str, str]) -> list[dict[str, str]]:
    return [{"kind": kind, "value": value} for kind, value in identities.items()]


def password_of(slug: str) -> str:
    return f"the password of {slug}"


def _publish(owner: Merchant, slug: str) -> None:
    """A template's program under the tenant's own names."""
    owner.start_program()
    document: dict[str, Any] = owner.ask("{ program { draft { document } } }")["draft"]["document"]
    name = {"en": f"Program {slug}", "zh": f"计划 {slug}"}
    document["name"] = name
    document["rules"][0]["name"] = name
    document["tiers"]["levels"][0]["name"] = name
    document.setdefault("policies", {})["transfers"] = {"allowed": True}
    document["policies"]["adjustmentApprovalPoints"] = APPROVED_ALONE
    document["fields"] = [
        {"code": "roast", "owner": owner_kind, "type": "text", "name": name} for owner_kind in ("member", "purchase")
    ]
    document["events"] = [{"code": event_of(slug), "name": name, "schema": {"type": "object"}}]
    owner.publish(document)
    # Once more, for a day that does not come: what has not begun can be withdrawn.
    revision = owner.ask("{ program { draft { revision } } }")["draft"]["revision"]
    owner.do("publishProgram", "version { number }", revision=revision, effectiveFrom="2099-01-01T00:00:00Z")


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
    owner.do("recordPurchase", "points", **receipt(store, PAID, externalId=guest_receipt_of(slug)))
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
    _offer_coupons(owner, slug, member=member)
    _hand_out(owner, slug, store=store, member=member)
    _reserve_and_give(owner, slug, store=store, member=member)
    _complain(owner, slug, purchase=bought["purchase"]["id"])


def _complain(owner: Merchant, slug: str, *, purchase: str) -> None:
    """A return that is open and taken by the owner, and one that is done."""
    asked = {
        "kind": "RETURN",
        "subject": f"Too small, {slug}",
        "purchase": {"id": purchase},
        "lines": [{"position": 1, "quantity": "0.1", "reason": f"Torn, {slug}"}],
    }
    case = owner.do("openCase", "case { id }", **asked, idempotencyKey=key_of("openCase", slug))["case"]["id"]
    key = key_of("noteCase", slug)
    owner.do("noteCase", "replayed", caseId=case, text=f"Note of {slug}", isInternal=True, idempotencyKey=key)
    owner.do("assignCase", "case { id }", caseId=case, to={"me": True})
    done = owner.do("openCase", "case { id }", **asked, idempotencyKey=f"second case {slug}")["case"]["id"]
    key = key_of("moveCase", slug)
    owner.do("moveCase", "replayed", caseId=done, status="APPROVED", reason=f"As {slug} promised", idempotencyKey=key)
    owner.do("completeCase", "replayed", caseId=done, idempotencyKey=key_of("completeCase", slug))


def _offer_coupons(owner: Merchant, slug: str, *, member: str) -> None:
    name = {"en": f"Coupon {slug}", "zh": f"优惠券 {slug}"}
    offered = owner.do(
        "createCouponDefinition",
        "couponDefinition { id }",
        code=f"coupon-{slug}",
        sharedCode=f"shared-{slug}",
        terms={"name": name, "description": name, "benefit": {"kind": "PERCENT", "percent": "10"}},
    )
    kind = offered["couponDefinition"]["id"]
    key = key_of("createCouponCodes", slug)
    owner.do("createCouponCodes", "count", couponDefinitionId=kind, count=2, idempotencyKey=key)
    key = key_of("assignCoupon", slug)
    given = owner.do(
        "assignCoupon", "coupon { id }", member={"id": member}, couponDefinitionId=kind, idempotencyKey=key
    )
    key = key_of("voidCoupon", slug)
    owner.do("voidCoupon", "replayed", couponId=given["coupon"]["id"], idempotencyKey=key)


def _hand_out(owner: Merchant, slug: str, *, store: str, member: str) -> None:
    """A budget, a thing that is paid by it, and redemptions of the thing: held, taken back, ready and collected."""
    name = {"en": f"Thing {slug}", "zh": f"物品 {slug}"}
    budget = owner.do(
        "createBudget", "budget { id }", code=f"budget-{slug}", name=name, pointsMax=1_000_000, currency="CNY"
    )
    terms = {"budgetId": budget["budget"]["id"], "category": [f"Category {slug}"]}
    thing = owner.do(
        "createReward", "reward { id }", code=f"thing-{slug}", kind="PHYSICAL", name=name, costPoints=2, terms=terms
    )
    book = owner.do("createReward", "reward { id }", code=f"book-{slug}", kind="VIRTUAL", name=name, costPoints=2)
    key = {verb: {"idempotencyKey": key_of(verb, slug)} for verb in (*HANDING_OUT, "holdReward", "importRewardCodes")}
    owner.do(
        "importRewardCodes", "added", rewardId=book["reward"]["id"], csv=f"code of {slug}", **key["importRewardCodes"]
    )
    taking = {
        "member": {"id": member},
        "rewardId": thing["reward"]["id"],
        "storeId": store,
        "pickupStoreId": store,
    }
    held = owner.do("holdReward", "redemption { id }", **taking, minutes=60, **key["holdReward"])["redemption"]["id"]
    again, ready, collected = (
        owner.do("redeemReward", "redemption { id pickupCode }", **taking, idempotencyKey=f"thing {number} {slug}")[
            "redemption"
        ]
        for number in range(3)
    )
    owner.do("confirmRedemption", "points", redemptionId=held, **key["confirmRedemption"])
    owner.do(
        "cancelRedemption",
        "points",
        redemptionId=again["id"],
        reason="OTHER",
        note=f"Note {slug}",
        **key["cancelRedemption"],
    )
    owner.do(
        "fulfillRedemption",
        "replayed",
        redemptionId=ready["id"],
        reference=f"Ready, {slug}",
        **key["fulfillRedemption"],
    )
    owner.do(
        "collectRedemption", "replayed", pickupCode=collected["pickupCode"], storeId=store, **key["collectRedemption"]
    )


def _reserve_and_give(owner: Merchant, slug: str, *, store: str, member: str) -> None:
    held = owner.do(
        "holdPoints",
        "hold { id }",
        member={"id": member},
        points=500,
        minutes=60 * 24,
        reference=f"Order {slug}",
        storeId=store,
        idempotencyKey=key_of("holdPoints", slug),
    )
    owner.do(
        "captureHold",
        "points",
        holdId=held["hold"]["id"],
        points=1,
        keepsRest=True,
        storeId=store,
        idempotencyKey=key_of("captureHold", slug),
    )
    owner.do(
        "transferPoints",
        "points",
        sender={"id": member},
        recipient={"email": f"spare0@{slug}.test"},
        points=5,
        message=f"For you, {slug}",
        storeId=store,
        idempotencyKey=key_of("transferPoints", slug),
    )
    owner.do("setMemberTier", "member { id }", member={"id": member}, tier="insider", reason=f"Founder {slug}")


def _check_out(owner: Merchant, slug: str, *, store: str) -> None:
    """Carts that are committed, reserved and given up, and a sale that was made offline."""
    lines = [{"sku": f"cup-{slug}", "quantity": "1", "amount": "3.00"}]
    cart = {"storeId": store, "currency": "CNY", "lines": lines}
    query = "query ($input: QuoteCartInput!) { quoteCart(input: $input) { ... on QuoteCartPayload { token } } }"
    for verb, more in (
        ("commitCart", {"source": "till", "externalId": f"cart-{slug}"}),
        ("reserveCart", {}),
        ("cancelCart", {}),
    ):
        token = owner.ask(query, input=cart)["token"]
        owner.do(verb, "replayed", token=token, idempotencyKey=key_of(verb, slug), **more)
    offline = cart | {"source": "till", "externalId": f"offline-{slug}"}
    owner.do("settleOfflinePurchase", "replayed", **offline, idempotencyKey=key_of("settleOfflinePurchase", slug))


def _prepare(owner: Merchant, slug: str, *, store: str, member: str) -> None:
    """What a second person is to decide, and a sandbox."""
    owner.do(
        "adjustPoints",
        "request { id }",
        member={"id": member},
        points=2 * APPROVED_ALONE,
        reason=f"Large gift {slug}",
        storeId=store,
        idempotencyKey=f"large gift {slug}",
    )
    owner.do(
        "createSandbox",
        "sandbox { slug }",
        slug=sandbox_of(slug),
        name=f"Sandbox {slug}",
        idempotencyKey=key_of("createSandbox", slug),
    )


def _act(owner: Merchant, slug: str, *, store: str, member: str) -> None:
    """What the member does besides buying."""
    mention = {"mention": {"url": post_of(slug), "channel": f"channel-{slug}"}}
    answer = {"survey": {"survey": f"survey-{slug}", "answerId": f"answer-{slug}"}}
    for number, activity in enumerate((mention, answer)):
        owner.do(
            "recordActivity",
            "points",
            source="app",
            externalId=f"deed{number}-{slug}",
            member={"id": member},
            activity=activity,
            storeId=store,
            idempotencyKey=key_of("recordActivity", slug) if number == 0 else f"second of {number}",
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
            for schema, table in self._filled()
        )
        digests = self._connection.execute(branches.encode(), {"marks": self._marks}).fetchall()
        return {f"{schema}.{table}": NO_ROWS for schema, table in self._tables} | dict(digests)

    def _filled(self) -> list[tuple[str, str]]:
        """The tables that have a page; the others hold no row."""
        query = f"SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('platform', %s) AND {PAGES} > 0"
        return self._connection.execute(query.encode(), [self.schema]).fetchall()

    def rows(self) -> str:
        """Every row of the tenant's schema as text."""
        return "\n".join(
            str(row[0])
            for schema, table in self._tables
            if schema == self.schema
            for row in self._connection.execute(f"SELECT it::text FROM {schema}.{table} AS it".encode()).fetchall()
        )
