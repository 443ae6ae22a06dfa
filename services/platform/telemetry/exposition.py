"""``/metrics`` for Prometheus, on an address of its own: it is nobody's business outside."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import structlog
from prometheus_client.exposition import choose_encoder

from services.platform.config import ConfigurationError
from services.platform.telemetry.metrics import REGISTRY

log = structlog.get_logger()

PATH = "/metrics"
PORTS_TRIED_MAX = 16
"""Processes of one machine may share their environment: each takes the next port that is free."""
SECONDS_MAX = 10


class MetricsAddressInvalid(ConfigurationError):
    """``REGULARS_METRICS_ADDRESS`` is not of the form ``host:port``, or none of its ports is free."""


@contextmanager
def serving_metrics(address: str | None) -> Iterator[int | None]:
    """Answer ``GET /metrics`` in a thread of its own while the block runs; gives the port, None without an address.

    Raises:
        MetricsAddressInvalid
    """
    if not address:
        yield None
        return
    server = _listening(*_parsed(address))
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    log.info("metrics_ready", port=server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _parsed(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        message = f"REGULARS_METRICS_ADDRESS is {address!r}; set it to host:port, such as 127.0.0.1:9464"
        raise MetricsAddressInvalid(message)
    return host.strip("[]"), int(port)


def _listening(host: str, first: int) -> ThreadingHTTPServer:
    reason: str | None = None
    for port in range(first, min(first + PORTS_TRIED_MAX, 2**16)):
        try:
            return _Server((host, port), _Handler)
        except OSError as error:
            reason = error.strerror
    message = f"REGULARS_METRICS_ADDRESS: no port of {host} from {first} on can be taken ({reason})"
    raise MetricsAddressInvalid(message)


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    timeout = SECONDS_MAX

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        encode, media_type = choose_encoder(self.headers.get("Accept", ""))
        body = encode(REGISTRY)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not worth a line."""
