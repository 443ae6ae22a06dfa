"""The product in the two ways in which it is measured: as services in this process, and over HTTP."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson

from services.gateway.graphql.ids import encode
from services.platform.clock import monotonic
from services.platform.ids import new_id
from tests.faults.load import PURCHASE
from tests.faults.merchant import CURRENCY
from tests.load.callers import call_for
from tests.load.measuring import Sample
from tests.load.stage import GATEWAY_PROCESSES, PAID_MINOR, Stage

MEMBER = """
query($id: ID!) { member(by: {id: $id}) {
  id name status
  balances { unit available pending }
  tier { tier { code name { en zh } multiplier } progress { missing } } } }"""
"""Its statements are those of ``reference/member_by_id.sql``."""

_chance = random.Random(7)


@dataclass(frozen=True, slots=True)
class Service:
    """``recordPurchase`` by threads of this process, each purchase committed in a unit of work of its own."""

    stage: Stage
    threads: int

    @property
    def name(self) -> str:
        """The contender in a report."""
        return "services, one process"

    def run(self, seconds: int) -> Sample:
        """Record purchases of members chosen by lot."""
        began, cpu = monotonic(), time.process_time()
        with ThreadPoolExecutor(self.threads) as pool:
            tills = [pool.submit(self._record_until, began + seconds) for _ in range(self.threads)]
            recorded = sum(till.result() for till in tills)
        seconds_taken = monotonic() - began
        return Sample(recorded / seconds_taken, cpu_ms=1_000 * (time.process_time() - cpu) / recorded)

    def _record_until(self, deadline: float) -> int:
        merchant, recorded = self.stage.merchant, 0
        while monotonic() < deadline:
            member_id = _chance.choice(self.stage.member_ids)
            merchant.record(merchant.purchase_command(self.stage.store, member_id, PAID_MINOR))
            recorded += 1
        return recorded


@dataclass(frozen=True, slots=True)
class Http:
    """One GraphQL operation over HTTP, by the key of a till, to the gateway's processes."""

    stage: Stage
    connections: int
    body: Callable[[Stage], bytes]
    expected: bytes
    name: str = f"HTTP, {GATEWAY_PROCESSES} processes"

    def run(self, seconds: int) -> Sample:
        """Send the operation for members chosen by lot."""
        stage = self.stage
        before = stage.gateway_cpu_seconds()
        calls = call_for(
            seconds,
            port=stage.gateway_port,
            token=stage.till.token,
            connections=self.connections,
            body=lambda: self.body(stage),
            expected=self.expected,
        )
        after = stage.gateway_cpu_seconds()
        cpu_ms = None if before is None or after is None else 1_000 * (after - before) / calls.answers
        return Sample(calls.answers / calls.seconds, cpu_ms)


def purchases_over_http(stage: Stage, connections: int) -> Http:
    """``recordPurchase`` with what it answers to a till."""
    return Http(stage, connections, purchase_body, b'"replayed":false')


def members_over_http(stage: Stage, connections: int) -> Http:
    """A member by id with balances and tier."""
    return Http(stage, connections, member_body, b'"balances":[{"unit":"beans"')


def purchase_body(stage: Stage) -> bytes:
    """A request to record a purchase by a member chosen by lot."""
    return orjson.dumps({"query": PURCHASE, "variables": {"input": receipt(stage)}})


def receipt(stage: Stage) -> dict[str, Any]:
    """The input of a purchase by a member chosen by lot."""
    key = new_id().hex
    return {
        "source": "till",
        "externalId": key,
        "storeId": stage.till.store_id,
        "currency": CURRENCY,
        "member": {"id": _member_id(stage)},
        "lines": [{"sku": "flat-white", "quantity": "1", "amount": f"{PAID_MINOR // 100}.{PAID_MINOR % 100:02}"}],
        "idempotencyKey": key,
    }


def member_body(stage: Stage) -> bytes:
    """A request for a member chosen by lot."""
    return orjson.dumps({"query": MEMBER, "variables": {"id": _member_id(stage)}})


def _member_id(stage: Stage) -> str:
    return encode("Member", _chance.choice(stage.member_ids))
