"""The checkout over HTTP, against pgbench with the very statements of a quote and of a commit.

Quotes and commits are measured apart: the carts that a run commits are quoted before its clock starts.
"""

import http.client
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import orjson

from services.gateway.graphql.ids import encode
from services.platform.clock import monotonic
from services.platform.ids import new_id
from tests.faults.merchant import CURRENCY
from tests.load.callers import BadAnswer
from tests.load.measuring import Measure, Sample, in_turns
from tests.load.pgbench import Pgbench, Place
from tests.load.stage import GATEWAY_PROCESSES, PAID_MINOR, Stage

QUOTE = """query($input: QuoteCartInput!) { done: quoteCart(input: $input) {
  ... on QuoteCartPayload { token total { amount } due { amount } points tierAfter lines { position points } }
  ... on Error { code } } }"""
COMMIT = """mutation($input: CommitCartInput!) { done: commitCart(input: $input) {
  ... on CommitCartPayload { purchase { id } total { amount } points balance replayed } ... on Error { code } } }"""
CALLERS = (1, 8)
SPARE = 1.5
"""Carts that are quoted for a run of commits, for each that the run before would have taken."""
FIRST_GUESS = 100
"""Commits a second, before any run has told."""

_chance = random.Random(7)

Call = Callable[[http.client.HTTPConnection], bool]
"""Sends one request and hears its answer; False when there is nothing left to send."""


@dataclass(slots=True)
class Waits:
    """How long requests waited for their answers, in milliseconds, by run."""

    runs: list[list[float]] = field(default_factory=list)

    def percentile(self, percent: int) -> float:
        """Over all runs but the first, which only warms up."""
        found = sorted(chain.from_iterable(self.runs[1:]))
        return found[len(found) * percent // 100]


@dataclass(slots=True)
class Carts:
    """``callers`` that quote, or that commit what was quoted for them, one request after the other."""

    stage: Stage
    callers: int
    is_committing: bool
    waits: Waits = field(default_factory=Waits)
    name: str = f"HTTP, {GATEWAY_PROCESSES} processes"
    _per_second: float = FIRST_GUESS
    _quoted: deque[str] = field(default_factory=deque)

    def run(self, seconds: int) -> Sample:
        """Quote or commit carts of members chosen by lot."""
        if self.is_committing:
            wanted = int(seconds * self._per_second * SPARE) + self.callers
            self._together(self._quote, until=lambda: len(self._quoted) >= wanted)
        call = self._commit if self.is_committing else self._quote
        began, cpu = monotonic(), self.stage.gateway_cpu_seconds()
        times = self._together(call, until=lambda: monotonic() >= began + seconds)
        taken, cpu_after = monotonic() - began, self.stage.gateway_cpu_seconds()
        self._quoted.clear()
        self._per_second = len(times) / taken
        self.waits.runs.append(times)
        cpu_ms = None if cpu is None or cpu_after is None else 1_000 * (cpu_after - cpu) / len(times)
        return Sample(self._per_second, cpu_ms)

    def _together(self, call: Call, *, until: Callable[[], bool]) -> list[float]:
        """All callers at once, until it is time or there is nothing left; what each request took in milliseconds."""

        def work() -> list[float]:
            connection = http.client.HTTPConnection("127.0.0.1", self.stage.gateway_port, timeout=60)
            times: list[float] = []
            while not until():
                began = time.perf_counter()
                if not call(connection):
                    break
                times.append(1_000 * (time.perf_counter() - began))
            connection.close()
            return times

        with ThreadPoolExecutor(self.callers) as pool:
            tills = [pool.submit(work) for _ in range(self.callers)]
            return list(chain.from_iterable(till.result() for till in tills))

    def _quote(self, connection: http.client.HTTPConnection) -> bool:
        self._quoted.append(self._send(connection, QUOTE, _cart(self.stage))["token"])
        return True

    def _commit(self, connection: http.client.HTTPConnection) -> bool:
        try:
            token = self._quoted.popleft()
        except IndexError:
            return False
        key = new_id().hex
        sale = {"token": token, "source": "till", "externalId": key, "idempotencyKey": key}
        self._send(connection, COMMIT, sale)
        return True

    def _send(self, connection: http.client.HTTPConnection, query: str, given: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.stage.till.token}"}
        connection.request("POST", "/graphql", orjson.dumps({"query": query, "variables": {"input": given}}), headers)
        answer: dict[str, Any] = orjson.loads(connection.getresponse().read())
        done: dict[str, Any] = (answer.get("data") or {}).get("done") or {}
        if "code" in done or not done:
            raise BadAnswer(str(answer))
        return done


@dataclass(slots=True)
class Timed:
    """pgbench, of which every transaction's time is kept."""

    pgbench: Pgbench
    waits: Waits = field(default_factory=Waits)

    @property
    def name(self) -> str:
        """The contender in a report."""
        return self.pgbench.name

    def run(self, seconds: int) -> Sample:
        """Run pgbench.

        Raises:
            PgbenchFailed
        """
        sample, times = self.pgbench.timed_run(seconds)
        self.waits.runs.append(times)
        return sample


def checkout_measures(stage: Stage, place: Place, tell: Callable[[str], None]) -> Iterator[Measure]:
    """A measure of quotes and one of commits for each number of callers; ``tell`` hears how long each had to wait."""
    for callers in CALLERS:
        for verb, script, is_committing in (
            ("quoteCart", "quote_cart.sql", False),
            ("commitCart", "commit_cart.sql", True),
        ):
            limit, ours = Timed(Pgbench(place, script, clients=callers)), Carts(stage, callers, is_committing)
            yield in_turns(f"{verb}, {callers}", limit, ours)
            told = [
                f"p{percent} {ours.waits.percentile(percent):.1f} ms, pgbench {limit.waits.percentile(percent):.1f} ms,"
                f" {ours.waits.percentile(percent) / limit.waits.percentile(percent):.1f} times"
                for percent in (50, 95)
            ]
            tell(f"{verb}, {callers}: {'; '.join(told)}")


def _cart(stage: Stage) -> dict[str, Any]:
    return {
        "storeId": stage.till.store_id,
        "currency": CURRENCY,
        "member": {"id": encode("Member", _chance.choice(stage.member_ids))},
        "lines": [{"sku": "flat-white", "quantity": "1", "amount": f"{PAID_MINOR // 100}.{PAID_MINOR % 100:02}"}],
    }
