"""Plans say of real data what graphql-core says, and what Strawberry's own way to execute says."""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from graphql import ExecutionResult, OperationDefinitionNode, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from services.gateway.context.request import Locale, RequestContext
from services.gateway.context.services import GatewayServices
from services.gateway.execution.operation import Operation
from services.gateway.execution.threads import Seats
from services.gateway.graphql.documents import RULES
from services.gateway.graphql.executor.execution import by_library
from services.gateway.graphql.executor.plan import PlannedOperation
from services.gateway.graphql.schema import build_schema
from services.platform.db.engine import open_database
from tests.integration.loyalty.wire import traced
from tests.integration.tenancy.selections import everything
from tests.support.executions import assert_alike
from tests.support.graphql_client import POOL_SIZE, gateway_services, running_gateway
from tests.support.story import Merchant, receipt, sign_up
from tests.support.tenants import DatabaseUrls

SCHEMA = build_schema()
LIBRARY_SCHEMA = SCHEMA._schema  # noqa: SLF001  as in the runner
OPERATIONS = Path(__file__).parents[3] / "frontend-contracts" / "operations"
SEATS = 4


@dataclass
class Shop:
    """A merchant who has sold, and everybody's credentials."""

    services: GatewayServices
    tokens: Mapping[str, str | None]
    slug: str
    ids: Mapping[str, str]
    database_url: str

    def execute(
        self,
        text: str,
        variables: Mapping[str, Any],
        who: str,
        *ways: Callable[[OperationDefinitionNode, Operation], Any],
    ) -> list[ExecutionResult]:
        """Execute an operation in several ways, one after the other."""
        node = next(each for each in parse(text).definitions if isinstance(each, OperationDefinitionNode))

        async def told() -> list[ExecutionResult]:
            seats = Seats(SEATS)
            found = []
            for way in ways:
                token = self.tokens[who]
                reached = self.services.authenticator.reach(
                    token=token, tenant_slug=self.slug if token else None, host=None
                )
                context = RequestContext("c", Locale.EN).reached(tenant=reached.tenant, principal=reached.principal)
                operation = Operation(self.services, seats, context, raw_variables=variables, verb_seats=seats)
                try:
                    found.append(await way(node, operation))
                finally:
                    await operation.close()
            await seats.finish()
            return found

        return asyncio.run(told())

    def agree(self, text: str, variables: Mapping[str, Any] | None = None, *, who: str = "owner") -> ExecutionResult:
        """Execute by a plan, by graphql-core and by Strawberry, and compare; the plan's result."""
        # A tenant's present moment is no other's.
        text = re.sub(r"\bnow\b", "slug", text)
        document = parse(text)
        assert validate(LIBRARY_SCHEMA, document, RULES) == []

        async def by_plan(node: OperationDefinitionNode, operation: Operation) -> ExecutionResult:
            planned = PlannedOperation(SCHEMA, document, node)
            values = planned.variables(operation.raw_variables)
            if isinstance(values, list):
                return ExecutionResult(None, values)
            variant = planned.variant(values)
            assert variant is not None
            variant.plan()
            plan = variant.plan()
            assert plan is not None
            return await plan.execute(operation, values)

        async def by_core(node: OperationDefinitionNode, operation: Operation) -> ExecutionResult:
            return await by_library(SCHEMA, document, node, operation)

        async def by_strawberry(_node: OperationDefinitionNode, operation: Operation) -> ExecutionResult:
            found = await SCHEMA.execute(text, variable_values=dict(operation.raw_variables), context_value=operation)
            return ExecutionResult(found.data, found.errors)

        # A first time for what happens only once, such as a purchase under its key.
        _, expected, actual, third = self.execute(text, variables or {}, who, by_core, by_core, by_plan, by_strawberry)
        assert_alike(actual, expected)
        assert_alike(actual, third)
        return actual


