"""S2: two tenants on 32 connections each, over two seats at the database, while connections are cut, canceled and lost.

Every answer is searched for what belongs to the other tenant.
"""

import http.client
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.load import PURCHASE, purchase_input
from tests.faults.merchant import Merchant, open_merchant
from tests.faults.verdict import Verdict
from tests.faults.wire import TIMEOUT_SECONDS

CONNECTIONS = 32
"""Of each tenant."""
MEMBERS = 3
POOL_SIZE = 4
"""The smallest that the product takes: two seats for log-ins, two for all the rest."""
STATEMENT_TIMEOUT_MS = 250
HELD_SECONDS = 2 * STATEMENT_TIMEOUT_MS / 1_000
SABOTAGE_EVERY_SECONDS = 0.1
LOCK_ONE_IN = 20
SHOWN_CHARACTERS = 200
MUTANT_ANSWERS = 600

READ = """
query($by: MemberReferenceInput!) { member(by: $by) {
  id name identities { value } balances { available }
  purchases(first: 3) { edges { node { id externalId } } } } }"""
REWARDS = "{ rewards(first: 5) { edges { node { id code } } } stores(first: 5) { edges { node { id code } } } }"

BACKENDS = "SELECT pid FROM pg_stat_activity WHERE client_addr IS NOT NULL AND backend_type = 'client backend'"
STRANGERS = "SELECT count(*) FROM {}.purchases WHERE external_id NOT LIKE %s"


@dataclass(slots=True)
class Tally:
    """What was seen, by all callers together."""

    wanted: int
    answers: int = 0
    own: int = 0
    """Answers with something of the tenant's own in them: they show that the search would find it."""
    foreign: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_over(self) -> bool:
        return self.answers >= self.wanted

    def saw(self, body: bytes, ours: list[bytes], theirs: list[bytes]) -> None:
        with self.lock:
            self.answers += 1
            self.own += any(mark in body for mark in ours)
            if any(mark in body for mark in theirs):
                self.foreign.append(body[:SHOWN_CHARACTERS].decode(errors="replace"))
            if b'"INTERNAL"' in body or b'"SERVICE_UNAVAILABLE"' in body:
                self.faults["requests that failed"] += 1

    def note(self, fault: str) -> None:
        with self.lock:
            self.faults[fault] += 1


def mix_two_tenants(bench: Bench) -> Verdict:
    """S2: reads, purchases, errors, hang-ups of two tenants; nobody sees what is not theirs."""
    stack, scale = bench.stack, bench.scale
    url = f"{stack.postgres.tcp_url()}&options=-c%20statement_timeout%3D{STATEMENT_TIMEOUT_MS}"
    environment = {
        "REGULARS_DATABASE_URL": url,
        "REGULARS_DATABASE_POOL_SIZE": str(POOL_SIZE),
        "REGULARS_RATE_PER_SECOND": "1000000000",
        "REGULARS_RATE_CAPACITY": "1000000000",
    }
    stack.require("gateway", environment=environment)
    merchants = [open_merchant(stack.gateway_port, members=MEMBERS) for _ in range(2)]
    if bench.gateway_fault is not None:  # merchants are opened by a product that does what it should
        stack.require("gateway", fault=bench.gateway_fault, environment=environment)
    tally = Tally(wanted=scale.answers if bench.gateway_fault is None else min(scale.answers, MUTANT_ANSWERS))
    callers = [
        threading.Thread(
            target=partial(_call, stack.gateway_port, merchants[side], merchants[not side], tally),
            args=(random.Random(f"{scale.seed}/{side}/{number}"), f"{merchants[side].slug}-{number}"),
            daemon=True,
        )
        for side in (0, 1)
        for number in range(CONNECTIONS)
    ]
    saboteur = threading.Thread(
        target=_sabotage, args=(stack.postgres.superuser_url, merchants, tally, random.Random(scale.seed)), daemon=True
    )
    for thread in (*callers, saboteur):
        thread.start()
    for thread in (*callers, saboteur):
        thread.join()
    return _verdict(tally, _strangers(stack.postgres.superuser_url, merchants))


def _verdict(tally: Tally, strangers: int) -> Verdict:
    verdict = Verdict("S2", injected=tally.faults.total(), acknowledged=tally.answers)
    verdict.leaked = len(tally.foreign) + strangers
    verdict.note = ", ".join(f"{count} {fault}" for fault, count in sorted(tally.faults.items()))
    verdict.complain("answers with the other tenant's data", tally.foreign)
    if strangers:
        verdict.complaints.append(f"{strangers} purchases in the other tenant's books")
    if tally.own < tally.answers // 2:
        verdict.complaints.append(f"only {tally.own} of {tally.answers} answers held anything of the tenant's own")
    missing = {"hang-ups", "cancellations", "lost connections"} - set(tally.faults)
    if missing:
        verdict.complaints.append(f"nothing injected of {sorted(missing)}")
    return verdict


