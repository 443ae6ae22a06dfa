"""Values that occur nowhere else, and the way through the product on which they are planted."""

import json
import random
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.faults.stack import Stack

ANSWER_SECONDS_MAX = 90.0


@dataclass(slots=True)
class Canaries:
    """Values by what they are. Each occurs nowhere else, so that one hit is one leak."""

    chance: random.Random
    values: dict[str, str] = field(default_factory=dict)

    def secret(self, name: str, *, length: int = 20) -> str:
        """A password, a token or the like; letters and digits, so that no encoding changes it."""
        letters = string.ascii_letters + string.digits
        return self._keep(name, "".join(self.chance.choice(letters) for _ in range(length)))

    def email(self, name: str) -> str:
        """An address; its first part is the canary."""
        return f"{self.secret(name).lower()}@people.test"

    def phone(self, name: str) -> str:
        """A mobile number of China, which nobody has; kept without the country's code, however it is written."""
        number = self._keep(name, f"199{self.chance.randrange(10**8):08}")
        return f"+86{number}"

    def birthday(self, name: str) -> str:
        return self._keep(name, f"19{self.chance.randrange(10, 40)}-0{self.chance.randrange(1, 10)}-17")

    def issued(self, name: str, value: str) -> str:
        """A secret that the product itself has made."""
        return self._keep(name, value)

    def _keep(self, name: str, value: str) -> str:
        assert name not in self.values, f"two canaries are called {name}"
        self.values[name] = value
        return value

    def found_in(self, text: bytes) -> Iterator[str]:
        """The names of those that occur in a text, in whatever case."""
        lowered = text.lower()
        for name, value in self.values.items():
            if value.lower().encode() in lowered:
                yield name


@dataclass(slots=True)
class Walk:
    """The way through the product: what was sent, and which answers told of an error."""

    stack: Stack
    canaries: Canaries
    schema: str = ""
    """Of the merchant, once it is there."""
    sent: int = 0
    errors: list[tuple[str, bytes]] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)

    def post(self, step: str, body: Mapping[str, Any] | bytes, **headers: str) -> Any:
        """Send a body; the answer's content. Answers that tell of an error are kept under the name of the step."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = httpx.post(
            f"http://127.0.0.1:{self.stack.gateway_port}/graphql",
            content=content,
            headers={"Content-Type": "application/json", **named},
            timeout=ANSWER_SECONDS_MAX,
        )
        self.sent += 1
        found = answer.json()
        code = _code(found)
        self.outcomes[step] = code or "ok"
        if code is not None:
            self.errors.append((step, answer.content + str(dict(answer.headers)).encode()))
        return found

    def do(self, step: str, document: str, given: Mapping[str, Any], token: str | None = None) -> Any:
        """Call a mutation; what is ``done``, or None."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        found = self.post(step, {"query": document, "variables": {"input": given}}, **headers)
        return (found.get("data") or {}).get("done")


def _code(content: Any) -> str | None:
    """The code of an answer that tells of an error, wherever it does."""
    for error in content.get("errors") or ():
        return str(error["extensions"]["code"])
    done = (content.get("data") or {}).get("done")
    return str(done["code"]) if isinstance(done, dict) and "code" in done else None
