"""Gateway, worker and scheduler as they run: one trace from the till to the mail, metrics of each, JSON in all logs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from threading import Event
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.platform.clock import monotonic
from tests.faults.merchant import CURRENCY, Merchant, open_merchant
from tests.faults.stack import Stack, running_stack
from tests.faults.wire import free_port
from tests.support.collector import Collector, collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
CORRELATION_ID = "till-7-receipt-4711"
WAIT_SECONDS_MAX = 60
RECORD = """
mutation($input: RecordPurchaseInput!) { done: recordPurchase(input: $input) {
  ... on RecordPurchasePayload { balance } ... on Error { code message } } }"""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen of a product in which a till recorded one purchase, and the member got a receipt by mail."""

    stack: Stack
    collector: Collector
    metrics_ports: dict[str, int]
    slug: str

    def metrics(self, process: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """What a process shows, by name and labels."""
        text = httpx.get(f"http://127.0.0.1:{self.metrics_ports[process]}/metrics").text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def log(self, process: str) -> list[dict[str, Any]]:
        """The lines of a process's log."""
        return [json.loads(line) for line in self.stack.log_of(process).read_text().splitlines()]


@pytest.fixture(scope="module")
def observed() -> Iterator[Observed]:
    with running_stack() as stack, collecting() as collector, _observed(stack, collector) as seen:
        yield seen


@contextmanager
def _observed(stack: Stack, collector: Collector) -> Iterator[Observed]:
    ports = {name: free_port() for name in ("gateway", "worker", "scheduler")}
    for name, port in ports.items():
        shown = {"REGULARS_METRICS_ADDRESS": f"127.0.0.1:{port}", "REGULARS_LOG_LEVEL": "debug"}
        stack.require(name, environment=collector.environment(**shown))
    merchant = open_merchant(stack.gateway_port, members=1)
    stack.mailbox.wait_for(1, timeout_seconds=WAIT_SECONDS_MAX)
    _record_purchase(stack, merchant)
    stack.mailbox.wait_for(2, timeout_seconds=WAIT_SECONDS_MAX)
    yield Observed(stack, collector, ports, merchant.slug)


def _record_purchase(stack: Stack, merchant: Merchant) -> None:
    purchase = {
        "source": "till",
        "externalId": "4711",
        "storeId": merchant.store_id,
        "currency": CURRENCY,
        "lines": [{"sku": "latte", "quantity": "1", "amount": "32.00"}],
        "member": {"id": merchant.member_ids[0]},
        "idempotencyKey": "4711",
    }
    answer = httpx.post(
        f"http://127.0.0.1:{stack.gateway_port}/graphql",
        json={"query": RECORD, "variables": {"input": purchase}},
        headers={
            "Authorization": f"Bearer {merchant.token}",
            "traceparent": TRACEPARENT,
            "X-Correlation-Id": CORRELATION_ID,
        },
        timeout=WAIT_SECONDS_MAX,
    )
    assert "errors" not in answer.json(), answer.text
    assert "balance" in answer.json()["data"]["done"], answer.text


def test_one_trace_goes_from_the_till_to_the_mail(observed: Observed) -> None:
    way = (
        "HTTP POST /graphql",
        "mutation recordPurchase",
        "transaction",
        "relay PurchaseRecorded",
        "deliver PurchaseRecorded",
        "task send_message",
        "send email",
    )

    found = observed.collector.wait_for(*way, trace=TRACE)

    by_name = {span.name: span for span in found}
    assert by_name["mutation recordPurchase"].parent == by_name["HTTP POST /graphql"].id
    for name in ("relay PurchaseRecorded", "deliver PurchaseRecorded"):
        assert by_name[name].parent == by_name["mutation recordPurchase"].id
    assert by_name["task send_message"].parent == by_name["deliver PurchaseRecorded"].id
    assert by_name["send email"].parent == by_name["task send_message"].id
    assert {by_name[name].service for name in way[:2]} == {"regulars-gateway"}
    assert {by_name[name].service for name in way[3:]} == {"regulars-worker"}
    assert by_name["send email"].attributes["regulars.correlation_id"] == CORRELATION_ID
    assert by_name["send email"].attributes["regulars.tenant"] == observed.slug


def test_every_process_shows_what_it_counts(observed: Observed) -> None:
    gateway, worker = observed.metrics("gateway"), observed.metrics("worker")
    ok = ("outcome", "ok")

    assert gateway["regulars_graphql_operation_seconds_count", frozenset({("operation", "recordPurchase"), ok})] == 1
    assert gateway["regulars_database_connections", frozenset({("state", "size")})] == 16
    assert gateway["process_resident_memory_bytes", frozenset()] > 0
    assert worker["regulars_letter_delay_seconds_count", frozenset({("consumer", "notifications")})] >= 2
    assert worker["regulars_messages_total", frozenset({("channel", "email"), ("outcome", "sent")})] == 2
    assert worker["regulars_task_seconds_count", frozenset({("task", "send_message"), ok})] >= 2
    assert worker["regulars_ring_delay_seconds_count", frozenset({("task", "send_message")})] >= 2
    assert worker["regulars_last_task_timestamp_seconds", frozenset()] > 0
    assert _leading(observed)["regulars_outbox_measured_timestamp_seconds", frozenset()] > 0
    for shown in (gateway, worker):
        assert not [name for name, labels in shown if observed.slug in str(labels) or "tenant" in str(labels)]


def _leading(observed: Observed) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    deadline = monotonic() + WAIT_SECONDS_MAX
    while (shown := observed.metrics("scheduler"))["regulars_scheduler_leads", frozenset()] != 1:
        assert monotonic() < deadline, "the scheduler does not lead"
        Event().wait(0.1)
    return shown


def test_metrics_are_shown_at_one_path_only(observed: Observed) -> None:
    inside, outside = observed.metrics_ports["gateway"], observed.stack.gateway_port

    assert httpx.get(f"http://127.0.0.1:{inside}/").status_code == HTTPStatus.NOT_FOUND
    assert httpx.get(f"http://127.0.0.1:{outside}/metrics").status_code == HTTPStatus.NOT_FOUND


def test_every_line_of_the_logs_is_json_and_names_its_process(observed: Observed) -> None:
    for process in ("gateway", "worker", "scheduler"):
        lines = observed.log(process)
        assert lines
        assert {line["process"] for line in lines} == {process}
        assert [line for line in lines if "metrics_ready" in line["event"]]
