"""Traces: spans of what a process does, sent to an OpenTelemetry collector where the environment names one.

Off by default, and then no exporter is imported: a span costs one look at a variable. Spans hold names and
counts of ours and ids, never values: no variables of operations, no values of SQL, no messages of exceptions.
"""

import os
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, Self

from services.platform.config import ConfigurationError

Attribute = str | bool | int | float

TRACEPARENT = "traceparent"
"""The header of W3C Trace Context, by which a trace goes from one process to the next."""
LETTER_KEY = "$traceparent"
"""Where a letter carries it: beside the fields of its event, whose names can't begin so."""

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Span(Protocol):
    """Something that is being done. Used in ``with`` it is the parent of what is begun inside."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None: ...

    def note(self, **attributes: Attribute | None) -> None:
        """Add facts; ``__`` in a name is written as a dot. None is left out."""

    def fail(self, reason: str) -> None:
        """Mark it as failed, by a code or the name of an exception's class."""

    def end(self) -> None:
        """It is over; for those who can't use ``with``."""


class Recorder(Protocol):
    """Where spans come from while traces are on."""

    def start(self, name: str, kind: str, parent: str | None, attributes: Mapping[str, Attribute | None]) -> Span: ...

    def traceparent(self) -> str | None: ...


class _NoSpan:
    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None: ...

    def note(self, **attributes: Attribute | None) -> None: ...

    def fail(self, reason: str) -> None: ...

    def end(self) -> None: ...


_NO_SPAN = _NoSpan()
_recorder: Recorder | None = None


def are_on() -> bool:
    """Whether spans are recorded in this process."""
    return _recorder is not None


def span(name: str, *, kind: str = "internal", parent: str | None = None, **attributes: Attribute | None) -> Span:
    """A span that begins now; nothing while traces are off.

    ``kind`` is internal, server, client, producer or consumer. The parent is a traceparent where one is given and
    usable, else the span that is current.
    """
    return _NO_SPAN if _recorder is None else _recorder.start(name, kind, parent, attributes)


def traceparent() -> str | None:
    """The current span, as the header that carries it elsewhere; None while traces are off."""
    return None if _recorder is None else _recorder.traceparent()


def carrying(payload: dict[str, str | int | bool | None]) -> dict[str, str | int | bool | None]:
    """A letter's payload that also tells of the current span, where there is one."""
    carried = traceparent()
    return payload if carried is None else {**payload, LETTER_KEY: carried}


def record_with(recorder: Recorder | None) -> None:
    """Record spans from here on, or, with None, no more."""
    global _recorder  # noqa: PLW0603  one process has one recorder, as it has one log
    _recorder = recorder


def are_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the environment asks for traces: an endpoint is named, and ``REGULARS_TRACES`` is not ``off``.

    Raises:
        ConfigurationError: ``REGULARS_TRACES`` is neither ``on`` nor ``off``.
    """
    asked = environ.get("REGULARS_TRACES", "")
    if asked not in ("", "on", "off"):
        message = f"REGULARS_TRACES is {asked!r}; set it to 'on' or 'off'"
        raise ConfigurationError(message)
    return asked == "on" or (asked == "" and any(environ.get(name) for name in ENDPOINTS))


@contextmanager
def tracing(*, process: str, environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Send the spans of this process to the collector while the block runs, where the environment asks for it.

    Raises:
        ConfigurationError
    """
    if not are_wanted(environ):
        yield
        return
    from services.platform.telemetry.recording import exporting  # noqa: PLC0415  what is off is not imported

    with exporting(process=process) as recorder:
        record_with(recorder)
        try:
            yield
        finally:
            record_with(None)
