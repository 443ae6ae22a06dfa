"""The SMTP side of the sink."""

import asyncio
from functools import partial

from aiosmtpd.smtp import SMTP, Envelope, Session

from services.doubles.mailbox.store import MailStore

_SIZE_MAX_BYTES = 10 * 1024 * 1024
_IDLE_SECONDS = 60
_REFUSED, _BUSY, _CUT = "refused.test", "busy.test", "cut.test"


class MailboxHandler:
    """Answers for the sink: everything is kept, but for the planted faults (see the package)."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_RCPT(  # noqa: N802  aiosmtpd finds handlers by the name of the command
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take every recipient but those of the refused domain."""
        del server, session
        if _domain(address) == _REFUSED:
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802  aiosmtpd finds handlers by the name of the command
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep the mail before saying so."""
        del session
        content = envelope.original_content or b""
        domains = {_domain(recipient) for recipient in envelope.rcpt_tos}
        if _BUSY in domains and self._store.first_time(content, _BUSY):
            return "451 4.3.2 Busy, come again"
        recipients = tuple(recipient.lower() for recipient in envelope.rcpt_tos)
        self._store.add(content, sender=(envelope.mail_from or "").lower(), recipients=recipients)
        transport = server.transport
        if _CUT in domains and isinstance(transport, asyncio.Transport) and self._store.first_time(content, _CUT):
            transport.abort()
        return "250 2.0.0 OK: kept"


async def start_smtp(store: MailStore, *, host: str, port: int) -> asyncio.Server:
    """Listen for mail; port 0 takes any free one.

    Raises:
        OSError: the port is taken.
    """
    protocol = partial(
        SMTP,
        MailboxHandler(store),
        hostname="mailbox.test",
        ident="Regulars mailbox",
        enable_SMTPUTF8=True,
        data_size_limit=_SIZE_MAX_BYTES,
        timeout=_IDLE_SECONDS,
        loop=asyncio.get_running_loop(),
    )
    return await asyncio.get_running_loop().create_server(protocol, host, port)


def listening_port(server: asyncio.Server) -> int:
    """The port a started server listens on."""
    return int(server.sockets[0].getsockname()[1])


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
