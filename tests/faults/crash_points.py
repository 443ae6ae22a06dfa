"""F10: the way of a command, broken at each of its statements in turn; then the command is sent again."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import count
from typing import Any, TextIO

from services.platform.clock import monotonic
from tests.faults.breaker import Breaker, Way, breaking_line
from tests.faults.experiments import Bench, Experiment, Mutation
from tests.faults.load import DOCUMENTS, PURCHASES_ONLY, SOURCE, Kind, purchase_input
from tests.faults.merchant import Merchant
from tests.faults.verdict import Evidence, Verdict, judge
from tests.faults.wire import Caller, NoAnswer, Refused, Unforeseen

POINTS_MAX = 120
"""More statements than any command has: beyond them the sweep has gone astray."""
PATIENCE_SECONDS = 120.0
CENTS = 1_500
CALM_COMMANDS = 3
TRIES_MAX = 3
COMMANDS = (Kind.PURCHASE, Kind.REFUND, Kind.REDEMPTION)


def break_each_statement(bench: Bench) -> Verdict:
    """F10: the line to PostgreSQL breaks before each statement, and after each round trip.

    In the long form the gateway is killed at each of these moments as well. The meter of costs is quiet meanwhile, so
    that the statements of a command are the only ones.
    """
    stack, scale = bench.stack, bench.scale
    quiet = replace(bench, gateway_fault="+".join(filter(None, ("quiet-meter", bench.gateway_fault))))
    breakers = [Breaker()] if scale.is_hurried else [Breaker(), Breaker(lambda: stack.kill("gateway"))]
    with ExitStack() as proxies:
        lines = [proxies.enter_context(breaking_line(stack.postgres.port, breaker)) for breaker in breakers]
        proxies.callback(stack.stop, "gateway")  # before its way to PostgreSQL goes
        ways = [{"REGULARS_DATABASE_URL": stack.postgres.tcp_url(line)} for line in lines]
        merchant, letters, logs = quiet.begin(members=2, environment=ways[0])
        logs.mkdir(parents=True)
        with (
            (logs / "till-sweep.log").open("x") as log,
            closing(Caller(stack.gateway_port, token=merchant.token)) as caller,
        ):
            sweep = _Sweep(bench, merchant, caller, log)
            for breaker, way, name in zip(breakers, ways, ("", "killed "), strict=False):
                stack.require("gateway", fault=quiet.gateway_fault, environment=way)
                sweep.run(breaker, name)
    stack.require("gateway", fault=bench.gateway_fault)
    letters.wait_until_sent()
    verdict = judge(stack, merchant, letters, Evidence("F10", sweep.struck, logs, acknowledged_min=sweep.struck))
    verdict.note = ", ".join(f"{kind} {points}" for kind, points in sweep.points.items())
    verdict.complaints += sweep.complaints
    return verdict


class _Sweep:
    """One till that sends command after command; each of them is struck one statement later than the one before."""

    def __init__(self, bench: Bench, merchant: Merchant, caller: Caller, log: TextIO) -> None:
        self._bench, self._merchant, self._caller, self._log = bench, merchant, caller, log
        self._numbers = count()
        self.struck = 0
        self.points: dict[str, int] = {}
        """By kind of command and way: how many points were struck."""
        self.complaints: list[str] = []

    def run(self, breaker: Breaker, prefix: str) -> None:
        """Strike at every point of every command; the short form breaks all but purchases at round trips alone."""
        scale = self._bench.scale
        for kind in (kind for kind, weight in zip(Kind, scale.mix, strict=True) if weight and kind in COMMANDS):
            calm = self._calm(breaker, kind, f"{prefix}{kind}-calm")
            for way in Way:
                if scale.is_hurried and kind is not Kind.PURCHASE and way is Way.BEFORE:
                    continue
                name = f"{kind} {prefix}{way}"
                struck = set(self._strikes(breaker, kind, way, name))
                # A gateway that was just killed starts cold: its commands are longer, and never the same.
                wanted = calm if way is Way.BEFORE and not prefix else {"COMMIT"}
                for missed in sorted(wanted - struck):
                    self._strike_at(breaker, kind, way, name, missed)

    def _calm(self, breaker: Breaker, kind: Kind, name: str) -> set[str]:
        """The statements of a command that nothing disturbs, but for those that only some of its kind need."""
        common: set[str] | None = None
        for number in range(CALM_COMMANDS):
            key = f"{name}-{number}".replace(" ", "-")
            given = self._given(kind, key)
            breaker.arm(Way.BEFORE, POINTS_MAX * 10)
            self._send(kind, key, given)
            breaker.disarm()
            common = set(breaker.seen) & (common or set(breaker.seen))
        return common or set()

    def _strikes(self, breaker: Breaker, kind: Kind, way: Way, name: str) -> Iterator[str]:
        """The statements struck at, until a command gets through unharmed."""
        for point in range(1, POINTS_MAX):
            key = f"{name}-{point}".replace(" ", "-")
            given = self._given(kind, key)
            breaker.arm(way, point)
            self._send(kind, key, given)
            breaker.disarm()
            if breaker.struck is None:
                self.points[name] = point - 1
                return
            self.struck += 1
            yield breaker.struck
        raise TimeoutError(f"{name}: {POINTS_MAX} statements and no end")

    def _strike_at(self, breaker: Breaker, kind: Kind, way: Way, name: str, statement: str) -> None:
        """Strike at one statement by its text: another command had more statements, or fewer."""
        for _ in range(TRIES_MAX):
            key = f"{name}-again-{next(self._numbers)}".replace(" ", "-")
            given = self._given(kind, key)
            breaker.arm(way, 1, only=statement)
            self._send(kind, key, given)
            breaker.disarm()
            if breaker.struck is not None:
                self.points[name] += 1
                self.struck += 1
                return
        self.complaints.append(f"{name}: never struck at {_head(statement)}")

    def _given(self, kind: Kind, key: str) -> dict[str, Any]:
        member = 0
        if kind is Kind.PURCHASE:
            return purchase_input(self._merchant, key=key, member=member, cents=CENTS)
        if kind is Kind.REDEMPTION:
            reference = {"id": self._merchant.member_ids[member]}
            return {"member": reference, "rewardId": self._merchant.reward_id, "idempotencyKey": key}
        bought = f"{key}-bought"
        self._send(Kind.PURCHASE, bought, purchase_input(self._merchant, key=bought, member=member, cents=CENTS))
        return {
            "purchase": {"external": {"source": SOURCE, "externalId": bought}},
            "source": SOURCE,
            "externalId": key,
            "refund": {"everything": True},
            "idempotencyKey": key,
        }

    def _send(self, kind: Kind, key: str, given: dict[str, Any]) -> None:
        """Send until it is answered; as a till would, with the same key."""
        self._write(event="sent", key=key, kind=kind, member=0)
        began = monotonic()
        while monotonic() < began + PATIENCE_SECONDS:
            try:
                answer = self._caller.command(DOCUMENTS[kind], given)
            except Refused as refusal:
                self._write(event="refused", key=key, code=refusal.code)
                return
            except NoAnswer as silence:
                event = "unforeseen" if isinstance(silence, Unforeseen) else "unanswered"
                self._write(event=event, key=key, why=str(silence))
                if self._bench.stack.ended():
                    self._bench.stack.restart("gateway")
            else:
                self._write(event="acknowledged", key=key, answer=answer)
                return

    def _write(self, **facts: Any) -> None:
        self._log.write(json.dumps({"at": monotonic(), **facts}) + "\n")
        self._log.flush()


def _head(statement: str) -> str:
    """Enough of a statement to know it by."""
    return " ".join(statement.split())[:40]


EXPERIMENTS = (
    Experiment(
        "F10",
        "The line breaks at each statement",
        break_each_statement,
        (
            Mutation(
                "acknowledged before commit",
                lambda verdict: verdict.lost > 0,
                gateway="acknowledge-before-commit",
                mix=PURCHASES_ONLY,
            ),
        ),
    ),
)
