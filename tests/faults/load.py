"""Tills at work: each sends purchases, refunds, redemptions and adjustments, and writes down what it was told.

A till's log is the only witness of what was acknowledged: one line before a request goes out, one when it is settled.
"""

import json
import os
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from services.platform.clock import monotonic
from tests.faults.merchant import ADJUST, CURRENCY, Merchant
from tests.faults.wire import Caller, NoAnswer, Refused, Unforeseen

ATTEMPTS_MAX = 400
PATIENCE_SECONDS = 180.0
PAUSE_SECONDS_FIRST, PAUSE_SECONDS_MAX = 0.02, 0.5
STALLED_SECONDS = 180.0
"""So long nothing is acknowledged, and the load counts as dead. No speed is asked for, only life."""
JOIN_SECONDS = PATIENCE_SECONDS + 60.0
IMPATIENT_ONE_IN = 12
"""So many requests to one that is given up after its first failure."""

SOURCE = "till"

_ERROR = "... on Error { code message }"
PURCHASE = f"""
mutation($input: RecordPurchaseInput!) {{ done: recordPurchase(input: $input) {{
  ... on RecordPurchasePayload {{ purchase {{ id externalId points }} points balance replayed }} {_ERROR} }} }}"""
REFUND = f"""
mutation($input: RefundPurchaseInput!) {{ done: refundPurchase(input: $input) {{
  ... on RefundPurchasePayload {{ refund {{ id externalId }} points balance replayed }} {_ERROR} }} }}"""
REDEEM = f"""
mutation($input: RedeemRewardInput!) {{ done: redeemReward(input: $input) {{
  ... on RedeemRewardPayload {{ redemption {{ id }} points balance replayed }} {_ERROR} }} }}"""


class Kind(StrEnum):
    PURCHASE = "purchase"
    REFUND = "refund"
    REDEMPTION = "redemption"
    ADJUSTMENT = "adjustment"


Mix = tuple[int, int, int, int]
"""How often each kind is drawn, in the order of `Kind`."""
ALL_KINDS: Mix = (6, 1, 2, 2)
PURCHASES_ONLY: Mix = (1, 0, 0, 0)
KEYED_ONLY: Mix = (0, 0, 1, 1)
"""Only what nothing but its key protects from being done twice: a purchase has its number as well."""

DOCUMENTS = {Kind.PURCHASE: PURCHASE, Kind.REFUND: REFUND, Kind.REDEMPTION: REDEEM, Kind.ADJUSTMENT: ADJUST}


@dataclass(frozen=True, slots=True)
class Step:
    """What a till does next. The same seed gives the same steps."""

    key: str
    kind: Kind
    member: int
    cents: int
    is_patient: bool


def steps(seed: int, till: int, *, members: int, mix: Mix = ALL_KINDS) -> Iterator[Step]:
    """The endless day of one till."""
    chance = random.Random(f"{seed}/{till}")
    for number in count():
        kind = chance.choices(tuple(Kind), weights=mix)[0]
        yield Step(
            key=f"t{till}-{number}",
            kind=kind,
            member=chance.randrange(members),
            cents=chance.randrange(100, 6_000),
            is_patient=chance.randrange(IMPATIENT_ONE_IN) > 0,
        )


def purchase_input(merchant: Merchant, *, key: str, member: int, cents: int) -> dict[str, Any]:
    """A receipt of one line."""
    return {
        "source": SOURCE,
        "externalId": key,
        "storeId": merchant.store_id,
        "currency": CURRENCY,
        "member": {"id": merchant.member_ids[member]},
        "lines": [{"sku": "flat-white", "quantity": "1", "amount": f"{cents // 100}.{cents % 100:02}"}],
        "idempotencyKey": key,
    }


def adjustment_input(merchant: Merchant, *, key: str, member: int, points: int) -> dict[str, Any]:
    """Points by hand. Its reason is its key: nothing but the key keeps it from being done twice."""
    return {"member": {"id": merchant.member_ids[member]}, "points": points, "reason": key, "idempotencyKey": key}


