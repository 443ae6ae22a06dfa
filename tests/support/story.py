"""What people do with the API, in few words: a merchant signs up, opens a store, enrolls, sells, refunds, redeems."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.support.gateway import Answer, TestGateway

PASSWORD = "correct horse battery"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a credential, or without one."""

    gateway: TestGateway
    token: str | None
    headers: Mapping[str, str] = field(default_factory=dict)

    def attempt(self, mutation: str, fields: str, **given: Any) -> dict[str, Any]:
        """Call a mutation; its payload or its refusal, told apart by ``__typename``."""
        answer = self.send(_mutation(mutation, fields, has_input=bool(given)), {"input": given} if given else {})
        assert "errors" not in answer.document, answer.text
        found: dict[str, Any] = answer.field()
        return found

    def do(self, mutation: str, fields: str, **given: Any) -> dict[str, Any]:
        """Call a mutation that succeeds; its payload."""
        found = self.attempt(mutation, fields, **given)
        assert found["__typename"] == f"{mutation[:1].upper()}{mutation[1:]}Payload", found
        return found

    def refused(self, mutation: str, **given: Any) -> str:
        """Call a mutation that is refused; the code, wherever it is told."""
        answer = self.send(_mutation(mutation, "__typename", has_input=bool(given)), {"input": given} if given else {})
        if answer.codes:
            return str(answer.codes[0])
        code: str = answer.field().get("code", "NOT_REFUSED")
        return code

    def ask(self, query: str, **variables: Any) -> Any:
        """The value of a query's only field; nothing may go wrong."""
        answer = self.send(query, variables)
        assert "errors" not in answer.document, answer.text
        return answer.field()

    def send(self, query: str, variables: Mapping[str, Any] | None = None) -> Answer:
        """Send an operation as this caller."""
        return self.gateway.send(query, variables, token=self.token, headers=self.headers)


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
        identities = [{"kind": "EMAIL", "value": email or f"member{next(_numbers)}@{self.slug}.test"}]
        values = {"identities": identities, "locale": locale, "idempotencyKey": new_key("enroll"), **given}
        return str(self.do("enrollMember", "member { id }", **values)["member"]["id"])


def sign_up(gateway: TestGateway, slug: str, **given: Any) -> Merchant:
    """A new merchant and its owner's session."""
    values = {
        "email": f"owner@{slug}.test",
        "password": PASSWORD,
        "name": f"Owner of {slug}",
        "merchantName": f"Merchant {slug}",
        "slug": slug,
        "locale": "en",
        "idempotencyKey": new_key("sign-up"),
        **given,
    }
    opened = Caller(gateway, None).do("signUp", "session { token } tenant { slug }", **values)
    return Merchant(gateway, opened["session"]["token"], {}, slug, values["email"])


def receipt(store_id: str, *amounts: str, member: str | None = None, **given: Any) -> dict[str, Any]:
    """The input of a purchase with a line for each amount, in yuan."""
    values: dict[str, Any] = {
        "source": "till",
        "externalId": new_key("receipt"),
        "storeId": store_id,
        "currency": "CNY",
        "lines": [{"sku": f"SKU-{number}", "quantity": "1", "amount": amount} for number, amount in enumerate(amounts)],
        "idempotencyKey": new_key("purchase"),
    }
    if member is not None:
        values["member"] = {"id": member}
    return {**values, **given}


def new_key(word: str) -> str:
    """A key or external number that was never used before in this process."""
    return f"{word}-{next(_numbers)}"


def _mutation(name: str, fields: str, *, has_input: bool) -> str:
    type_name = f"{name[:1].upper()}{name[1:]}"
    declared, passed = (f"($input: {type_name}Input!)", "(input: $input)") if has_input else ("", "")
    selection = f"__typename ... on {type_name}Payload {{ {fields} }} ... on Error {{ code message }}"
    return f"mutation{declared} {{ {name}{passed} {{ {selection} }} }}"
