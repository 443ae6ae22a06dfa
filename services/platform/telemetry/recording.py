"""Spans by OpenTelemetry's SDK; imported only where traces are on."""

import threading
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.platform.telemetry.traces import TRACEPARENT, Attribute

FAREWELL_SECONDS = 3.0
"""How long the end of a process waits for a collector that does not answer."""

_KINDS = {kind.name.lower(): kind for kind in trace.SpanKind}
# Baggage would carry words of strangers through our processes; only the ids of W3C Trace Context come in and go out.
_PROPAGATOR = TraceContextTextMapPropagator()


class OpenTelemetrySpan:
    """A span of the SDK behind the few verbs that we use."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._token: object = None

    def __enter__(self) -> Self:
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: types.TracebackType | None
    ) -> None:
        if kind is not None:
            # Its message may hold anything, so that only its name is told.
            self.fail(kind.__name__)
        context.detach(self._token)  # type: ignore[arg-type]  # what attach gave us
        self.end()

    def note(self, **attributes: Attribute | None) -> None:
        self._span.set_attributes(_named(attributes))

    def fail(self, reason: str) -> None:
        self._span.set_attribute("error.type", reason)
        self._span.set_status(trace.StatusCode.ERROR)

    def end(self) -> None:
        self._span.end()


class OpenTelemetryRecorder:
    """Makes spans and hands them to ``processor`` when they end."""

    def __init__(self, processor: SpanProcessor, *, process: str) -> None:
        self._provider = TracerProvider(
            resource=Resource.create({"service.namespace": "regulars", "service.name": f"regulars-{process}"}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("regulars")

    def start(
        self, name: str, kind: str, parent: str | None, attributes: Mapping[str, Attribute | None]
    ) -> OpenTelemetrySpan:
        given = _PROPAGATOR.extract({TRACEPARENT: parent}) if parent else None
        return OpenTelemetrySpan(
            self._tracer.start_span(name, context=given, kind=_KINDS[kind], attributes=_named(attributes))
        )

    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return carrier.get(TRACEPARENT)

    def close(self) -> None:
        """Send what is left, for a bounded time: a collector that hangs holds up no shutdown."""
        farewell = threading.Thread(target=self._provider.shutdown, name="traces-farewell", daemon=True)
        farewell.start()
        farewell.join(FAREWELL_SECONDS)


@contextmanager
def exporting(*, process: str) -> Iterator[OpenTelemetryRecorder]:
    """Spans that go out in batches over OTLP/HTTP, configured by the standard ``OTEL_…`` variables."""
    recorder = OpenTelemetryRecorder(BatchSpanProcessor(OTLPSpanExporter()), process=process)
    try:
        yield recorder
    finally:
        recorder.close()


def _named(attributes: Mapping[str, Attribute | None]) -> dict[str, Attribute]:
    return {name.replace("__", "."): value for name, value in attributes.items() if value is not None}
