"""Reading mail that anybody may have sent: what can't be read is shown as well as it goes, never an error."""

import email
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser

_SHOWN_MAX = 500_000
_HEADER_MAX = 1_000


@dataclass(frozen=True, slots=True)
class MailHeaders:
    """The headers worth indexing, decoded; empty where there are none."""

    message_id: str
    sender: str
    subject: str


@dataclass(frozen=True, slots=True)
class MailBody:
    """Both shapes of a mail's words (empty where there is none) and its headers as they arrived."""

    html: str
    text: str
    raw_headers: str


def read_headers(content: bytes) -> MailHeaders:
    """The indexed headers of a mail."""
    message = BytesHeaderParser().parsebytes(content)
    return MailHeaders(
        message_id=_header(message, "Message-ID"),
        sender=_header(message, "From"),
        subject=_header(message, "Subject"),
    )


def read_body(content: bytes) -> MailBody:
    """The words of a mail: its first HTML part and its first plain part."""
    message = email.message_from_bytes(content)
    html, text = "", ""
    for part in message.walk():
        if part.get_content_type() == "text/html":
            html = html or _text(part)
        elif part.get_content_type() == "text/plain":
            text = text or _text(part)
    head = content.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0]
    return MailBody(html=html, text=text, raw_headers=head.decode("utf-8", "replace")[:_SHOWN_MAX])


def _header(message: Message, name: str) -> str:
    value = message.get(name, "")
    try:
        decoded = str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        decoded = str(value)
    # Raw bytes beyond ASCII arrive as surrogates, which no database takes.
    whole = decoded.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(whole.split())[:_HEADER_MAX]


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset("utf-8"), "replace")[:_SHOWN_MAX]
    except LookupError:
        return payload.decode("utf-8", "replace")[:_SHOWN_MAX]
