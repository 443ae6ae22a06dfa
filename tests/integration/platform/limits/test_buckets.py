"""Leaky buckets that processes share through Valkey: nobody gets more than the rate, and nobody waits for it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
import structlog

from services.platform.clock import monotonic
from services.platform.limits import buckets
from services.platform.limits.buckets import PREFIX, Buckets
from services.platform.limits.domain import Quota, Standing

QUOTA = Quota(capacity=1_000_000, per_second=1)
"""So slow that nothing leaks while a test looks."""
LEAKED_MAX = 100
PATIENCE_SECONDS = 30


@pytest.fixture
def ours(broker_url: str) -> Iterator[Buckets]:
    with closing(Buckets(broker_url, QUOTA)) as opened:
        yield opened


@pytest.fixture
def theirs(broker_url: str) -> Iterator[Buckets]:
    """As another process sees them."""
    with closing(Buckets(broker_url, QUOTA)) as opened:
        yield opened


def _until(is_so: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert monotonic() < deadline, "it never came"
        time.sleep(0.01)


def _holds(seen: Buckets, bucket: str, points: int) -> bool:
    """Whether a process sees ``points`` in a bucket."""
    remaining = seen.spend(bucket, 0).remaining
    return remaining is not None and 0 <= remaining - (QUOTA.capacity - points) < LEAKED_MAX


def test_a_bucket_takes_what_it_holds_and_not_a_point_more(ours: Buckets) -> None:
    assert ours.spend("a", 999_000) == Standing(999_000, 999_000, 1_000_000, 1_000, 999_000)

    refused = ours.spend("a", 600_000)

    assert (refused.requested, refused.spent, refused.maximum) == (600_000, 0, 1_000_000)
    assert refused.retry_after_seconds is not None
    assert 0 <= 599_000 - refused.retry_after_seconds < LEAKED_MAX
    assert ours.spend("a", 1_000).retry_after_seconds is None


def test_a_full_bucket_has_no_room_for_the_cheapest_work(ours: Buckets) -> None:
    ours.spend("a", 1_000_000)

    assert ours.spend("a", 0).retry_after_seconds == 1
    assert ours.spend("a", 500_000, on_credit=True).retry_after_seconds is None
    assert ours.spend("a", 0).retry_after_seconds in range(500_001 - LEAKED_MAX, 500_002)


def test_what_one_process_lets_through_the_others_hear_of(ours: Buckets, theirs: Buckets) -> None:
    ours.spend("a", 300_000)
    _until(lambda: _holds(theirs, "a", 300_000))

    theirs.spend("a", 600_000)

    _until(lambda: _holds(ours, "a", 900_000))
    assert ours.spend("a", 200_000).retry_after_seconds is not None
    assert ours.spend("b", 200_000).retry_after_seconds is None


def test_what_processes_took_before_they_told_each_other_is_owed(broker_url: str) -> None:
    processes = [Buckets(broker_url, QUOTA) for _ in range(3)]
    for process in processes:
        assert process.spend("a", 1_000_000).retry_after_seconds is None
    for process in processes:
        process.close()

    with closing(Buckets(broker_url, QUOTA)) as later:
        later.spend("a", 0)
        _until(lambda: later.spend("a", 0).retry_after_seconds is not None)

        owed = later.spend("a", 0).retry_after_seconds

    assert owed in range(2_000_001 - LEAKED_MAX, 2_000_002)


def test_a_bucket_leaks(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(buckets, "monotonic", lambda: clock[0])
    monkeypatch.setattr(buckets, "PREFIX", f"{PREFIX}leaks:")
    with closing(Buckets(broker_url, Quota(capacity=1_000, per_second=100))) as leaking:
        monkeypatch.setattr(leaking, "_tell", lambda told: None)
        leaking.spend("a", 1_000)
        clock[0] += 2.5

        assert leaking.spend("a", 100) == Standing(100, 100, 1_000, 150, 9)
        assert leaking.spend("a", 151) == Standing(151, 0, 1_000, 150, 9, retry_after_seconds=1)


def test_a_bucket_may_have_a_size_of_its_own(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(buckets, "monotonic", lambda: clock[0])
    monkeypatch.setattr(buckets, "PREFIX", f"{PREFIX}sizes:")
    large = Quota(capacity=5_000, per_second=500)
    with closing(Buckets(broker_url, Quota(capacity=1_000, per_second=100))) as sized:
        monkeypatch.setattr(sized, "_tell", lambda told: None)

        assert sized.spend("a", 4_000, quota=large) == Standing(4_000, 4_000, 5_000, 1_000, 8)
        assert sized.spend("a", 1_001, quota=large) == Standing(1_001, 0, 5_000, 1_000, 8, retry_after_seconds=1)
        assert sized.spend("b", 1_001) == Standing(1_001, 0, 1_000, 1_000, 0, retry_after_seconds=1)
        # It leaks for eight seconds, whatever its size is by now.
        assert sized.spend("a", 200) == Standing(200, 200, 1_000, 0, 10)


def test_what_has_leaked_empty_is_forgotten(broker_url: str) -> None:
    with (
        closing(Buckets(broker_url, Quota(capacity=1_000, per_second=1_000))) as quick,
        closing(redis.Redis.from_url(broker_url)) as valkey,
    ):
        quick.spend("soon", 400)
        _until(lambda: 0 < valkey.pttl(f"{PREFIX}soon") <= 401)
        _until(lambda: valkey.exists(f"{PREFIX}soon") == 0)


def test_many_threads_spend_exactly_what_there_is(ours: Buckets, theirs: Buckets) -> None:
    spent: list[int] = []

    def spend() -> None:
        spent.extend(ours.spend("a", 1_000).spent for _ in range(250))

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(spent) == 1_000_000
    _until(lambda: theirs.spend("a", 0).retry_after_seconds is not None)


def test_without_valkey_nothing_is_limited_and_the_log_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "BLIND_SECONDS", 0.05)
    with structlog.testing.capture_logs() as logs, closing(Buckets("unix:///var/empty/nothing", QUOTA)) as blind:
        blind.spend("a", 1_000_000)
        _until(lambda: blind.is_blind)

        assert blind.spend("a", 1_000_000) == Standing(1_000_000, 1_000_000, 1_000_000)
        _until(lambda: not blind.is_blind)
        blind.spend("a", 0)
        _until(lambda: blind.is_blind)

    assert [(line["event"], line["log_level"]) for line in logs] == [("rate_limits_blind", "warning")]


def test_a_valkey_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        with closing(Buckets(f"unix://{tmp_path}/silent", QUOTA)) as blind:
            blind.spend("a", 1)
            _until(lambda: blind.is_blind)

            assert blind.spend("a", 1).remaining is None


def test_limits_hold_again_when_valkey_is_back(ours: Buckets, theirs: Buckets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "BLIND_SECONDS", 0.05)
    ours.spend("a", 1_000)
    _until(lambda: _holds(theirs, "a", 1_000))

    with monkeypatch.context() as away:
        away.setattr(Buckets, "_call", _refuse)
        _until(lambda: ours.spend("a", 0).remaining is None)

    _until(lambda: _holds(ours, "a", 1_000))


def _refuse(*_: object) -> list[int]:
    raise redis.exceptions.OutOfMemoryError


def test_a_process_forgets_buckets_and_learns_them_again(
    ours: Buckets, theirs: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "BUCKETS_SEEN_MAX", 10)
    monkeypatch.setattr(buckets, "BUCKETS_PER_CALL_MAX", 7)
    for number in range(50):
        ours.spend(f"n{number}", number)

    _until(lambda: all(_holds(theirs, f"n{number}", number) for number in range(50)))
    _until(lambda: _holds(ours, "n49", 49))
