"""Global ids and cursors: what we gave out is understood, and nothing else."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.gateway.graphql import ids, pagination
from services.platform.errors import InvalidInput

KEY = UUID("01900000-0000-7000-8000-00000000000a")
AT = datetime(2026, 3, 1, 9, 30, 0, 123_456, tzinfo=UTC)


def test_ids_there_and_back() -> None:
    assert ids.decode("Member", ids.encode("Member", KEY), field="id") == KEY
    assert ids.take_apart(ids.encode("Store", KEY), field="id") == ("Store", KEY)
    assert ids.decode_optional("Member", None, field="id") is None


def test_an_id_of_another_type_says_so() -> None:
    with pytest.raises(InvalidInput) as caught:
        ids.decode("Member", ids.encode("Store", KEY), field="memberId")

    assert caught.value.facts() == {"field": "memberId", "reason": "ID_OF_OTHER_TYPE", "limit": "Member"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "é",
        str(KEY),
        f"Member:{KEY}",
        base64.b64encode(b"Member").decode(),
        base64.b64encode(b"Member:5").decode(),
        # another spelling of the same bytes
        base64.b64encode(f"Member:{KEY}".encode()).decode() + "=",
        base64.urlsafe_b64encode(f"Member:{str(KEY).upper()}".encode()).rstrip(b"=").decode(),
        base64.urlsafe_b64encode(f"Member:{KEY.hex}".encode()).rstrip(b"=").decode(),
        ids.encode("Member", KEY) + "\n",
        "A" * 10_000,
        base64.urlsafe_b64encode(b"\xff\xfe:" + str(KEY).encode()).decode(),
    ],
)
def test_not_ids(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ids.decode("Member", text, field="id")

    assert caught.value.reason == "ID_MALFORMED"


def test_cursors_there_and_back() -> None:
    assert pagination.id_cursor("members", pagination.encode_cursor("members", KEY)) == KEY
    assert pagination.time_cursor("buys", pagination.encode_cursor("buys", AT, KEY)) == (AT, KEY)
    assert pagination.text_cursor("stores", pagination.encode_cursor("stores", "店-1")) == "店-1"
    assert pagination.number_cursor("versions", pagination.encode_cursor("versions", 7)) == 7


@pytest.mark.parametrize(
    "read", [pagination.id_cursor, pagination.time_cursor, pagination.text_cursor, pagination.number_cursor]
)
def test_no_cursor_is_the_beginning(read: Callable[[str, str | None], object]) -> None:
    assert read("order", None) is None


@pytest.mark.parametrize(
    "cursor",
    [
        pagination.encode_cursor("stores", KEY),
        pagination.encode_cursor("members"),
        pagination.encode_cursor("members", KEY, KEY),
        pagination.encode_cursor("members", "not an id"),
        base64.urlsafe_b64encode(b'["members", 5]').decode(),
        base64.urlsafe_b64encode(b'{"members": 5}').decode(),
        base64.urlsafe_b64encode(b'["members", "\\u0000"]').decode(),
        base64.urlsafe_b64encode(b"[" * 400).decode(),
        "",
        "!",
        "é",
        "A" * 501,
    ],
)
def test_cursors_of_other_lists_are_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        pagination.id_cursor("members", cursor)

    assert caught.value.facts() == {"field": "after", "reason": "CURSOR_MALFORMED", "limit": None}


@pytest.mark.parametrize("number", ["-1", "1.5", "१", "9" * 19, ""])
def test_numbers_in_cursors_are_bounded(number: str) -> None:
    with pytest.raises(InvalidInput):
        pagination.number_cursor("versions", pagination.encode_cursor("versions", number))


def test_an_instant_in_a_cursor_has_an_offset() -> None:
    with pytest.raises(InvalidInput):
        pagination.time_cursor("buys", pagination.encode_cursor("buys", AT.replace(tzinfo=None), KEY))


@pytest.mark.parametrize("first", [0, -5, 101, 10**9])
def test_pages_are_bounded(first: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        pagination.page(first, None)

    assert caught.value.limit == "100"


@pytest.mark.parametrize(
    ("rows", "shown", "has_next"), [([], [], False), ([1, 2], [1, 2], False), ([1, 2, 3], [1, 2], True)]
)
def test_one_row_more_tells_of_a_next_page(rows: list[int], shown: list[int], has_next: bool) -> None:  # noqa: FBT001  a case of the table
    asked = pagination.page(2, None)
    assert asked.limit == 3

    connection = pagination.connect(rows, asked, node=lambda row: row, cursor=str)

    assert [edge.node for edge in connection.edges] == shown
    assert connection.page_info.has_next_page is has_next
    assert connection.page_info.has_previous_page is False
    assert connection.page_info.end_cursor == (str(shown[-1]) if shown else None)


def test_hidden_rows_leave_a_shorter_page_that_leads_on() -> None:
    connection = pagination.connect(
        [1, 2, 3], pagination.page(2, "x"), node=lambda row: row, cursor=str, is_visible=lambda row: row == 1
    )

    assert [edge.node for edge in connection.edges] == [1]
    assert connection.page_info.end_cursor == "2"
    assert connection.page_info.has_next_page is True
    assert connection.page_info.has_previous_page is True