@pytest.fixture(scope="module")
def shop(shared_urls: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    database = open_database(shared_urls.app, pool_size=POOL_SIZE)
    services = gateway_services(database, shared_urls, tmp_path_factory.mktemp("shop"))
    with running_gateway(services) as client:
        owner = sign_up(client, "executor-shop")
        yield _trade(owner, services, shared_urls.app)
    database.close()


def _trade(owner: Merchant, services: GatewayServices, database_url: str) -> Shop:
    store, other_store = owner.open_store(), owner.open_store(code="other")
    owner.start_program()
    members = [owner.enroll(name=f"Member {number}", storeId=store) for number in range(4)]
    bought: dict[str, Any] = {}
    for number, member in enumerate(members[:3]):
        for _ in range(number + 1):
            bought = owner.do("recordPurchase", "purchase { id }", **receipt(store, "120.00", "30.00", member=member))
    key = owner.do(
        "createApiKey", "secret", name="till", scopes=["MEMBERS_READ", "PURCHASES_READ"], storeId=other_store
    )
    member_token = owner.do("createMemberToken", "token", memberId=members[2])
    tokens = {
        "owner": owner.client.token,
        "till": key["secret"],
        "member": member_token["token"],
        "stranger": None,
    }
    ids = {"member": members[2], "store": store, "purchase": bought["purchase"]["id"], "newcomer": members[3]}
    return Shop(services, tokens, owner.slug, ids, database_url)


@pytest.mark.parametrize("who", ["owner", "till", "member", "stranger"])
def test_everything_that_can_be_read(shop: Shop, who: str) -> None:
    query = LIBRARY_SCHEMA.query_type
    assert query is not None
    given = {
        "node": f'(id: "{shop.ids["member"]}")',
        "member": f'(by: {{id: "{shop.ids["member"]}"}})',
        "purchase": f'(by: {{id: "{shop.ids["purchase"]}"}})',
        "store": f'(id: "{shop.ids["store"]}")',
        "usage": '(from: "2026-01-01", until: "2027-01-01")',
    }
    told = 0
    for name, field in query.fields.items():
        text = f"{{ {name}{given.get(name, '')} {everything(LIBRARY_SCHEMA, _named(field.type))} }}"
        if validate(LIBRARY_SCHEMA, parse(text), RULES):
            continue
        told += shop.agree(text, who=who).data is not None
    assert told >= (10 if who == "owner" else 0)


def _named(type_: Any) -> Any:
    while hasattr(type_, "of_type"):
        type_ = type_.of_type
    return type_


PAGE = """
query($first: Int!, $entries: Int = 2, $skip: Boolean!, $after: String) {
  members(first: $first, after: $after) {
    edges { cursor node { ...M ledger(first: $entries) { edges { node { id points postings { amount debit { address } }
      store { code } } } pageInfo { hasNextPage endCursor } } } }
    pageInfo { hasNextPage startCursor endCursor } }
}
fragment M on Member { __typename key: id name tier @skip(if: $skip) { tier { code name { zh } } since }
  balances { unit available } more: ledger(first: 1) { edges { cursor node { kind sequence hash } } }
  purchases { edges { node { id total { amount } lines { sku } } } } identities { kind value } enrolledStore { code } }
"""


@pytest.mark.parametrize("who", ["owner", "till"])
@pytest.mark.parametrize("first", [1, 3, 100, 0, 101])
@pytest.mark.parametrize("entries", [1, 50, -1])
def test_pages(shop: Shop, who: str, first: int, entries: int) -> None:
    found = shop.agree(PAGE, {"first": first, "entries": entries, "skip": first == 3}, who=who)
    if who == "owner" and first in (1, 3, 100) and entries > 0:
        assert found.errors is None
        assert found.data is not None
        after = found.data["members"]["pageInfo"]["endCursor"]
        shop.agree(PAGE, {"first": first, "entries": entries, "skip": True, "after": after})


def test_a_member_is_read_in_one_round_trip_and_a_page_in_two(shop: Shop) -> None:
    fields = "name tier { since } balances { unit } ledger { edges { cursor } }"
    member = f"query($id: ID!) {{ member(by: {{id: $id}}) {{ {fields} }} }}"
    page = f"{{ members {{ edges {{ node {{ {fields} }} }} }} }}"
    for text, variables, trips in ((member, {"id": shop.ids["member"]}, 1), (page, {}, 2)):
        shop.agree(text, variables)
        assert _trips(shop, text, variables) == trips


def _trips(shop: Shop, text: str, variables: Mapping[str, Any]) -> int:
    """Round trips to the server while a plan runs."""
    document = parse(text)
    with closing(open_database(shop.database_url, pool_size=1)) as database:
        alone = replace(shop, services=replace(shop.services, database=database))

        async def by_plan(node: OperationDefinitionNode, operation: Operation) -> ExecutionResult:
            planned = PlannedOperation(SCHEMA, document, node)
            values = planned.variables(operation.raw_variables)
            assert not isinstance(values, list)
            variant = planned.variant(values)
            assert variant is not None
            variant.plan()
            plan = variant.plan()
            assert plan is not None
            return await plan.execute(operation, values)

        with traced(database) as traffic:
            alone.execute(text, variables, "owner", by_plan)
    return traffic.round_trips


def _operations() -> list[str]:
    """All but those that make something anew each time: tokens and clocks have no equal. Subscriptions have no plan."""
    unequal = {"LogIn", "SignUp", "CreateApiKey", "CreateMemberToken", "AdvanceClock"}
    names = {path.stem for path in OPERATIONS.glob("*.graphql") if "subscription" not in path.read_text("utf-8")}
    return sorted(names - unequal)


@pytest.mark.parametrize("name", _operations())
@pytest.mark.parametrize("who", ["owner", "member", "stranger"])
def test_operations_of_front_ends(shop: Shop, name: str, who: str) -> None:
    text = (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")
    node = next(each for each in parse(text).definitions if isinstance(each, OperationDefinitionNode))
    variables = {
        definition.variable.name.value: value
        for definition in node.variable_definitions or ()
        if (value := _value(shop, name, definition.variable.name.value)) is not None
    }
    shop.agree(text, variables, who=who)


def _value(shop: Shop, operation: str, variable: str) -> Any:
    """Something for a variable of an operation; None leaves it out."""
    if variable == "input":
        return {
            "RecordPurchase": {
                **receipt(shop.ids["store"], "12.00", member=shop.ids["newcomer"]),
                "idempotencyKey": "the-same",
                "externalId": "the-same",
            },
            "EnrollMember": {
                "identities": [{"kind": "CARD", "value": "the-same"}],
                "locale": "en",
                "idempotencyKey": "enroll-the-same",
            },
        }.get(operation, {})
    given: dict[str, Any] = {"id": shop.ids["member"], "memberId": shop.ids["member"], "first": 2}
    return given.get(variable)


IDS = st.sampled_from(["nobody", "TWVtYmVyOng", "U3RvcmU6MDFhMjAyODEtMTVhMS03ODY0LWE1YmUtOWUxZWM2ZDY4YjE1"])


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    text=queries(
        LIBRARY_SCHEMA,
        allow_x00=False,
        custom_scalars={
            "DateTime": st.just(nodes.String("2026-03-01T09:30:00+08:00")),
            "Date": st.just(nodes.String("2026-03-01")),
            "Decimal": st.just(nodes.String("1.5")),
            "Currency": st.just(nodes.String("CNY")),
            "Timezone": st.just(nodes.String("Asia/Shanghai")),
            "Locale": st.just(nodes.String("en")),
            "IdempotencyKey": st.just(nodes.String("key")),
            "Points": st.integers(0, 9).map(nodes.Int),
            "WholeNumber": st.integers(0, 9).map(nodes.Int),
            "JSON": st.just(nodes.String("{}")),
        },
    ),
    who=st.sampled_from(["owner", "till", "member", "stranger"]),
)
def test_generated_queries(shop: Shop, text: str, who: str) -> None:
    if not validate(LIBRARY_SCHEMA, parse(text), RULES):
        shop.agree(text, who=who)


def test_the_shop_is_worth_comparing(shop: Shop) -> None:
    found = shop.agree(PAGE, {"first": 10, "entries": 5, "skip": False})
    assert len(orjson.dumps(found.data)) > 4_000
