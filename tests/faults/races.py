"""F7: equal requests at the same moment. One effect; everybody gets the same answer, and all but one are told so."""

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from services.platform.clock import monotonic
from tests.faults.experiments import Bench
from tests.faults.load import DOCUMENTS, Kind, adjustment_input, purchase_input
from tests.faults.merchant import Merchant
from tests.faults.verdict import Evidence, Verdict, judge
from tests.faults.wire import Caller, NoAnswer, Refused

RIVALS = 64
RACE_SECONDS_MAX = 180.0
CONFLICT = "IDEMPOTENCY_CONFLICT"

Outcome = dict[str, Any] | Exception


def race_equal_requests(bench: Bench) -> Verdict:
    """Rounds of ``RIVALS`` equal requests, and of ``RIVALS`` with the same key and another amount."""
    merchant, letters, logs = bench.begin(members=2)
    logs.mkdir(parents=True)
    complaints: list[str] = []
    answered = 0
    with (logs / "till-race.log").open("x") as log:
        for number in range(bench.scale.kills):
            for kind in (Kind.PURCHASE, Kind.ADJUSTMENT):
                key = f"race-{kind}-{number}"
                given = [_input(merchant, kind, key, cents=1_000 + extra) for extra in (0, 100)]
                log.write(_line(event="sent", key=key, kind=kind, member=0))
                outcomes = _race(bench.stack.gateway_port, merchant, kind, given[0])
                complaints += _one_effect(key, outcomes)
                payloads = [outcome for outcome in outcomes if isinstance(outcome, dict)]
                answered += len(payloads)
                if payloads:
                    log.write(_line(event="acknowledged", key=key, answer=payloads[0]))
                complaints += _all_refused(key, _race(bench.stack.gateway_port, merchant, kind, given[1]))
    letters.wait_until_sent()
    evidence = Evidence("F7", injected=4 * bench.scale.kills, logs=Path(logs), acknowledged_min=1)
    verdict = judge(bench.stack, merchant, letters, evidence)
    verdict.acknowledged = answered
    verdict.complaints += complaints
    return verdict


def _input(merchant: Merchant, kind: Kind, key: str, *, cents: int) -> dict[str, Any]:
    if kind is Kind.PURCHASE:
        return purchase_input(merchant, key=key, member=0, cents=cents)
    return adjustment_input(merchant, key=key, member=0, points=cents)


def _race(port: int, merchant: Merchant, kind: Kind, given: Mapping[str, Any]) -> list[Outcome]:
    start = threading.Barrier(RIVALS)
    outcomes: list[Outcome] = []

    def send() -> None:
        caller = Caller(port, token=merchant.token)
        start.wait(RACE_SECONDS_MAX)
        try:
            outcomes.append(caller.command(DOCUMENTS[kind], given))
        except (NoAnswer, Refused) as failure:
            outcomes.append(failure)
        finally:
            caller.close()

    rivals = [threading.Thread(target=send, daemon=True) for _ in range(RIVALS)]
    _each(rivals, threading.Thread.start)
    _each(rivals, lambda rival: rival.join(RACE_SECONDS_MAX))
    return outcomes


def _each(rivals: list[threading.Thread], act: Callable[[threading.Thread], None]) -> None:
    for rival in rivals:
        act(rival)


def _one_effect(key: str, outcomes: list[Outcome]) -> list[str]:
    payloads = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    if len(payloads) < RIVALS:
        failures = {repr(outcome) for outcome in outcomes if not isinstance(outcome, dict)}
        return [f"{key}: {len(payloads)} of {RIVALS} answered {sorted(failures)}"]
    replays = sum(payload["replayed"] for payload in payloads)
    different = {json.dumps({**payload, "replayed": None}, sort_keys=True) for payload in payloads}
    if (replays, len(different)) != (RIVALS - 1, 1):
        return [f"{key}: {replays} of {RIVALS} replayed, {len(different)} different answers"]
    return []


def _all_refused(key: str, outcomes: list[Outcome]) -> list[str]:
    refused = sum(isinstance(outcome, Refused) and outcome.code == CONFLICT for outcome in outcomes)
    return [] if refused == RIVALS else [f"{key}: another amount refused {refused} of {RIVALS} times"]


def _line(**facts: Any) -> str:
    return json.dumps({"at": monotonic(), **facts}) + "\n"
