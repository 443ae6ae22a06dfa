"""From an outgoing e-mail to the bytes on the wire, refusing what could forge a header."""

import re
import unicodedata
from base64 import encodebytes
from dataclasses import dataclass
from email.header import Header
from email.utils import format_datetime
from hashlib import sha256

from services.notifications.channels.domain import OutgoingEmail
from services.notifications.channels.errors import PermanentDeliveryFailure

_ADDRESS_BYTES_MAX = 254
_LOCAL_BYTES_MAX = 64
_HEADER_LENGTH_MAX = 900
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DOT_ATOM = re.compile(r"[^\s()<>\[\]:;@\\,.\"]+(?:\.[^\s()<>\[\]:;@\\,.\"]+)*")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_OWN_HEADERS = frozenset(
    {
        *("from", "to", "cc", "bcc", "sender", "return-path", "subject", "date", "message-id", "auto-submitted"),
        *("mime-version", "content-type", "content-transfer-encoding", "content-language"),
    }
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address as SMTP wants it: the domain in ASCII; the local part may need SMTPUTF8."""

    local: str
    domain: str

    def address(self) -> str:
        """``local@domain``."""
        return f"{self.local}@{self.domain}"

    def needs_utf8(self) -> bool:
        """Whether only a server with SMTPUTF8 can take it."""
        return not self.local.isascii()


def parse_mailbox(address: str) -> Mailbox:
    """An address with its domain in ASCII (IDNA 2003).

    Raises:
        PermanentDeliveryFailure: it is no plain ``local@domain`` address. Quoted local parts are refused as well.
    """
    local, _, domain = address.rpartition("@")
    if not _DOT_ATOM.fullmatch(local) or not _is_one_line(address):
        raise PermanentDeliveryFailure(reason="ADDRESS_INVALID")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise PermanentDeliveryFailure(reason="ADDRESS_INVALID") from error
    mailbox = Mailbox(local=local, domain=ascii_domain)
    too_long = len(local.encode()) > _LOCAL_BYTES_MAX or len(mailbox.address().encode()) > _ADDRESS_BYTES_MAX
    if too_long or not _DOT_ATOM.fullmatch(ascii_domain):
        raise PermanentDeliveryFailure(reason="ADDRESS_INVALID")
    return mailbox


def mime_bytes(message: OutgoingEmail, *, sender: Mailbox, recipient: Mailbox) -> bytes:
    """The complete message with CRLF lines; the same message gives the same bytes.

    It is written here and not by ``email.policy``: CPython folds a long List-Unsubscribe address into encoded words,
    which no reader undoes, loses blanks of long display names, and takes three times as long.

    Raises:
        PermanentDeliveryFailure: a header holds a line break or control character, is too long, is malformed, or is
            one that this module writes itself; or the text is no valid Unicode.
    """
    _check_headers(message)
    # Every body line is base64, which has no hyphen: no boundary can occur inside.
    boundary = f"=_{sha256(message.message_id_header.encode()).hexdigest()[:32]}"
    headers = (
        ("From", _from(message.sender_name, sender)),
        ("To", recipient.address()),
        ("Subject", _encoded("Subject", message.subject)),
        ("Date", format_datetime(message.sent_at)),
        ("Message-ID", message.message_id_header),
        # RFC 3834: vacation responders and mailing lists must not answer.
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", message.locale),
        *((name, _encoded(name, value)) for name, value in message.headers),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative; boundary="{boundary}"'),
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    parts = (_part("plain", message.text), _part("html", message.html))
    body = b"".join(b"--%b\r\n%b" % (boundary.encode(), part) for part in parts)
    return b"%b\r\n%b--%b--\r\n" % (lines.encode(), body, boundary.encode())


def _part(subtype: str, text: str) -> bytes:
    try:
        content = "\r\n".join(text.splitlines()).encode()
    except UnicodeEncodeError as error:
        raise PermanentDeliveryFailure(reason="TEXT_NOT_UNICODE") from error
    lines = encodebytes(content).replace(b"\n", b"\r\n")
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return head.encode() + lines


def _from(name: str, mailbox: Mailbox) -> str:
    if not name:
        return mailbox.address()
    if _is_plain(name):
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{mailbox.address()}>'
    return f"{_encoded('From', name)} <{mailbox.address()}>"


def _encoded(name: str, value: str) -> str:
    """The value as RFC 2047 wants it: as it is when ASCII, otherwise as folded encoded words."""
    if _is_plain(value):
        return value
    return Header(value, charset="utf-8", header_name=name).encode(linesep="\r\n")


def _is_plain(value: str) -> bool:
    """Whether a reader shows the value as it is written."""
    return value.isascii() and "=?" not in value


def _check_headers(message: OutgoingEmail) -> None:
    values = [message.sender_name, message.subject, message.locale, *(value for _, value in message.headers)]
    if not all(_is_one_line(value) for value in values):
        raise PermanentDeliveryFailure(reason="HEADER_UNSAFE")
    if any(len(value) > _HEADER_LENGTH_MAX for value in (*values, message.message_id_header)):
        raise PermanentDeliveryFailure(reason="HEADER_TOO_LONG")
    names = [name for name, _ in message.headers]
    if not _MESSAGE_ID.fullmatch(message.message_id_header) or not message.locale.isascii():
        raise PermanentDeliveryFailure(reason="HEADER_UNSAFE")
    if any(not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS for name in names):
        raise PermanentDeliveryFailure(reason="HEADER_UNSAFE")


def _is_one_line(value: str) -> bool:
    return not any(unicodedata.category(character) in _UNSAFE_CATEGORIES for character in value)
