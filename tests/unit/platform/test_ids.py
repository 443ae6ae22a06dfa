"""Ids made by one process."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.platform.clock import wall_now
from services.platform.ids import first_id, moment_of, new_id

MOMENT = datetime(2026, 11, 22, 12, 30, 15, 250_000, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def test_ids_are_uuid_version_7_and_strictly_increase() -> None:
    ids = [new_id() for _ in range(10_000)]

    assert all(earlier < later for earlier, later in itertools.pairwise(ids))
    assert {(made.version, made.variant) for made in ids} == {(7, "specified in RFC 4122")}


def test_threads_never_make_the_same_id() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [made for batch in threads.map(lambda _: [new_id() for _ in range(2_000)], range(8)) for made in batch]

    assert len(set(made)) == 16_000


def test_an_id_tells_when_it_was_made_and_the_first_of_a_moment_comes_before_it() -> None:
    before = wall_now()
    key = new_id()
    after = wall_now()

    assert before - MILLISECOND < moment_of(key) <= after
    assert first_id(before) <= key < first_id(after + MILLISECOND)
    assert moment_of(first_id(MOMENT)) == MOMENT
    assert (first_id(MOMENT).version, first_id(MOMENT).variant) == (7, "specified in RFC 4122")


def test_an_id_that_no_clock_made_is_no_error() -> None:
    assert moment_of(UUID(int=2**128 - 1)).year == 9999
    assert moment_of(UUID(int=0)).year == 1970
