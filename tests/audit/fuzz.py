"""Operations that schemathesis makes of our schema, for every field of its roots: none may break the server.

Refusals are welcome, of the schema's kind or of ours. What is looked for: a status of 500 and more, an error that was
masked, an answer that is no JSON, and words that only the inside of the product knows.
"""

import http.client
import json
import re
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from graphql import GraphQLSchema, build_schema
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from services.gateway.graphql.frontend_contracts import FOLDER
from services.platform.errors import DomainError
from tests.audit import values
from tests.audit.stage import Audited
from tests.audit.suites import Findings, Scale

SEED = 20261122
SECONDS_MAX = 60
NEGATIVE_EVERY = 4
"""One operation in so many does not fit the schema, on purpose."""
ENDS_ITS_SESSION = "logOut"

BROKEN = frozenset({"INTERNAL", "SERVICE_UNAVAILABLE", DomainError.code})
INNARDS = re.compile(
    r"Traceback|File \"/|\.py\b|psycopg|sqlalchemy|strawberry|graphql-core|postgresql://|redis://|unix://"
    r"|\bSELECT .* FROM\b|\bINSERT INTO\b|\bt_[0-9a-f]{12}\b|site-packages|object at 0x"
)


@dataclass(slots=True)
class Tally:
    """What came of the operations of one field."""

    sent: int = 0
    executed: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


class Sender:
    """One connection that sends operations with a credential."""

    def __init__(self, port: int, token: str) -> None:
        self._token = token
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)

    def send(self, document: str) -> tuple[int, str]:
        """Status and text of the answer."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        self._connection.request("POST", "/graphql", json.dumps({"query": document}).encode(), headers)
        response = self._connection.getresponse()
        return response.status, response.read().decode()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def run(audited: Audited, scale: Scale) -> Findings:
    """Every field of queries and mutations, with ``scale.examples`` operations each."""
    values.register((audited.store_id, audited.reward_id, *audited.member_ids))
    schema = schemathesis.graphql.from_path(FOLDER / "schema.graphql")
    known = build_schema((FOLDER / "schema.graphql").read_text(encoding="utf-8"))
    tallies: dict[str, Tally] = {}
    for root in ("Query", "Mutation"):
        for name, operation in schema[root].items():
            token = audited.new_session() if name == ENDS_ITS_SESSION else audited.owner
            sender = Sender(audited.port, token)
            tallies[name] = _fuzz(operation, sender.send, scale.examples, known)
            sender.close()
    failures = [f"{name}: {failure}" for name, tally in tallies.items() for failure in tally.failures]
    few = [name for name, tally in tallies.items() if tally.sent < scale.examples]
    failures += [f"{name}: fewer than {scale.examples} operations" for name in few]
    failures += [f"{name}: no operation was executed" for name, tally in tallies.items() if not tally.executed]
    failures += _told_of_errors(Path(audited.log))
    sent, executed = (sum(getattr(tally, what) for tally in tallies.values()) for what in ("sent", "executed"))
    if executed * 10 < sent:
        failures.append(f"only {executed} of {sent} operations were executed: the rest shows little")
    return Findings(sent, failures, f"{len(tallies)} fields, {executed} operations executed, 0 server errors wanted")


def judge(tally: Tally, document: str, status: int, text: str) -> None:
    """Note what an answer says of the server."""
    tally.sent += 1
    try:
        content: Any = json.loads(text)
    except ValueError:
        tally.failures.append(f"{status}, no JSON: {document}")
        return
    tally.executed += "data" in content
    codes = {str(error.get("extensions", {}).get("code")) for error in content.get("errors", ())}
    tally.codes.update(codes)
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR or codes & BROKEN:
        tally.failures.append(f"{status} {sorted(codes)}: {document}")
    said = INNARDS.search(json.dumps([error.get("message") for error in content.get("errors", ())]))
    if said is not None:
        tally.failures.append(f"says {said[0]!r}: {document}")


def _fuzz(operation: Any, send: Callable[[str], tuple[int, str]], examples: int, known: GraphQLSchema) -> Tally:
    tally = Tally()
    crooked = examples // NEGATIVE_EVERY
    for mode, count in ((GenerationMode.POSITIVE, examples - crooked), (GenerationMode.NEGATIVE, crooked)):
        wanted, is_fit = tally.sent + count, mode is GenerationMode.POSITIVE

        @seed(SEED)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Any) -> None:
            document = values.with_one_key(known, case.body) if is_fit else case.body  # noqa: B023  called below
            judge(tally, document, *send(document))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the generator's own
            while tally.sent < wanted and count:
                before = tally.sent
                check()
                if tally.sent == before:
                    break
    return tally


def _told_of_errors(log: Path) -> list[str]:
    """Errors in the gateway's log, which a client may never have seen."""
    lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
    return [f"log: {line[:500]}" for line in lines if json.loads(line).get("level") in ("error", "critical")]
