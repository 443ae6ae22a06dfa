"""Ids made by one process."""

import itertools
from concurrent.futures import ThreadPoolExecutor

from services.platform.ids import new_id


def test_ids_are_uuid_version_7_and_strictly_increase() -> None:
    ids = [new_id() for _ in range(10_000)]

    assert all(earlier < later for earlier, later in itertools.pairwise(ids))
    assert {(made.version, made.variant) for made in ids} == {(7, "specified in RFC 4122")}


def test_threads_never_make_the_same_id() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [made for batch in threads.map(lambda _: [new_id() for _ in range(2_000)], range(8)) for made in batch]

    assert len(set(made)) == 16_000
