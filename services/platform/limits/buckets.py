"""Leaky buckets that all processes share through Valkey, and for which no request ever waits.

A bucket is one number: the instant at which it will have leaked empty. Work pushes that instant further away, and is
refused where it would lie further than a full bucket takes to leak. Each process decides at once by its own view of
the instant, and tells Valkey in the background what it let through; the answer corrects the view by what the others
let through. So a caller may get more than a bucketful by what the other processes have not told yet: of `TELL_SECONDS`
or of `TELL_SHARE` of a bucket, whichever comes first. That is owed, not given: the instant has moved all the same, and
in the long run nobody gets more than the rate.

Limits fail open: without an answer in time nothing is refused for `BLIND_SECONDS`, and then it is tried again.
"""

import math
import threading
from collections.abc import Mapping, Sequence

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.platform.clock import monotonic
from services.platform.limits.domain import Quota, Standing

log = structlog.get_logger()

TELL_SECONDS = 0.1
TELL_SHARE = 0.05
ANSWER_SECONDS_MAX = 0.05
BLIND_SECONDS = 5.0
LOG_EVERY_SECONDS = 60.0
BUCKETS_SEEN_MAX = 20_000
BUCKETS_PER_CALL_MAX = 1_000
PREFIX = "regulars:rate:"
MICROSECONDS = 1_000_000

# Microseconds of Valkey's own clock, so that the clocks of our machines need not agree. What has leaked empty expires.
SPEND = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local fills = {}
for i, key in ipairs(KEYS) do
  local empty_at = math.max(now, tonumber(redis.call('GET', key) or now)) + ARGV[i]
  redis.call('SET', key, string.format('%.0f', empty_at), 'PX', math.ceil((empty_at - now) / 1000) + 1)
  fills[i] = empty_at - now
end
return fills
"""


class Buckets:
    """The buckets as one process sees them; ``quota`` is the size of those that have none of their own.

    `close` tells what is untold, and ends the thread.
    """

    def __init__(self, url: str, quota: Quota) -> None:
        self._quota = quota
        self._client = redis.Redis.from_url(
            url,
            socket_connect_timeout=ANSWER_SECONDS_MAX,
            socket_timeout=ANSWER_SECONDS_MAX,
            # One more try, for a connection that a restarted server has closed.
            retry=Retry(NoBackoff(), 1),
        )
        self._script = self._client.register_script(SPEND)
        self._changed = threading.Condition()
        self._empty_at: dict[str, float] = {}
        self._untold: dict[str, float] = {}
        self._is_urgent = False
        self._is_closing = False
        self._blind_until = -math.inf
        self._unseen = 0
        self._logged_at = -math.inf
        self._teller = threading.Thread(target=self._tell_often, name="rate-limits", daemon=True)
        self._teller.start()

    @property
    def is_blind(self) -> bool:
        """Whether requests pass unmeasured, because Valkey does not answer."""
        return monotonic() < self._blind_until

    def spend(self, bucket: str, points: int, *, quota: Quota | None = None, on_credit: bool = False) -> Standing:
        """Take ``points`` of a bucket if there is room for them (or for one, where none is asked); it never waits.

        ``quota`` is the bucket's size, if it has one of its own. Another one than before changes what there is room
        for, but not for how long a bucket has to leak for what was taken. ``on_credit`` takes points also where there
        is no room, for work that has been done.
        """
        quota = quota or self._quota
        seconds = points / quota.per_second
        with self._changed:
            now = monotonic()
            if now < self._blind_until:
                self._unseen += 1
                return Standing(requested=points, spent=points, maximum=quota.capacity)
            is_new, is_first = bucket not in self._empty_at, not self._untold
            fill = max(self._empty_at.get(bucket, now) - now, 0.0)
            too_much = fill + max(points, 1) / quota.per_second - quota.seconds
            if too_much > 0 and not on_credit:
                return _standing(quota, points, fill, spent=0, retry_after_seconds=max(1, math.ceil(too_much)))
            self._empty_at[bucket] = now + fill + seconds
            untold = self._untold[bucket] = self._untold.get(bucket, 0.0) + seconds
            # What a bucket holds that was not seen here before is better known soon.
            is_urgent = is_new or untold >= TELL_SHARE * quota.seconds
            if is_first or (is_urgent and not self._is_urgent):
                self._is_urgent |= is_urgent
                self._changed.notify()
            return _standing(quota, points, fill + seconds, spent=points)

    def close(self) -> None:
        """Tell what is untold, and stop."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._teller.join()
        self._client.close()

    def _tell_often(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._untold or self._is_closing)
                self._changed.wait_for(lambda: self._is_urgent or self._is_closing, timeout=TELL_SECONDS)
                told, self._untold = self._untold, {}
                self._is_urgent = False
                is_closing = self._is_closing
            if told:
                self._tell(told)
            if is_closing:
                return

    def _tell(self, told: Mapping[str, float]) -> None:
        names, size = list(told), BUCKETS_PER_CALL_MAX
        try:
            fills = [
                fill for start in range(0, len(names), size) for fill in self._call(told, names[start : start + size])
            ]
        except (redis.RedisError, OSError) as error:
            self._go_blind(error)
            return
        with self._changed:
            now = monotonic()
            for name, fill in zip(names, fills, strict=True):
                self._empty_at[name] = now + fill / MICROSECONDS + self._untold.get(name, 0.0)
            if len(self._empty_at) > BUCKETS_SEEN_MAX:
                # Valkey remembers them.
                self._empty_at = {name: self._empty_at[name] for name in self._untold}

    def _call(self, told: Mapping[str, float], names: Sequence[str]) -> list[int]:
        fills: list[int] = self._script(
            keys=[PREFIX + name for name in names], args=[round(told[name] * MICROSECONDS) for name in names]
        )
        return fills

    def _go_blind(self, error: Exception) -> None:
        with self._changed:
            now = monotonic()
            self._blind_until = now + BLIND_SECONDS
            self._empty_at.clear()
            self._untold.clear()
            if now < self._logged_at + LOG_EVERY_SECONDS:
                return
            self._logged_at, unseen, self._unseen = now, self._unseen, 0
        log.warning("rate_limits_blind", error=type(error).__name__, passed_unmeasured=unseen)


def _standing(
    quota: Quota, points: int, fill: float, *, spent: int, retry_after_seconds: int | None = None
) -> Standing:
    remaining = quota.capacity - math.ceil(fill * quota.per_second)
    return Standing(
        requested=points,
        spent=spent,
        maximum=quota.capacity,
        remaining=max(0, remaining),
        reset_seconds=math.ceil(fill),
        retry_after_seconds=retry_after_seconds,
    )
