"""A mail server that answers as a test wants it to."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.mailbox import serving


@dataclass
class Script:
    """What to answer, and below, what was seen. ``None`` as an answer cuts the connection."""

    mail_replies: list[str | None] = field(default_factory=list)
    rcpt_reply: str = "250 OK"
    data_reply: str | None = "250 OK"
    offers_utf8: bool = True
    silent: bool = False
    pause_seconds: float = 0.0
    """Before each answer to MAIL and RCPT."""
    certificate: Path | None = None
    encrypted_from_start: bool = False
    password: str = ""
    connections: int = 0
    kept: int = 0
    greetings: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def tls(self) -> ssl.SSLContext | None:
        if self.certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate)
        return context

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, credentials: object
    ) -> AuthResult:
        assert isinstance(credentials, LoginPassword)
        if credentials.password != self.password.encode():
            return AuthResult(success=False, handled=False)
        self.logins.append(credentials.login.decode())
        return AuthResult(success=True)


class _Handler:
    def __init__(self, script: Script) -> None:
        self._script = script

    async def handle_EHLO(  # noqa: N802  aiosmtpd finds handlers by the name of the command
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self._script.greetings.append(hostname)
        return responses

    async def handle_MAIL(  # noqa: N802  as above
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        await asyncio.sleep(self._script.pause_seconds)
        return _answer(server, self._script.mail_replies.pop(0) if self._script.mail_replies else "250 OK")

    async def handle_RCPT(  # noqa: N802  as above
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        await asyncio.sleep(self._script.pause_seconds)
        return self._script.rcpt_reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  as above
        reply = _answer(server, self._script.data_reply)
        self._script.kept += reply.startswith("250")
        return reply


def _answer(server: SMTP, reply: str | None) -> str:
    if reply is None:
        assert isinstance(server.transport, asyncio.Transport)
        server.transport.abort()
    return reply or "451 cut"


@contextmanager
def scripted_server(script: Script) -> Iterator[int]:
    """The port of a server that follows ``script``."""
    tls = script.tls()

    def connection() -> asyncio.Protocol:
        script.connections += 1
        if script.silent:
            return asyncio.Protocol()
        return SMTP(
            _Handler(script),
            hostname="scripted.test",
            enable_SMTPUTF8=script.offers_utf8,
            tls_context=None if script.encrypted_from_start else tls,
            require_starttls=tls is not None and not script.encrypted_from_start,
            authenticator=script.authenticate if script.password else None,
            auth_required=bool(script.password) and not script.encrypted_from_start,
            auth_require_tls=not script.encrypted_from_start,
            loop=asyncio.get_running_loop(),
        )

    async def start() -> asyncio.Server:
        context = tls if script.encrypted_from_start else None
        return await asyncio.get_running_loop().create_server(connection, "localhost", 0, ssl=context)

    with serving(start) as port:
        yield port
