"""SMTP with an end: a server may take its time for an answer, and not again for each of a dozen."""

import smtplib
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from services.platform.clock import monotonic

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Punctual(smtplib.SMTP):
    """A connection that waits for nothing beyond ``ends_at``, on the monotonic clock; ``timeout`` is for each wait.

    Raises:
        TimeoutError: the time is over, be it before a command, or in the midst of one.
    """

    def __init__(self, host: str, port: int, hello_name: str, *, timeout: float, ends_at: float) -> None:
        self.ends_at = ends_at
        super().__init__(host, port, hello_name, timeout=timeout)

    def send(self, s: "ReadableBuffer | str") -> None:
        """As the standard library's, within the time that is left."""
        self._hurry()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """As the standard library's, each line within the time that is left."""
        if self.file is None and self.sock is not None:
            self.file = _PunctualLines(self.sock.makefile("rb"), self._hurry)
        return super().getreply()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        patience = min(timeout, self._seconds_left())
        return super()._get_socket(host, port, patience)  # type: ignore[misc,no-any-return]  # not in the stubs

    def _hurry(self) -> None:
        if self.sock is not None:
            self.sock.settimeout(min(self.timeout, self._seconds_left()))

    def _seconds_left(self) -> float:
        left = self.ends_at - monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _PunctualLines:
    """The lines of a reply, before each of which one looks at the clock."""

    def __init__(self, file: BinaryIO, hurry: Callable[[], None]) -> None:
        self._file = file
        self._hurry = hurry

    def readline(self, limit: int) -> bytes:
        self._hurry()
        return self._file.readline(limit)

    def close(self) -> None:
        self._file.close()


class PunctualOverTls(Punctual, smtplib.SMTP_SSL):
    """As `Punctual`, encrypted from the start."""

    def __init__(
        self, host: str, port: int, hello_name: str, *, timeout: float, context: ssl.SSLContext, ends_at: float
    ) -> None:
        self.ends_at = ends_at
        smtplib.SMTP_SSL.__init__(self, host, port, hello_name, timeout=timeout, context=context)