def _marks(merchant: Merchant) -> list[bytes]:
    """What only this tenant's data holds: its slug is in its members' addresses and its purchases' numbers."""
    return [mark.encode() for mark in (merchant.slug, merchant.store_id, *merchant.member_ids)]


def _call(port: int, merchant: Merchant, other: Merchant, tally: Tally, chance: random.Random, name: str) -> None:
    """One connection, opened again whenever it is lost."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    ours, theirs = _marks(merchant), _marks(other)
    number = 0
    while not tally.is_over:
        number += 1
        request = _request(merchant, other, chance, f"{name}-{number}")
        if chance.random() < 0.1:
            _hang_up(port, merchant, request, chance)
            tally.note("hang-ups")
            continue
        try:
            connection.request("POST", "/graphql", body=json.dumps(request), headers=_headers(merchant))
            body = connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            connection.close()  # the next request opens it again
            tally.note("answers lost")
        else:
            tally.saw(body, ours, theirs)
    connection.close()


def _request(merchant: Merchant, other: Merchant, chance: random.Random, key: str) -> dict[str, Any]:
    member = chance.randrange(MEMBERS)
    purchase = purchase_input(merchant, key=key, member=member, cents=500)
    draws: dict[Callable[[], dict[str, Any]], int] = {
        lambda: _document(READ, by={"id": merchant.member_ids[member]}): 10,
        lambda: _document(READ, by={"id": other.member_ids[member]}): 1,
        lambda: _document(REWARDS): 2,
        lambda: _document(PURCHASE, input=purchase): 4,
        # Refused after a look at the database: such a store is not there.
        lambda: _document(PURCHASE, input={**purchase, "storeId": other.store_id}): 1,
    }
    return chance.choices(list(draws), weights=list(draws.values()))[0]()


def _document(query: str, **variables: Any) -> dict[str, Any]:
    return {"query": query, "variables": variables}


def _headers(merchant: Merchant) -> dict[str, str]:
    return {"Content-Type": "application/json", "Authorization": f"Bearer {merchant.token}"}


def _hang_up(port: int, merchant: Merchant, request: dict[str, Any], chance: random.Random) -> None:
    body = json.dumps(request).encode()
    lines = [f"{name}: {value}" for name, value in {**_headers(merchant), "Content-Length": len(body)}.items()]
    head = "\r\n".join(("POST /graphql HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""))
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(head.encode() + body)
            time.sleep(chance.uniform(0, 0.02))
    except OSError:
        return


def _sabotage(superuser_url: str, merchants: list[Merchant], tally: Tally, chance: random.Random) -> None:
    """Cancel statements, end backends and hold up a table, until all have seen enough."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        while not tally.is_over:
            time.sleep(SABOTAGE_EVERY_SECONDS)
            backends = [row[0] for row in connection.execute(BACKENDS)]
            if not backends:
                continue
            if chance.randrange(LOCK_ONE_IN) == 0:
                members = sql.Identifier(chance.choice(merchants).schema, "members")
                with connection.transaction():
                    connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(members))
                    time.sleep(HELD_SECONDS)
                tally.note("tables held beyond the timeout")
            elif chance.random() < 0.7:
                connection.execute("SELECT pg_cancel_backend(%s)", [chance.choice(backends)])
                tally.note("cancellations")
            else:
                connection.execute("SELECT pg_terminate_backend(%s)", [chance.choice(backends)])
                tally.note("lost connections")


def _strangers(superuser_url: str, merchants: list[Merchant]) -> int:
    """Purchases that stand in the books of the tenant who did not make them."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        found = (
            connection.execute(
                sql.SQL(STRANGERS).format(sql.Identifier(merchant.schema)), [f"{merchant.slug}-%"]
            ).fetchone()
            for merchant in merchants
        )
        return sum(row[0] for row in found if row)


EXPERIMENTS = (
    Experiment(
        "S2",
        "Two tenants over two connections, with faults",
        mix_two_tenants,
        (
            Mutation(
                "the first tenant's path stays on the connection",
                lambda verdict: verdict.leaked > 0,
                gateway="sticky-path",
            ),
        ),
    ),
)
