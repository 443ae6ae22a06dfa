"""Structured logs: one JSON object a line, with what the context knows (tenant, correlation id)."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

from services.platform.telemetry.failures import tell_failure

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}
OUR_CODE = "services"


def configure_logs(*, process: str, level: str = "info") -> None:
    """Make every log line of this process JSON on standard error, marked with the process's name.

    ``level`` is that of our own code. Libraries stay at ``info``: below, they repeat what they send and receive.
    """

    def name_process(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        # Threads inherit no context, so that this is not kept there.
        event["process"] = process
        return event

    shared: list[structlog.typing.Processor] = [
        name_process,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_failure,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(serializer=_dump),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.INFO, LEVELS[level]))
    logging.getLogger(OUR_CODE).setLevel(LEVELS[level])
    logging.getLogger("dramatiq").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        cache_logger_on_first_use=True,
    )


def _dump(value: object, **_options: object) -> str:
    return orjson.dumps(value, default=str).decode()
