"""A collector of traces on loopback: what OpenTelemetry sends to it over HTTP is kept and can be asked for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.platform.clock import monotonic

POLL_SECONDS = 0.05
WAIT_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as a process told of it; ids in hexadecimal digits, ``parent`` empty for the first of a trace."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]


@dataclass(slots=True)
class Collector:
    """What arrived so far."""

    endpoint: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        """What a process needs to send its spans here soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200", **more}

    def spans(self) -> list[ReceivedSpan]:
        """Every span, in the order of arrival."""
        found: list[ReceivedSpan] = []
        for body in tuple(self.bodies):
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                service = _attributes(resource.resource.attributes)["service.name"]
                for scope in resource.scope_spans:
                    found += [
                        ReceivedSpan(
                            service,
                            span.name,
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            _attributes(span.attributes),
                        )
                        for span in scope.spans
                    ]
        return found

    def wait_for(self, *names: str, trace: str) -> list[ReceivedSpan]:
        """The spans of a trace, once it has all these names.

        Raises:
            TimeoutError: some did not come.
        """
        deadline = monotonic() + WAIT_SECONDS_MAX
        while True:
            found = [span for span in self.spans() if span.trace == trace]
            missing = set(names) - {span.name for span in found}
            if not missing:
                return found
            if monotonic() > deadline:
                raise TimeoutError(f"no span {sorted(missing)} in {sorted(span.name for span in found)}")
            threading.Event().wait(POLL_SECONDS)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens while the block runs."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.headers.append(dict(self.headers))
            collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="collector", daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
