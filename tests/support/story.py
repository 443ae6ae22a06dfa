"""What people do with the API, in few words: a merchant signs up, opens a store, enrolls, sells, refunds, redeems."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from services.gateway.context.services import GatewayServices
from services.platform.auth.passwords import Passwords
from services.platform.db.engine import Database
from tests.support.graphql_client import PASSWORD, Answer, GraphQLClient, fresh_key, gateway_services, running_gateway
from tests.support.tenants import DatabaseUrls


@pytest.fixture
def gateway(database: Database, database_urls: DatabaseUrls, tmp_path: Path) -> Iterator[GraphQLClient]:
    """A stranger's client of a gateway on the test's ``database``, so that a test's worker hears its letters."""
    with running_gateway(quick_services(database, database_urls, tmp_path)) as client:
        yield client


def quick_services(database: Database, urls: DatabaseUrls, home: Path) -> GatewayServices:
    """`gateway_services` with the cheapest argon2: how long a guess takes is not what these tests are about."""
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return replace(gateway_services(database, urls, home), passwords=quick)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a credential, or without one."""

    client: GraphQLClient

    def attempt(self, mutation: str, fields: str, **given: Any) -> dict[str, Any]:
        """Call a mutation; its payload or its refusal, told apart by ``__typename``."""
        answer = self.send(_mutation(mutation, fields, has_input=bool(given)), {"input": given} if given else {})
        found: dict[str, Any] = only_field(answer)
        return found

    def do(self, mutation: str, fields: str, **given: Any) -> dict[str, Any]:
        """Call a mutation that succeeds; its payload."""
        found = self.attempt(mutation, fields, **given)
        assert found["__typename"] == f"{mutation[:1].upper()}{mutation[1:]}Payload", found
        return found

    def refused(self, mutation: str, **given: Any) -> str:
        """Call a mutation that is refused; the code, wherever it is told."""
        answer = self.send(_mutation(mutation, "__typename", has_input=bool(given)), {"input": given} if given else {})
        if "errors" in answer.content:
            return answer.code
        code: str = only_field(answer).get("code", "NOT_REFUSED")
        return code

    def ask(self, query: str, **variables: Any) -> Any:
        """The value of a query's only field; nothing may go wrong."""
        return only_field(self.send(query, variables))

    def send(self, query: str, variables: Mapping[str, Any] | None = None) -> Answer:
        """Send an operation as this caller."""
        return self.client.execute(query, variables)

    def with_token(self, token: str | None, **headers: str) -> "Caller":
        """Somebody else at the same gateway."""
        return Caller(self.client.as_(token, **headers))


@dataclass(frozen=True, slots=True)
class Merchant(Caller):
    """A tenant's owner."""

    slug: str = ""
    email: str = ""

    def open_store(self, *, code: str = "main", **given: Any) -> str:
        """The id of a new store in Shanghai that sells in yuan."""
        values = {"code": code, "name": f"Store {code}", "timezone": "Asia/Shanghai", "currency": "CNY", **given}
        return str(self.do("createStore", "store { id }", **values)["store"]["id"])

    def start_program(self, *, template: str = "CAFE") -> None:
        """Publish a template, with its starter rewards."""
        self.do(
            "applyProgramTemplate",
            "version { number }",
            template=template,
            currency="CNY",
            timezone="Asia/Shanghai",
            publish=True,
        )

    def publish(self, document: Mapping[str, Any]) -> None:
        """Publish a program document of one's own."""
        known = self.ask("{ program { draft { revision } } }")["draft"]
        revision = known["revision"] if known else None
        saved = self.do("saveProgramDraft", "draft { revision }", document=document, revision=revision)
        self.do("publishProgram", "version { number }", revision=saved["draft"]["revision"])

    def enroll(self, *, email: str | None = None, locale: str = "en", **given: Any) -> str:
        """The id of a new member with an e-mail address."""
        identities = [{"kind": "EMAIL", "value": email or f"{fresh_key()}@{self.slug}.test"}]
        values = {"identities": identities, "locale": locale, "idempotencyKey": fresh_key(), **given}
        return str(self.do("enrollMember", "member { id }", **values)["member"]["id"])


def sign_up(client: GraphQLClient, slug: str, **given: Any) -> Merchant:
    """A new merchant and its owner's session."""
    values = {
        "email": f"owner@{slug}.test",
        "password": PASSWORD,
        "name": f"Owner of {slug}",
        "merchantName": f"Merchant {slug}",
        "slug": slug,
        "locale": "en",
        "idempotencyKey": fresh_key(),
        **given,
    }
    opened = Caller(client).do("signUp", "session { token }", **values)
    return Merchant(client.as_(opened["session"]["token"]), slug, values["email"])


def receipt(store_id: str, *amounts: str, member: str | None = None, **given: Any) -> dict[str, Any]:
    """The input of a purchase with a line for each amount, in yuan."""
    values: dict[str, Any] = {
        "source": "till",
        "externalId": fresh_key(),
        "storeId": store_id,
        "currency": "CNY",
        "lines": [{"sku": f"SKU-{number}", "quantity": "1", "amount": amount} for number, amount in enumerate(amounts)],
        "idempotencyKey": fresh_key(),
    }
    if member is not None:
        values["member"] = {"id": member}
    return {**values, **given}


def only_field(answer: Answer) -> Any:
    """The value of an operation's only field; there must be no error."""
    (found,) = answer.data.values()
    return found


def _mutation(name: str, fields: str, *, has_input: bool) -> str:
    type_name = f"{name[:1].upper()}{name[1:]}"
    declared, passed = (f"($input: {type_name}Input!)", "(input: $input)") if has_input else ("", "")
    selection = f"__typename ... on {type_name}Payload {{ {fields} }} ... on Error {{ code message }}"
    return f"mutation{declared} {{ {name}{passed} {{ {selection} }} }}"
