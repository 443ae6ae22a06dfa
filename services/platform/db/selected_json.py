"""JSON that PostgreSQL writes: what a reader picked of an object, spelled as the web edge would spell it.

Building a page of objects in Python costs several times what the database takes to write the same text. Ids, cursors
and instants look as `services.gateway.graphql` makes them; differential tests hold the two together.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

KEY_LENGTH_MAX = 63
"""A key becomes a column's name, and PostgreSQL cuts longer ones."""

_KEY = re.compile(r"[_A-Za-z][_0-9A-Za-z]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pick:
    """One attribute of an object, and the key under which the reader wants it."""

    key: str
    name: str
    picks: tuple["Pick", ...] = ()
    """What is picked of the attribute's own attributes; empty for a plain value."""
    first: int = 0
    """The length of a page, where the attribute is a list read by pages."""


Writers = Mapping[str, Callable[[Pick], str]]
"""By attribute: what writes the SQL expression of a pick."""


class NotPickable(Exception):
    """The database can't write this attribute; read it the ordinary way."""


def json_object(picks: Sequence[Pick], writers: Writers) -> str:
    """The expression of a JSON object with the picks in their order.

    Raises:
        NotPickable: there is no writer for an attribute, or no column could bear a key.
    """
    return f"(SELECT row_to_json(o) FROM (SELECT {', '.join(_column(pick, writers) for pick in picks)}) o)"


def json_list(expression: str, *, source: str, order: str) -> str:
    """The expression of a JSON array of ``expression`` over the rows of ``source`` (all that follows FROM)."""
    return f"(SELECT coalesce(json_agg({expression} ORDER BY {order}), '[]') FROM {source})"


def plain(expression: str) -> Callable[[Pick], str]:
    """The writer of a value without attributes of its own."""

    def write(pick: Pick) -> str:
        if pick.picks:
            raise NotPickable(pick.name)
        return expression

    return write


def instant(expression: str) -> str:
    """A ``timestamptz`` in UTC: milliseconds, or microseconds where there are any."""
    utc = f"{expression} AT TIME ZONE 'UTC'"
    whole = f"extract(microseconds FROM {expression})::bigint %% 1000 = 0"
    day = 'YYYY-MM-DD"T"HH24:MI:SS.'
    return f"""to_char({utc}, CASE WHEN {whole} THEN '{day}MS"Z"' ELSE '{day}US"Z"' END)"""


def global_id(type_name: str, expression: str) -> str:
    """The global id of an object of a type with the uuid of ``expression``.

    The characters of names and UUIDs never make a plus or a slash, nor a text so long that it is broken into lines.
    """
    return f"rtrim(encode(convert_to('{type_name}:' || {expression}, 'UTF8'), 'base64'), '=')"


def opaque(expression: str) -> str:
    """A text in URL-safe Base64 without padding."""
    return f"translate(rtrim(encode(convert_to({expression}, 'UTF8'), 'base64'), '='), E'+/\\n', '-_')"


def _column(pick: Pick, writers: Writers) -> str:
    writer = writers.get(pick.name)
    if writer is None or len(pick.key) > KEY_LENGTH_MAX or not _KEY.fullmatch(pick.key):
        raise NotPickable(pick.name)
    return f'{writer(pick)} AS "{pick.key}"'
