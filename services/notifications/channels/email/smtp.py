"""Send e-mail by SMTP, with one connection for each thread, kept for the next message."""

import contextlib
import smtplib
import ssl
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from services.notifications.channels.domain import Accepted, OutgoingEmail
from services.notifications.channels.email.mime import Mailbox, mime_bytes, parse_mailbox
from services.notifications.channels.email.punctual import Punctual, PunctualOverTls
from services.notifications.channels.email.smtp_url import Encryption, SmtpServer, parse_smtp_url
from services.notifications.channels.errors import PermanentDeliveryFailure, TransientDeliveryFailure
from services.platform.clock import monotonic

TIMEOUT_SECONDS = 20
"""For one answer."""
CONVERSATION_SECONDS_MAX = 40
"""For all of them together. It ends before the lease of a message does, so that nobody else sends it meanwhile."""
_REPLY_LENGTH_MAX = 200
_OK = 250
_FORWARDED = 251
_CLOSING = 421
_PERMANENT_FROM = 500


@dataclass(frozen=True, slots=True)
class _Envelope:
    sender: Mailbox
    recipient: Mailbox
    content: bytes

    def needs_utf8(self) -> bool:
        return self.sender.needs_utf8() or self.recipient.needs_utf8()


class SmtpChannel:
    """A mail server as the place where e-mail goes. Safe to share between threads; ``close`` when none sends any more.

    Raises:
        InvalidInput: ``url`` is not of the form in ``smtp_url``.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        conversation_seconds: float = CONVERSATION_SECONDS_MAX,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server: SmtpServer = parse_smtp_url(url)
        self._timeout_seconds = timeout_seconds
        self._conversation_seconds = conversation_seconds
        self._tls = tls
        self._own = threading.local()
        self._lock = threading.Lock()
        self._open: set[Punctual] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye on every connection."""
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            connection.ends_at = monotonic() + self._timeout_seconds
            with contextlib.suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()
        self._own = threading.local()

    def send(self, message: OutgoingEmail) -> Accepted:
        """Hand the message over and wait for the server's word. The same Message-ID goes out in every attempt.

        Raises:
            TransientDeliveryFailure: the server can't be reached, defers, takes too long, or was lost on the way; in
                the last two cases it may have taken the message. Refused log-ins and senders count here too: they are
                ours to mend and say nothing against the message.
            PermanentDeliveryFailure: the recipient or the content is refused for good, or the message can't be put on
                the wire (an unsafe header, an address that is none, or one that needs SMTPUTF8 where it isn't offered).
        """
        sender, recipient = parse_mailbox(message.sender), parse_mailbox(message.recipient)
        envelope = _Envelope(sender, recipient, mime_bytes(message, sender=sender, recipient=recipient))
        try:
            connection = self._begin(envelope, ends_at=monotonic() + self._conversation_seconds)
            return self._hand_over(connection, envelope)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise TransientDeliveryFailure(reason="CONNECTION_LOST", reply=type(error).__name__) from error

    def _begin(self, envelope: _Envelope, *, ends_at: float) -> Punctual:
        """A connection on which MAIL was accepted.

        Servers drop idle connections. Nothing of the message has been sent at this point, so that trying once more
        on a new connection can't double it.
        """
        kept: Punctual | None = getattr(self._own, "connection", None)
        if kept is not None:
            kept.ends_at = ends_at
            with contextlib.suppress(smtplib.SMTPException, OSError):
                code, reply = _mail(kept, envelope)
                if code != _CLOSING:
                    return self._unless_refused(kept, code, reply)
            self._drop()
        fresh = self._connect(envelope.sender.domain, ends_at)
        code, reply = _mail(fresh, envelope)
        return self._unless_refused(fresh, code, reply)

    def _unless_refused(self, connection: Punctual, code: int, reply: bytes) -> Punctual:
        if code != _OK:
            self._reset(connection, code)
            raise TransientDeliveryFailure(reason="SENDER_REFUSED", reply=_words(code, reply))
        return connection

    def _hand_over(self, connection: smtplib.SMTP, envelope: _Envelope) -> Accepted:
        address = envelope.recipient.address()
        code, reply = connection.rcpt(address)
        if code not in {_OK, _FORWARDED}:
            self._reset(connection, code)
            raise _failure(code, "RECIPIENT", _words(code, reply, without=address))
        try:
            code, reply = connection.data(envelope.content)
        except smtplib.SMTPDataError as error:
            code, reply = error.smtp_code, _bytes(error.smtp_error)
        if code != _OK:
            self._reset(connection, code)
            raise _failure(code, "CONTENT", _words(code, reply, without=address))
        return Accepted(provider_reference=_words(code, reply, without=address))

    def _connect(self, hello_name: str, ends_at: float) -> Punctual:
        """A new connection, greeted, encrypted and logged in.

        It introduces itself by the sender's domain: the name of this machine is nobody's business, and asking the
        resolver for it can take seconds.
        """
        try:
            connection = self._dial(hello_name, ends_at)
        except (smtplib.SMTPException, OSError) as error:
            raise TransientDeliveryFailure(reason="PROVIDER_UNREACHABLE", reply=type(error).__name__) from error
        try:
            connection.ehlo_or_helo_if_needed()
            if self._server.encryption is Encryption.STARTTLS:
                connection.starttls(context=self._tls or ssl.create_default_context())
            if self._server.user:
                connection.login(self._server.user, self._server.password)
        except (smtplib.SMTPException, OSError) as error:
            connection.close()
            raise TransientDeliveryFailure(reason="PROVIDER_REFUSED_US", reply=type(error).__name__) from error
        with self._lock:
            self._open.add(connection)
        self._own.connection = connection
        return connection

    def _dial(self, hello_name: str, ends_at: float) -> Punctual:
        server, timeout = self._server, self._timeout_seconds
        if server.encryption is Encryption.TLS:
            context = self._tls or ssl.create_default_context()
            return PunctualOverTls(
                server.host, server.port, hello_name, timeout=timeout, context=context, ends_at=ends_at
            )
        return Punctual(server.host, server.port, hello_name, timeout=timeout, ends_at=ends_at)

    def _reset(self, connection: smtplib.SMTP, code: int) -> None:
        """Leave the connection ready for the next message, or leave it."""
        with contextlib.suppress(smtplib.SMTPException, OSError):
            if code != _CLOSING and connection.rset()[0] == _OK:
                return
        self._drop()

    def _drop(self) -> None:
        connection: Punctual | None = getattr(self._own, "connection", None)
        self._own.connection = None
        if connection is not None:
            with self._lock:
                self._open.discard(connection)
            connection.close()


def _mail(connection: smtplib.SMTP, envelope: _Envelope) -> tuple[int, bytes]:
    options = [f"size={len(envelope.content)}"] if connection.has_extn("size") else []
    if envelope.needs_utf8():
        if not connection.has_extn("smtputf8"):
            raise PermanentDeliveryFailure(reason="SMTPUTF8_NOT_OFFERED")
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    return connection.mail(envelope.sender.address(), options)


def _failure(code: int, what: str, reply: str) -> TransientDeliveryFailure | PermanentDeliveryFailure:
    if code >= _PERMANENT_FROM:
        return PermanentDeliveryFailure(reason=f"{what}_REFUSED", reply=reply)
    return TransientDeliveryFailure(reason=f"{what}_DEFERRED", reply=reply)


def _words(code: int, reply: bytes, *, without: str = "") -> str:
    """What the server said, in one short line and without the address, which has no place in logs."""
    words = " ".join(reply.decode("utf-8", "replace").split())
    if without:
        words = words.replace(without, "…")
    return f"{code} {words}"[:_REPLY_LENGTH_MAX]


def _bytes(reply: bytes | str) -> bytes:
    return reply if isinstance(reply, bytes) else reply.encode()
