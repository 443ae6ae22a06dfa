"""The checkout over HTTP: every caller quotes a cart and commits it, again and again."""

import http.client
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import orjson

from services.gateway.graphql.ids import encode
from services.platform.clock import monotonic
from services.platform.ids import new_id
from tests.faults.merchant import CURRENCY
from tests.load.callers import BadAnswer
from tests.load.measuring import Sample
from tests.load.stage import GATEWAY_PROCESSES, PAID_MINOR, Stage

QUOTE = """query($input: QuoteCartInput!) { done: quoteCart(input: $input) {
  ... on QuoteCartPayload { token total { amount } due { amount } points tierAfter lines { position points } }
  ... on Error { code } } }"""
COMMIT = """mutation($input: CommitCartInput!) { done: commitCart(input: $input) {
  ... on CommitCartPayload { purchase { id } total { amount } points balance replayed } ... on Error { code } } }"""
PERCENTILES = (50, 95)

_chance = random.Random(7)


@dataclass(frozen=True, slots=True)
class Checkout:
    """``callers`` that quote and commit one after the other; what counts is carts committed a second.

    ``tell`` hears how long the quotes and the commits of each run took.
    """

    stage: Stage
    callers: int
    tell: Callable[[str], None]
    name: str = field(default=f"quote and commit, HTTP, {GATEWAY_PROCESSES} processes")

    def run(self, seconds: int) -> Sample:
        """Sell to members chosen by lot."""
        began = monotonic()
        with ThreadPoolExecutor(self.callers) as pool:
            tills = [pool.submit(self._sell_until, began + seconds) for _ in range(self.callers)]
            times = [pair for till in tills for pair in till.result()]
        taken = monotonic() - began
        for verb, place in (("quoteCart", 0), ("commitCart", 1)):
            milliseconds = sorted(1_000 * pair[place] for pair in times)
            told = ", ".join(f"p{each} {milliseconds[len(milliseconds) * each // 100]:.1f} ms" for each in PERCENTILES)
            self.tell(f"{verb}, {self.callers} callers: {told}")
        return Sample(len(times) / taken)

    def _sell_until(self, deadline: float) -> list[tuple[float, float]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.stage.gateway_port, timeout=60)
        times: list[tuple[float, float]] = []
        while monotonic() < deadline:
            began = monotonic()
            quoted = self._send(connection, QUOTE, _cart(self.stage))
            between = monotonic()
            key = new_id().hex
            sale = {"token": quoted["token"], "source": "till", "externalId": key, "idempotencyKey": key}
            self._send(connection, COMMIT, sale)
            times.append((between - began, monotonic() - between))
        connection.close()
        return times

    def _send(self, connection: http.client.HTTPConnection, query: str, given: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.stage.till.token}"}
        connection.request("POST", "/graphql", orjson.dumps({"query": query, "variables": {"input": given}}), headers)
        answer: dict[str, Any] = orjson.loads(connection.getresponse().read())
        done: dict[str, Any] = (answer.get("data") or {}).get("done") or {}
        if "code" in done or not done:
            raise BadAnswer(str(answer))
        return done


def _cart(stage: Stage) -> dict[str, Any]:
    return {
        "storeId": stage.till.store_id,
        "currency": CURRENCY,
        "member": {"id": encode("Member", _chance.choice(stage.member_ids))},
        "lines": [{"sku": "flat-white", "quantity": "1", "amount": f"{PAID_MINOR // 100}.{PAID_MINOR % 100:02}"}],
    }
