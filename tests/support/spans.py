"""Spans of this process. Fixture ``spans``: traces are on, and what ended is kept in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.platform.telemetry import traces
from services.platform.telemetry.recording import OpenTelemetryRecorder


@dataclass(frozen=True, slots=True)
class Spans:
    """What has ended so far."""

    exporter: InMemorySpanExporter

    def all(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> tuple[ReadableSpan, ...]:
        """Those of one name, in the order of their ends."""
        return tuple(span for span in self.all() if span.name == name)

    def one(self, name: str) -> ReadableSpan:
        """The only one of a name."""
        (found,) = self.named(name)
        return found

    def forget(self) -> None:
        self.exporter.clear()


@pytest.fixture
def spans() -> Iterator[Spans]:
    exporter = InMemorySpanExporter()
    recorder = OpenTelemetryRecorder(SimpleSpanProcessor(exporter), process="test")
    traces.record_with(recorder)
    try:
        yield Spans(exporter)
    finally:
        traces.record_with(None)
        recorder.close()
