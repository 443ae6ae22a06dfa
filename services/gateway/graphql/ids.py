"""Relay's global ids: opaque to clients, a type and a UUID to us."""

import base64
import binascii
from uuid import UUID

import strawberry

from services.platform.errors import InvalidInput

ID_LENGTH_MAX = 200


def encode(type_name: str, key: UUID) -> strawberry.ID:
    """The global id of an object: its name and key in URL-safe Base64 without padding.

    The letters of names and UUIDs never make a plus or a slash, so that plain Base64 is URL-safe.
    """
    return strawberry.ID(binascii.b2a_base64(f"{type_name}:{key}".encode(), newline=False).rstrip(b"=").decode())


def take_apart(value: str, *, field: str) -> tuple[str, UUID]:
    """Type name and key of a global id.

    Raises:
        InvalidInput: not a global id of ours.
    """
    try:
        text = base64.b64decode(value[:ID_LENGTH_MAX] + "=" * (-len(value) % 4), altchars=b"-_", validate=True).decode()
        type_name, _, key_text = text.partition(":")
        key = UUID(key_text)
    except (ValueError, binascii.Error) as error:
        raise InvalidInput(field=field, reason="ID_MALFORMED") from error
    # One object has one id: other spellings of the same bytes are not ids.
    if encode(type_name, key) != value:
        raise InvalidInput(field=field, reason="ID_MALFORMED")
    return type_name, key


def decode(type_name: str, value: str, *, field: str) -> UUID:
    """The key in a global id of one type; it need not exist.

    Raises:
        InvalidInput: not a global id, or one of another type.
    """
    found, key = take_apart(value, field=field)
    if found != type_name:
        raise InvalidInput(field=field, reason="ID_OF_OTHER_TYPE", limit=type_name)
    return key


def decode_optional(type_name: str, value: str | None, *, field: str) -> UUID | None:
    """As `decode`; None stays None."""
    return None if value is None else decode(type_name, value, field=field)
