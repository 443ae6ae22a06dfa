"""Spans of one process, kept in memory: where they are, what they hold, and that nothing is paid while they are off."""

import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from services.platform.config import ConfigurationError
from services.platform.telemetry import traces
from tests.support.graphql_client import GraphQLClient
from tests.support.spans import Spans
from tests.support.story import receipt, sign_up
from tests.support.worker import TestWorker

ROOT = Path(__file__).parents[4]
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE, PARENT = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331

# A process as it starts by default, with everything that a request, a letter and a mail pass through.
IMPORTS = """
import sys
import services.cli.processes
ours = ("services.platform.telemetry.recording", "opentelemetry.exporter")  # the broker's library looks for the rest
found = [name for name in sys.modules if name.startswith(ours)]
sys.exit(f"imported: {found[:5]}" if found else 0)
"""


def test_a_request_its_operation_and_its_transactions_are_one_trace(spans: Spans, gateway: GraphQLClient) -> None:
    merchant = sign_up(gateway, "traced")
    store = merchant.open_store()
    merchant.start_program()
    member = merchant.enroll()
    spans.forget()

    merchant.with_token(merchant.client.token, traceparent=GIVEN, X_Correlation_Id="find-me").do(
        "recordPurchase", "balance", **receipt(store, "12.34", member=member)
    )

    request = spans.one("HTTP POST /graphql")
    operation = spans.one("mutation recordPurchase")
    assert request.kind is SpanKind.SERVER
    assert (request.context.trace_id, request.parent and request.parent.span_id) == (TRACE, PARENT)
    assert dict(request.attributes or {}) == {
        "http.route": "/graphql",
        "http.response.status_code": 200,
        "regulars.correlation_id": "find-me",
        "regulars.tenant": "traced",
    }
    assert operation.parent == request.context
    assert dict(operation.attributes or {}) == {
        "graphql.operation.type": "mutation",
        "regulars.correlation_id": "find-me",
        "regulars.tenant": "traced",
        "regulars.outcome": "ok",
    }
    (written,) = [
        span for span in spans.named("transaction") if (span.attributes or {})["regulars.outcome"] == "committed"
    ]
    assert written.parent == operation.context
    facts = dict(written.attributes or {})
    assert facts["db.system.name"] == "postgresql"
    assert str(facts["db.namespace"]).startswith("t_")
    assert int(str(facts["regulars.statements"])) >= 5
    assert {span.context.trace_id for span in spans.all()} == {TRACE}


def test_the_letter_goes_on_with_the_trace_of_its_cause(
    spans: Spans, gateway: GraphQLClient, worker: TestWorker
) -> None:
    merchant = sign_up(gateway, "posted")
    merchant.start_program()
    worker.work_until_idle()
    spans.forget()

    caller = merchant.with_token(merchant.client.token, traceparent=GIVEN)
    identities = [{"kind": "EMAIL", "value": "li@posted.test"}]
    caller.do("enrollMember", "member { id }", identities=identities, locale="en", idempotencyKey="k")
    worker.work_until_idle()

    operation = spans.one("mutation enrollMember")
    for name in ("relay MemberEnrolled", "deliver MemberEnrolled"):
        assert spans.one(name).context.trace_id == TRACE
        parent = spans.one(name).parent
        assert parent is not None
        assert parent.span_id == operation.context.span_id
    handled = dict(spans.one("deliver MemberEnrolled").attributes or {})
    assert handled["messaging.consumer.group.name"] == "notifications"
    assert handled["regulars.correlation_id"] == (operation.attributes or {})["regulars.correlation_id"]


def test_failures_are_told_by_name_alone(spans: Spans) -> None:
    with pytest.raises(ValueError, match="s3cret"), traces.span("odd", password="no"):
        raise ValueError("s3cret")

    odd = spans.one("odd")
    assert odd.status.status_code is StatusCode.ERROR
    assert odd.status.description is None
    assert odd.events == ()
    assert dict(odd.attributes or {}) == {"password": "no", "error.type": "ValueError"}


def test_what_is_no_traceparent_begins_a_trace(spans: Spans) -> None:
    for given in ("", "00-zz-1-01", f"{GIVEN}; DROP TABLE", "x" * 10_000):
        traces.span("begun", parent=given).end()

    assert [span.parent for span in spans.named("begun")] == [None] * 4


def test_off_nothing_is_made_or_imported() -> None:
    assert not traces.are_on()
    assert traces.traceparent() is None
    assert traces.span("one") is traces.span("other", kind="server", parent=GIVEN, fact=1)
    assert traces.carrying({"a": 1}) == {"a": 1}

    subprocess.run([sys.executable, "-c", IMPORTS], check=True, cwd=ROOT, timeout=120)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"REGULARS_TRACES": "on"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "REGULARS_TRACES": "off"}, False),
    ],
)
def test_the_environment_decides(environ: dict[str, str], expected: bool) -> None:  # noqa: FBT001  a case of the table
    assert traces.are_wanted(environ) is expected


def test_another_word_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="REGULARS_TRACES is 'yes'"):
        traces.are_wanted({"REGULARS_TRACES": "yes"})
