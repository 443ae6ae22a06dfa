"""Planted faults of limits, for `tests.faults.planted`: each gives somebody more than their share."""

from collections.abc import Callable, Mapping
from typing import Any


def count_requests_not_guesses() -> None:
    """However many guesses a request holds, they count as one."""
    from services.platform.auth import throttles  # noqa: PLC0415  before anybody takes its functions

    count_guess, counted = throttles.count_guess, set[str]()

    def count_once(uow: Any, **named: Any) -> None:
        if uow.correlation_id not in counted:
            counted.add(uow.correlation_id)
            count_guess(uow, **named)

    throttles.count_guess = count_once


def refuse_nobody_at_once() -> None:
    """The password of an account that does not exist is not looked at."""
    from services.platform.auth.passwords import Passwords  # noqa: PLC0415  after the choice of the fault

    matches = Passwords.matches

    def quick(self: Passwords, stored: str | None, password: str) -> bool:
        return stored is not None and matches(self, stored, password)

    Passwords.matches = quick  # type: ignore[method-assign]  # the fault


def buckets_without_bottom() -> None:
    """Work is measured and told, and nobody is ever refused."""
    from services.platform.limits.buckets import Buckets  # noqa: PLC0415  after the choice of the fault
    from services.platform.limits.domain import Quota  # noqa: PLC0415  as above

    spend = Buckets.spend

    def generous(
        self: Buckets, bucket: str, points: int, *, quota: Quota | None = None, on_credit: bool = False
    ) -> Any:
        del on_credit
        return spend(self, bucket, points, quota=quota, on_credit=True)

    Buckets.spend = generous  # type: ignore[method-assign]  # the fault


def ring_for_whole_backlogs() -> None:
    """The relay rings for all that a tenant has, however much of it waits."""
    from services.platform.outbox import relay  # noqa: PLC0415  after the choice of the fault

    assert hasattr(relay, "RUNG_FOR_MAX")
    relay.RUNG_FOR_MAX = 10**9


FAULTS: Mapping[str, Callable[[], None]] = {
    "requests-counted": count_requests_not_guesses,
    "nobody-refused-at-once": refuse_nobody_at_once,
    "buckets-without-bottom": buckets_without_bottom,
    "whole-backlogs": ring_for_whole_backlogs,
}
