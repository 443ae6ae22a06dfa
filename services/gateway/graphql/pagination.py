"""Relay connections over keyset pages: a cursor names a place in an order, so rows that come or go move nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
import strawberry

from services.platform.errors import InvalidInput

PAGE_DEFAULT = 20
PAGE_MAX = 100
CURSOR_LENGTH_MAX = 500

T = TypeVar("T")
Value = TypeVar("Value")
Key = TypeVar("Key", UUID, tuple[datetime, UUID])


@strawberry.type(description="Where a page stands among the others (Relay cursor connections).")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether this page was reached by a cursor, so that there may be more before it."
    )
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge, null on an empty page.")
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last edge, null on an empty page. Pass it as `after` to go on."
    )


@strawberry.type(description="One item of a connection.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="The item itself.")
    cursor: str = strawberry.field(description="The item's place in the connection's order; opaque.")


@strawberry.type(description="A page of a list (Relay cursor connections).")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The page's items with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@dataclass(frozen=True, slots=True)
class Page:
    """What a client asked for; ``after`` is the decoded cursor."""

    first: int
    after: str | None

    @property
    def limit(self) -> int:
        """Rows to read: one more than shown tells whether there is a next page."""
        return self.first + 1


def page(first: int, after: str | None) -> Page:
    """The page that a client asked for.

    Raises:
        InvalidInput: fewer than 1 or more than ``PAGE_MAX`` items.
    """
    if not 1 <= first <= PAGE_MAX:
        raise InvalidInput(field="first", reason="PAGE_SIZE_OUT_OF_RANGE", limit=str(PAGE_MAX))
    return Page(first=first, after=after)


def encode_cursor(order: str, *parts: UUID | datetime) -> str:
    """A place in an order; ``order`` keeps cursors of one list from being used on another."""
    document = orjson.dumps([order, *(str(part) if isinstance(part, UUID) else part.isoformat() for part in parts)])
    return base64.urlsafe_b64encode(document).rstrip(b"=").decode()


def id_cursor(order: str, cursor: str | None) -> UUID | None:
    """The place of a cursor in an order by id.

    Raises:
        InvalidInput: not a cursor of this list.
    """
    if cursor is None:
        return None
    (key,) = _parts(order, cursor, count=1)
    return _checked(lambda: UUID(key))


def time_cursor(order: str, cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place of a cursor in an order by time, then id.

    Raises:
        InvalidInput: not a cursor of this list.
    """
    if cursor is None:
        return None
    instant, key = _parts(order, cursor, count=2)
    found = _checked(lambda: (datetime.fromisoformat(instant), UUID(key)))
    if found[0].tzinfo is None:
        raise InvalidInput(field="after", reason="CURSOR_MALFORMED")
    return found


def connect(
    rows: Sequence[Value], asked: Page, *, node: Callable[[Value], T], cursor: Callable[[Value], str]
) -> Connection[T]:
    """A connection from the rows read, of which there may be one more than asked for."""
    shown = rows[: asked.first]
    edges = [Edge(node=node(row), cursor=cursor(row)) for row in shown]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(rows) > asked.first,
            has_previous_page=asked.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


def _parts(order: str, cursor: str, *, count: int) -> list[str]:
    document = _checked(lambda: _decoded(cursor))
    is_ours = isinstance(document, list) and len(document) == count + 1 and document[0] == order
    if not is_ours or not all(isinstance(part, str) for part in document):
        raise InvalidInput(field="after", reason="CURSOR_MALFORMED")
    parts: list[str] = document[1:]
    return parts


def _decoded(cursor: str) -> Any:
    if len(cursor) > CURSOR_LENGTH_MAX:
        raise ValueError(cursor[:CURSOR_LENGTH_MAX])
    return orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))


def _checked(read: Callable[[], Value]) -> Value:
    try:
        return read()
    except (ValueError, binascii.Error) as error:
        raise InvalidInput(field="after", reason="CURSOR_MALFORMED") from error
