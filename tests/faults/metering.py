"""F8: what is metered is what was done, through kills, lost replies and an empty broker, in facts and in roll-ups."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from itertools import cycle
from pathlib import Path

import psycopg
from psycopg import sql

from services.platform.clock import monotonic
from services.platform.worker.broker import open_broker
from services.platform.worker.doorbell import BrokerDoorbell
from tests.faults.experiments import Bench, Experiment, Mutation, injuries
from tests.faults.load import Kind, read_logs
from tests.faults.merchant import Merchant
from tests.faults.proxy import Appetite, StolenAnswers, answer_thief
from tests.faults.stack import Stack
from tests.faults.verdict import Evidence, Verdict, judge

THEFT_EVERY = 8
ROLLED_SECONDS_MAX = 120.0
"""The roll-up comes once a minute by itself."""

FACTS = "SELECT meter, sum(quantity)::bigint FROM {schema}.usage_facts GROUP BY meter"
WAITING = "SELECT count(*) FROM {schema}.usage_facts WHERE rolled_up_at IS NULL AND meter <> 'api_cost'"
ROLLED = """
SELECT meter, sum(quantity)::bigint FROM platform.usage_rollups
JOIN platform.tenants ON tenants.id = usage_rollups.tenant_id WHERE tenants.slug = %s GROUP BY meter"""


def meter_through_faults(bench: Bench) -> Verdict:
    """F8: everything that F1 to F6 do, in turn; then the tills' logs, the facts and the roll-ups are compared."""
    scale, stack = bench.scale, bench.stack
    appetite, stolen = Appetite(seed=f"{scale.seed}/F8", every=THEFT_EVERY), StolenAnswers()
    merchant, letters, logs = bench.begin(members=scale.members)
    ways: tuple[Callable[[], None], ...] = (
        lambda: _kill_and_restart(stack, "gateway"),
        lambda: _kill_rolling_worker(stack, merchant),
        stack.valkey.forget_everything,
        lambda: _kill_postgres(stack),
    )
    count = 0
    with ExitStack() as proxies:
        port = proxies.enter_context(answer_thief(stack.gateway_port, appetite, stolen))
        load = proxies.enter_context(bench.load(merchant, port, logs))
        for injury, injure in zip(injuries(scale, "F8"), cycle(ways), strict=False):
            load.pulse.wait_for(load.pulse.count + injury.after_requests)
            time.sleep(injury.pause_seconds)
            injure()
            letters.note_in_flight()
            count += 1
        load.pulse.wait_for(load.pulse.count + 1)
    letters.wait_until_sent()
    evidence = Evidence("F8", count + appetite.stolen, logs, acknowledged_min=scale.acknowledged_min)
    verdict = judge(stack, merchant, letters, evidence)
    _compare(verdict, stack, merchant, logs)
    return verdict


def _compare(verdict: Verdict, stack: Stack, merchant: Merchant, logs: Path) -> None:
    """Acknowledged events are metered, no others but those that nobody answered; the roll-ups say the same."""
    told = read_logs(logs).values()
    seconds = _roll_up(stack, merchant)
    facts, rolled = _sums(stack, merchant)
    for kind, meter in ((Kind.PURCHASE, "purchases"), (Kind.REDEMPTION, "redemptions")):
        acknowledged = sum(request.answer is not None for request in told if request.kind is kind)
        unknown = sum(request.is_open for request in told if request.kind is kind)
        counted = facts.get(meter, 0)
        verdict.lost += max(0, acknowledged - counted)
        verdict.doubled += max(0, counted - acknowledged - unknown)
        if not acknowledged <= counted <= acknowledged + unknown:
            verdict.complaints.append(f"{counted} {meter} metered, {acknowledged} acknowledged, {unknown} unanswered")
    for meter in sorted(set(facts) - {"api_cost"}):
        if facts[meter] != rolled.get(meter, 0):
            verdict.doubled += max(0, rolled.get(meter, 0) - facts[meter])
            verdict.complaints.append(f"{meter}: {facts[meter]} counted, {rolled.get(meter, 0)} rolled up")
    metered = ", ".join(f"{meter} {facts.get(meter, 0)}" for meter in ("purchases", "redemptions", "messages.email"))
    verdict.note = f"metered: {metered}; rolled up after {seconds:.0f} s"


def _roll_up(stack: Stack, merchant: Merchant) -> float:
    """Ring for the roll-up until nothing waits for it; how long that took."""
    began = monotonic()
    waiting = sql.SQL(WAITING).format(schema=sql.Identifier(merchant.schema))
    with (
        psycopg.connect(stack.postgres.superuser_url, autocommit=True) as connection,
        closing(open_broker(stack.valkey.url)) as broker,
        closing(BrokerDoorbell(broker)) as doorbell,
    ):
        while connection.execute(waiting).fetchone() != (0,) and monotonic() < began + ROLLED_SECONDS_MAX:
            doorbell.ring("roll_up_usage")
            time.sleep(1)
    return monotonic() - began


def _sums(stack: Stack, merchant: Merchant) -> tuple[dict[str, int], dict[str, int]]:
    facts = sql.SQL(FACTS).format(schema=sql.Identifier(merchant.schema))
    with psycopg.connect(stack.postgres.superuser_url, autocommit=True) as connection:
        counted = {str(meter): int(quantity) for meter, quantity in connection.execute(facts)}
        rolled = {str(meter): int(quantity) for meter, quantity in connection.execute(ROLLED, [merchant.slug])}
    return counted, rolled


def _kill_and_restart(stack: Stack, name: str) -> None:
    stack.kill(name)
    stack.restart(name)


def _kill_rolling_worker(stack: Stack, merchant: Merchant) -> None:
    """The worker dies in, or near, a roll-up that is not the first."""
    with (
        psycopg.connect(stack.postgres.superuser_url, autocommit=True) as connection,
        closing(open_broker(stack.valkey.url)) as broker,
        closing(BrokerDoorbell(broker)) as doorbell,
    ):
        began = monotonic()
        while not connection.execute(ROLLED, [merchant.slug]).fetchall() and monotonic() < began + ROLLED_SECONDS_MAX:
            doorbell.ring("roll_up_usage")
            time.sleep(1)
        doorbell.ring("roll_up_usage")
        time.sleep(0.05)
    _kill_and_restart(stack, "worker")


def _kill_postgres(stack: Stack) -> None:
    stack.postgres.kill()
    stack.postgres.start()


EXPERIMENTS = (
    Experiment(
        "F8",
        "Usage is metered through all of these",
        meter_through_faults,
        (
            Mutation(
                "roll-ups are added up",
                lambda verdict: any("rolled up" in complaint for complaint in verdict.complaints),
                worker="added-roll-ups",
                injuries=2,
            ),
        ),
        is_slow=True,  # the short forms of the others compare usage as well
    ),
)
