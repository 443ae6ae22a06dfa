"""What a user would pick instead: PostGraphile 5, and django-tenants with strawberry-django, on the same server.

They have no authentication, no limits, no audit and no idempotency: they do less for their answers.
"""

import base64
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import psycopg
from psycopg import sql

from services.platform.clock import monotonic
from services.platform.supervision.children import Child, ChildSpec
from tests.faults.wire import free_port
from tests.load.callers import BadAnswer, Calls, call_for
from tests.load.measuring import Sample

HERE = Path(__file__).parent
DATABASE = "peers"
READY_SECONDS_MAX = 60.0
POLL_SECONDS = 0.1
PAID_MINOR = 234
PYTHON = "REGULARS_PEERS_PYTHON"
"""The Python with the peers' packages; ``./dev bench --peers`` sets it, and puts a Node.js on the path that does."""


FIRST_PAGES = 500
PAGE = 50

_POSTGRAPHILE = {
    "member": "query($id: BigInt!) { memberByRowId(rowId: $id) { rowId name status tierByTierId { code name }"
    " accountByMemberId { balance earned } } }",
    "page": "query($after: Cursor) { allMembers(first: 50, after: $after) { nodes { rowId name status"
    " tierByTierId { code name } accountByMemberId { balance earned }"
    " entriesByMemberId(first: 5, orderBy: PRIMARY_KEY_DESC)"
    " { nodes { rowId kind points externalId occurredAt } } } } }",
    "purchase": "mutation($id: BigInt!, $external: String!, $amount: BigInt!) { recordPurchase(input:"
    " {buyer: $id, externalNumber: $external, amount: $amount}) { result { balance } } }",
}
_DJANGO = {
    "member": "query($id: ID!) { member(pk: $id) { id name status tier { code name } account { balance earned } } }",
    "page": "query($after: Int!) { members(after: $after) { id name status tier { code name }"
    " account { balance earned } entries(pagination: {limit: 5}) { id kind points externalId occurredAt } } }",
    "purchase": "mutation($id: ID!, $external: String!, $amount: Int!)"
    " { recordPurchase(memberId: $id, externalId: $external, amount: $amount) { balance } }",
}
_ANY_CURSOR = b'{"query":"{ allMembers(first: 1) { edges { cursor } } }"}'


class PeerFailed(Exception):
    """A peer did not come up; the text is the end of its log."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer at work on a port of the loopback; ``after`` writes a member's number as the place in its list."""

    name: str
    child: Child
    port: int
    documents: Mapping[str, str]
    after: Callable[[int], object]


@dataclass(frozen=True, slots=True)
class PeerCalls:
    """One operation of a peer over HTTP, for members chosen by lot: ``member``, ``page``, ``deep`` or ``purchase``.

    ``page`` begins among the first five hundred members, ``deep`` anywhere.
    """

    peer: Peer
    operation: str
    members: int
    connections: int

    @property
    def name(self) -> str:
        """The contender in a report."""
        return self.peer.name

    def run(self, seconds: int) -> Sample:
        """Send the operation."""
        before = _cpu_seconds(self.peer.child)
        expected = b'"balance":'
        calls = _call(self.peer.port, self._body, expected=expected, seconds=seconds, connections=self.connections)
        cpu_ms = 1_000 * (_cpu_seconds(self.peer.child) - before) / calls.answers
        return Sample(calls.answers / calls.seconds, cpu_ms)

    def _body(self) -> bytes:
        operation = "page" if self.operation == "deep" else self.operation
        return orjson.dumps({"query": self.peer.documents[operation], "variables": self._variables()})

    def _variables(self) -> dict[str, object]:
        if self.operation in ("page", "deep"):
            last = self.members - PAGE
            return {"after": self.peer.after(secrets.randbelow(last if self.operation == "deep" else FIRST_PAGES) + 1)}
        lot = secrets.randbelow(self.members) + 1
        if self.operation == "member":
            return {"id": str(lot)}
        return {"id": str(lot), "external": secrets.token_hex(16), "amount": PAID_MINOR}


@contextmanager
def running_peers(superuser_url: str, *, members: int) -> Iterator[tuple[Peer, Peer]]:
    """PostGraphile and Django on a database of their own.

    Raises:
        PeerFailed
    """
    parts = urlsplit(superuser_url)
    environment = {
        **os.environ,
        "PEERS_HOST": parse_qs(parts.query)["host"][0],
        "PEERS_USER": parts.username or "postgres",
        "PEERS_DATABASE": DATABASE,
    }
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    subprocess.run([environment[PYTHON], "prepare.py"], cwd=HERE / "django", env=environment, check=True)
    url = parts._replace(path=f"/{DATABASE}").geturl()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((HERE / "data.sql").read_text().replace(":members", str(members)).encode())
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield (
            stack.enter_context(_postgraphile(environment, logs)),
            stack.enter_context(_django(environment, logs)),
        )


@contextmanager
def _postgraphile(environment: Mapping[str, str], logs: Path) -> Iterator[Peer]:
    port = free_port()
    command = (shutil.which("node", path=environment["PATH"]) or "node", "server.mjs")
    spec = ChildSpec("postgraphile", command, {**environment, "PEERS_PORT": str(port)}, HERE / "postgraphile")
    with _running(spec, port, logs) as child:
        order = _order_of(port)
        yield Peer(
            "PostGraphile 5",
            child,
            port,
            _POSTGRAPHILE,
            after=lambda number: base64.b64encode(orjson.dumps([order, str(number)])).decode(),
        )


def _order_of(port: int) -> str:
    """What a cursor of PostGraphile begins with: the fingerprint of the order."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", _ANY_CURSOR, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=READY_SECONDS_MAX) as answer:  # noqa: S310  the loopback
        (edge,) = json.load(answer)["data"]["allMembers"]["edges"]
    order: str = json.loads(base64.b64decode(edge["cursor"]))[0]
    return order


@contextmanager
def _django(environment: Mapping[str, str], logs: Path) -> Iterator[Peer]:
    port = free_port()
    server = "granian --interface wsgi --workers 2 --blocking-threads 4 --no-ws --log-level warning --port"
    command = (environment[PYTHON], "-m", *server.split(), str(port), "wsgi:application")
    with _running(ChildSpec("django", command, environment, HERE / "django"), port, logs) as child:
        yield Peer("django-tenants", child, port, _DJANGO, after=lambda number: number)


def _call(port: int, body: Callable[[], bytes], *, expected: bytes, seconds: float, connections: int) -> Calls:
    return call_for(
        seconds,
        port=port,
        token="none",
        connections=connections,
        body=body,
        expected=expected,
    )


@contextmanager
def _running(spec: ChildSpec, port: int, logs: Path) -> Iterator[Child]:
    child = Child(spec, logs=logs)
    child.start()
    try:
        deadline = monotonic() + READY_SECONDS_MAX
        while not _answers(port):
            if child.exit_code() is not None or monotonic() > deadline:
                raise PeerFailed(f"{spec.name}: {child.log_tail()}")
            time.sleep(POLL_SECONDS)
        yield child
    finally:
        child.stop(grace=0)


def _answers(port: int) -> bool:
    with suppress(OSError, TimeoutError, BadAnswer):
        _call(port, lambda: b'{"query":"{__typename}"}', expected=b'"Query"', seconds=0, connections=1)
        return True
    return False


def _cpu_seconds(child: Child) -> float:
    """Processor time of a process and of the children that it has."""
    total = 0
    for pids in ([child.pid], _children(child.pid)):
        for each in pids:
            with suppress(OSError):
                fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def _children(pid: int | None) -> list[int]:
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
