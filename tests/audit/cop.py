"""The weaknesses that graphql-cop looks for, each as one request and the sign by which it is known.

Strangers must show none of them; those that tire a server are tried with a credential as well.
"""

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from tests.audit.stage import Audited
from tests.audit.suites import Findings, Scale

SECONDS_MAX = 30
REPETITIONS = 500
BATCH = 10
PAGES = ("/", "/graphiql", "/playground", "/console", "/graphql", "/altair", "/voyager")
PAGE_SIGNS = ("graphiql", "graphql playground", "graphql-playground", "altair", "voyager")
INNARDS = ("traceback", 'file "', "stacktrace", '"exception"')

CIRCULAR = "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    text: str

    @property
    def content(self) -> Any:
        """The JSON in it, an empty object where there is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return {}

    @property
    def has_data(self) -> bool:
        return isinstance(self.content, dict) and bool(self.content.get("data"))


Exchange = Callable[[str, str, Mapping[str, str], bytes], Reply]
"""Sends method, path, headers and body."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """``is_shown_by`` tells whether a server has it."""

    name: str
    is_shown_by: Callable[[Exchange], bool]
    tires: bool = field(default=False, kw_only=True)


def run(audited: Audited, scale: Scale) -> Findings:
    """Every weakness that the gateway shows."""
    del scale  # a fixed list
    stranger = partial(_over_http, audited.port, {})
    owner = partial(_over_http, audited.port, {"Authorization": f"Bearer {audited.owner}"})
    found = [weakness.name for weakness in WEAKNESSES if weakness.is_shown_by(stranger)]
    tiring = [weakness for weakness in WEAKNESSES if weakness.tires]
    found += [f"{weakness.name}, with a credential" for weakness in tiring if weakness.is_shown_by(owner)]
    note = f"{len(WEAKNESSES)} weaknesses, {len(tiring)} of them with a credential too"
    return Findings(len(WEAKNESSES) + len(tiring), found, note)


def shown(exchange: Exchange) -> Sequence[str]:
    """The names of the weaknesses that a server shows."""
    return [weakness.name for weakness in WEAKNESSES if weakness.is_shown_by(exchange)]


def _over_http(port: int, credential: Mapping[str, str], method: str, path: str, headers: Any, body: bytes) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_MAX)
    connection.request(method, path, body=body, headers={**credential, **headers})
    response = connection.getresponse()
    reply = Reply(response.status, response.read().decode())
    connection.close()
    return reply


def _post(exchange: Exchange, content: Any, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return exchange("POST", "/graphql", {"Content-Type": "application/json", **named}, json.dumps(content).encode())


def _ask(exchange: Exchange, document: str) -> Reply:
    return _post(exchange, {"query": document})


def _get(exchange: Exchange, document: str) -> Reply:
    return exchange("GET", f"/graphql?query={quote(document)}", {}, b"")


def _overloads_aliases(exchange: Exchange) -> bool:
    aliases = " ".join(f"alias{number}: __typename" for number in range(REPETITIONS))
    return _ask(exchange, f"query cop {{ {aliases} }}").has_data


def _batches(exchange: Exchange) -> bool:
    return isinstance(_post(exchange, [{"query": "query cop { __typename }"}] * BATCH).content, list)


def _repeats_directives(exchange: Exchange) -> bool:
    content = _ask(exchange, "query cop { __typename " + "@aa" * BATCH + " }").content
    return len(content.get("errors", ())) > 1


def _goes_in_circles(exchange: Exchange) -> bool:
    return _ask(exchange, f"query cop {CIRCULAR}").has_data


def _repeats_fields(exchange: Exchange) -> bool:
    return _ask(exchange, "query cop { " + "__typename " * REPETITIONS + "}").has_data


def _suggests_fields(exchange: Exchange) -> bool:
    # `viewr` is close to a field of ours, `direktives` to one of every schema.
    replies = [_ask(exchange, document) for document in ("{ viewr { kind } }", "{ __schema { direktives { name } } }")]
    return any("did you mean" in reply.text.lower() for reply in replies)


def _tells_its_schema(exchange: Exchange) -> bool:
    return _ask(exchange, "query cop { __schema { types { name fields { name } } } }").has_data


def _answers_get(exchange: Exchange) -> bool:
    documents = ("query cop { __typename }", "query cop { __schema { types { name } } }")
    return any(_get(exchange, document).has_data for document in documents)


def _changes_by_get(exchange: Exchange) -> bool:
    return _get(exchange, "mutation cop { __typename }").has_data


def _reads_forms(exchange: Exchange) -> bool:
    document = "query cop { __typename }"
    form = partial(exchange, "POST", "/graphql")
    operations = json.dumps({"query": document})
    part = f'--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{operations}\r\n--x--\r\n'
    replies = (
        form({"Content-Type": "application/x-www-form-urlencoded"}, urlencode({"query": document}).encode()),
        form({"Content-Type": "text/plain"}, operations.encode()),
        form({"Content-Type": "multipart/form-data; boundary=x"}, part.encode()),
        form({}, operations.encode()),
    )
    return any(reply.has_data for reply in replies)


def _serves_a_console(exchange: Exchange) -> bool:
    pages = [exchange("GET", path, {"Accept": "text/html"}, b"") for path in PAGES]
    return any(page.status == http.HTTPStatus.OK and _names_a_console(page.text.lower()) for page in pages)


def _names_a_console(text: str) -> bool:
    return any(sign in text for sign in PAGE_SIGNS)


def _traces(exchange: Exchange) -> bool:
    content = _post(exchange, {"query": "query cop { __typename }"}, X_Apollo_Tracing="1").content
    return "tracing" in content.get("extensions", {})


def _tells_its_innards(exchange: Exchange) -> bool:
    bodies = (b'{"query": "qwerty cop { abc }"}', b'{"query": 5}', b'"abc"', b'{"query": "\xff"}', b"[" * REPETITIONS)
    headers = {"Content-Type": "application/json"}
    replies = [exchange("POST", "/graphql", headers, body) for body in bodies]
    return any(
        reply.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR or any(sign in reply.text.lower() for sign in INNARDS)
        for reply in replies
    )


WEAKNESSES = (
    Weakness("alias overloading", _overloads_aliases, tires=True),
    Weakness("array batching", _batches, tires=True),
    Weakness("directive overloading", _repeats_directives, tires=True),
    Weakness("circular introspection", _goes_in_circles, tires=True),
    Weakness("field duplication", _repeats_fields, tires=True),
    Weakness("field suggestions", _suggests_fields, tires=True),
    Weakness("introspection", _tells_its_schema),
    Weakness("queries by GET", _answers_get),
    Weakness("mutations by GET", _changes_by_get),
    Weakness("forms that another site can post", _reads_forms),
    Weakness("a console page", _serves_a_console),
    Weakness("tracing", _traces),
    Weakness("unhandled errors", _tells_its_innards),
)
