"""``recordPurchases``: what a receipt costs when hundreds of them come in one request."""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from tests.load.contenders import Http, receipt
from tests.load.measuring import Sample
from tests.load.stage import Stage

PURCHASES = """
mutation($input: RecordPurchasesInput!) { recordPurchases(input: $input) { ... on RecordPurchasesPayload {
  results { index result { ... on RecordPurchasePayload { purchase { id } points replayed } ... on Error { code } } }
} } }"""


@dataclass(frozen=True, slots=True)
class Bulk:
    """Requests of ``size`` receipts, counted by receipts."""

    http: Http
    size: int

    @property
    def name(self) -> str:
        """The contender in a report."""
        return f"HTTP, {self.size} a call"

    def run(self, seconds: int) -> Sample:
        """Send receipts for members chosen by lot."""
        sample = self.http.run(seconds)
        cpu_ms = None if sample.cpu_ms is None else sample.cpu_ms / self.size
        return Sample(sample.per_second * self.size, cpu_ms)


def bulk_over_http(stage: Stage, connections: int, size: int) -> Bulk:
    """``recordPurchases`` by a few callers, as an import or a chain's headquarters would send them."""
    return Bulk(Http(stage, connections, _body(size), b'"replayed":false'), size)


def _body(size: int) -> Callable[[Stage], bytes]:
    def body(stage: Stage) -> bytes:
        receipts = [receipt(stage) for _ in range(size)]
        return orjson.dumps({"query": PURCHASES, "variables": {"input": {"purchases": receipts}}})

    return body
