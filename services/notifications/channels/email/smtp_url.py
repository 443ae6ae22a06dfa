"""Where the mail server is: ``smtp://``, ``smtps://`` or ``smtp+starttls://``, with user and password if it asks."""

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from services.platform.errors import InvalidInput


class Encryption(StrEnum):
    """How the connection is encrypted. Values are the schemes of the URL."""

    NONE = "smtp"
    TLS = "smtps"
    STARTTLS = "smtp+starttls"


_DEFAULT_PORTS = {Encryption.NONE: 25, Encryption.TLS: 465, Encryption.STARTTLS: 587}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server and the log-in there; no user, no log-in."""

    encryption: Encryption
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)


def parse_smtp_url(url: str) -> SmtpServer:
    """The server named by ``url``. User and password are percent-decoded.

    Raises:
        InvalidInput: another scheme, no host, no such port, or something after the port.
    """
    try:
        parts = urlsplit(url)
        encryption, port = Encryption(parts.scheme), parts.port
    except ValueError as error:
        raise InvalidInput(field="smtpUrl", reason="NOT_AN_SMTP_URL") from error
    if not parts.hostname or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise InvalidInput(field="smtpUrl", reason="NOT_AN_SMTP_URL")
    return SmtpServer(
        encryption=encryption,
        host=parts.hostname,
        port=port or _DEFAULT_PORTS[encryption],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