class Pulse:
    """How many requests of all tills have been acknowledged, and when."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._moments: list[float] = []

    def beat(self) -> None:
        with self._changed:
            self._moments.append(monotonic())
            self._changed.notify_all()

    @property
    def count(self) -> int:
        return len(self._moments)

    def first_after(self, moment: float) -> float | None:
        """When the first request after ``moment`` was acknowledged."""
        with self._changed:
            return next((beat for beat in self._moments if beat >= moment), None)

    def wait_for(self, total: int) -> None:
        """Wait until ``total`` requests are acknowledged.

        Raises:
            TimeoutError: none has been for ``STALLED_SECONDS``.
        """
        with self._changed:
            while (before := self.count) < total:
                if not self._changed.wait_for(partial(self._is_beyond, before), timeout=STALLED_SECONDS):
                    raise TimeoutError(f"nothing acknowledged for {STALLED_SECONDS:.0f} s, after {before} requests")

    def _is_beyond(self, count_before: int) -> bool:
        return self.count > count_before


class Till(threading.Thread):
    """One caller that works through its steps until it is told to stop."""

    def __init__(
        self, number: int, merchant: Merchant, port: int, *, seed: int, mix: Mix, pace: float, log: Path, pulse: Pulse
    ) -> None:
        super().__init__(name=f"till-{number}", daemon=True)
        self._merchant = merchant
        self._steps = steps(seed, number, members=len(merchant.member_ids), mix=mix)
        self._caller = Caller(port, token=merchant.token)
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
        self._pulse = pulse
        self._pace = pace
        self._jitter = random.Random(number)
        self._refundable: list[tuple[str, int]] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                self._do(next(self._steps))
                self.stopping.wait(self._pace)
        finally:
            self._caller.close()
            os.close(self._log)

    def _do(self, step: Step) -> None:
        kind, given, member = self._request(step)
        self._write(event="sent", key=step.key, kind=kind, member=member)
        began, pause = monotonic(), PAUSE_SECONDS_FIRST
        for _ in range(ATTEMPTS_MAX):
            try:
                answer = self._caller.command(DOCUMENTS[kind], given)
            except Refused as refusal:
                self._write(event="refused", key=step.key, code=refusal.code)
                return
            except NoAnswer as silence:
                event = "unforeseen" if isinstance(silence, Unforeseen) else "unanswered"
                self._write(event=event, key=step.key, why=str(silence))
                if not step.is_patient or monotonic() - began > PATIENCE_SECONDS:
                    return
                # Not cut short by the end of the load: a request that was sent is followed up.
                threading.Event().wait(self._jitter.uniform(pause / 2, pause))
                pause = min(2 * pause, PAUSE_SECONDS_MAX)
            else:
                self._write(event="acknowledged", key=step.key, answer=answer)
                self._pulse.beat()
                if kind is Kind.PURCHASE:
                    self._refundable.append((step.key, member))
                return

    def _request(self, step: Step) -> tuple[Kind, dict[str, Any], int]:
        merchant = self._merchant
        if step.kind is Kind.REFUND and self._refundable:
            bought, member = self._refundable.pop(0)
            refund = {
                "purchase": {"external": {"source": SOURCE, "externalId": bought}},
                "source": SOURCE,
                "externalId": step.key,
                "refund": {"everything": True},
                "idempotencyKey": step.key,
            }
            return Kind.REFUND, refund, member
        if step.kind is Kind.REDEMPTION:
            member_ref = {"id": merchant.member_ids[step.member]}
            redemption = {"member": member_ref, "rewardId": merchant.reward_id, "idempotencyKey": step.key}
            return Kind.REDEMPTION, redemption, step.member
        if step.kind is Kind.ADJUSTMENT:
            given = adjustment_input(merchant, key=step.key, member=step.member, points=step.cents)
            return Kind.ADJUSTMENT, given, step.member
        given = purchase_input(merchant, key=step.key, member=step.member, cents=step.cents)
        return Kind.PURCHASE, given, step.member

    def _write(self, **facts: Any) -> None:
        os.write(self._log, json.dumps({"at": monotonic(), **facts}).encode() + b"\n")


class Load:
    """Several tills at one merchant; use it in ``with``. Their logs are in ``folder``.

    ``pace`` is how many seconds a till rests after each request.
    """

    def __init__(
        self,
        merchant: Merchant,
        port: int,
        *,
        folder: Path,
        seed: int,
        tills: int,
        mix: Mix = ALL_KINDS,
        pace: float = 0.0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.pulse = Pulse()
        self._tills = [
            Till(
                number,
                merchant,
                port,
                seed=seed,
                mix=mix,
                pace=pace,
                log=folder / f"till-{number}.log",
                pulse=self.pulse,
            )
            for number in range(tills)
        ]

    def __enter__(self) -> Self:
        for till in self._tills:
            till.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for till in self._tills:
            till.stopping.set()
        deadline = monotonic() + JOIN_SECONDS
        for till in self._tills:
            till.join(max(0.0, deadline - monotonic()))
        if kind is None and any(till.is_alive() for till in self._tills):
            raise TimeoutError("a till does not come to an end")


@dataclass(slots=True)
class Told:
    """What the logs say of one request: it was sent, and then perhaps settled."""

    key: str
    kind: Kind
    member: int
    answer: dict[str, Any] | None = None
    refusal: str | None = None
    unforeseen: int = 0
    unanswered: int = 0
    """Attempts that came to nothing, whether a later one succeeded or not; `unforeseen` ones are not among them."""

    @property
    def is_open(self) -> bool:
        """Nobody told the till what became of it."""
        return self.answer is None and self.refusal is None


def read_logs(folder: Path) -> dict[str, Told]:
    """Every request in the logs of a load, by key."""
    told: dict[str, Told] = {}
    for log in sorted(folder.glob("till-*.log")):
        for line in log.read_text().splitlines():
            _note(told, json.loads(line))
    return told


def _note(told: dict[str, Told], line: dict[str, Any]) -> None:
    key = line["key"]
    match line["event"]:
        case "sent":
            assert key not in told, f"{key} was sent as two requests"
            told[key] = Told(key, Kind(line["kind"]), line["member"])
        case "acknowledged":
            told[key].answer = line["answer"]
        case "refused":
            told[key].refusal = line["code"]
        case "unforeseen":
            told[key].unforeseen += 1
        case "unanswered":
            told[key].unanswered += 1
