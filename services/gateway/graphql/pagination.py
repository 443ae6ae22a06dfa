"""Relay connections over keyset pages: a cursor names a place in an order, so rows that come or go move nothing."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
import strawberry

from services.platform.errors import InvalidInput

PAGE_DEFAULT = 20
PAGE_MAX = 100
CURSOR_LENGTH_MAX = 500
NUMBER_DIGITS_MAX = 18

T = TypeVar("T")
Value = TypeVar("Value")

First = Annotated[int, strawberry.argument(description=f"How many items to return, 1 to {PAGE_MAX}.")]
After = Annotated[
    str | None, strawberry.argument(description="Return what comes after this cursor; from the beginning without it.")
]


@strawberry.type(description="Where a page stands among the others (Relay cursor connections).")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether this page was reached by a cursor, so that there may be more before it."
    )
    start_cursor: str | None = strawberry.field(description="Where the page begins, null on an empty page.")
    end_cursor: str | None = strawberry.field(
        description="Where the page ends, null on an empty page. Pass it as `after` to go on."
    )


@strawberry.type(description="One item of a connection.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="The item itself.")
    cursor: str = strawberry.field(description="The item's place in the connection's order; opaque.")

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Few clients ask for every cursor.
            if name != "cursor" or "place" not in self.__dict__:
                raise AttributeError(name)
            return self.place()


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


def encode_cursor(order: str, *parts: UUID | datetime | str | int) -> str:
    """A place in an order; ``order`` keeps cursors of one list from being used on another."""
    document = orjson.dumps([order, *(part.isoformat() if isinstance(part, datetime) else str(part) for part in parts)])
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


def text_cursor(order: str, cursor: str | None) -> str | None:
    """The place of a cursor in an order by a code.

    Raises:
        InvalidInput: not a cursor of this list.
    """
    return None if cursor is None else _parts(order, cursor, count=1)[0]


def number_cursor(order: str, cursor: str | None) -> int | None:
    """The place of a cursor in an order by a whole number.

    Raises:
        InvalidInput: not a cursor of this list.
    """
    if cursor is None:
        return None
    (digits,) = _parts(order, cursor, count=1)
    if not digits.isascii() or not digits.isdigit() or len(digits) > NUMBER_DIGITS_MAX:
        raise InvalidInput(field="after", reason="CURSOR_MALFORMED")
    return int(digits)


def place_cursor(order: str, cursor: str | None) -> tuple[int, str] | None:
    """The place of a cursor in an order by a position, which may be below zero, then a code.

    Raises:
        InvalidInput: not a cursor of this list.
    """
    if cursor is None:
        return None
    position, code = _parts(order, cursor, count=2)
    digits = position.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > NUMBER_DIGITS_MAX:
        raise InvalidInput(field="after", reason="CURSOR_MALFORMED")
    return int(position), code


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
    rows: Sequence[Value],
    asked: Page,
    *,
    node: Callable[[Value], T],
    cursor: Callable[[Value], str],
    is_visible: Callable[[Value], bool] = lambda _row: True,
) -> Connection[T]:
    """A connection from the rows read, of which there may be one more than asked for.

    Rows that are not visible leave a shorter page; the cursors still lead past them.
    """
    read = rows[: asked.first]
    return Connection(
        edges=[_edge(node(row), partial(cursor, row)) for row in read if is_visible(row)],
        page_info=PageInfo(
            has_next_page=len(rows) > asked.first,
            has_previous_page=asked.after is not None,
            start_cursor=cursor(read[0]) if read else None,
            end_cursor=cursor(read[-1]) if read else None,
        ),
    )


def _edge(node: T, place: Callable[[], str]) -> Edge[T]:
    """An edge whose cursor is made when it is asked for."""
    edge: Edge[T] = Edge.__new__(Edge)
    edge.__dict__.update(node=node, place=place)
    return edge


def _parts(order: str, cursor: str, *, count: int) -> list[str]:
    document = _checked(lambda: _decoded(cursor))
    is_ours = isinstance(document, list) and len(document) == count + 1 and document[0] == order
    if not is_ours or not all(isinstance(part, str) and part.isprintable() for part in document):
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
