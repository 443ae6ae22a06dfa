"""Guesses, counted in PostgreSQL before a password is looked at: for all processes, and whatever else is away.

A count is a row under a hash, so that an account need not exist to be guarded like one that does.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from services.platform.auth import repository as sql
from services.platform.auth.errors import LoginThrottled, TooManyAttempts
from services.platform.db.session import UnitOfWork
from services.platform.limits.addresses import public_network_of


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most ``maximum`` attempts in ``window``.

    A sliding window ends when nothing was counted for that long, so that no span of that length holds more attempts.
    Others end so long after their first attempt, for addresses from which there is never a pause.
    """

    kind: str
    maximum: int
    window: timedelta
    is_sliding: bool = False


ACCOUNT_GUESSES = Throttle("", maximum=10, window=timedelta(minutes=5), is_sliding=True)
ADDRESS_GUESSES = Throttle("address:", maximum=100, window=timedelta(minutes=5))
ADDRESS_SIGN_UPS = Throttle("sign-ups:", maximum=20, window=timedelta(hours=1))
LONGEST_WINDOW = max(throttle.window for throttle in (ACCOUNT_GUESSES, ADDRESS_GUESSES, ADDRESS_SIGN_UPS))
FORGOTTEN_AT_ONCE = 10
"""Counts whose windows are over go with new ones, more than are added, so that the table stays as the last hour was."""


def count_guess(uow: UnitOfWork, *, email: str, peer: str) -> None:
    """Count a guess at an account, which need not exist. Commit it before looking at the password.

    ``peer`` is the caller's address; only public ones are counted.

    Raises:
        TooManyAttempts: of this address. The account's count is left alone, so that nobody is locked out by it.
        LoginThrottled: of this account.
    """
    network = public_network_of(peer)
    if network is not None and (wait := _count(uow, ADDRESS_GUESSES, network)):
        raise TooManyAttempts(retry_after_seconds=wait)
    if wait := _count(uow, ACCOUNT_GUESSES, _account(email)):
        raise LoginThrottled(retry_after_seconds=wait)


def forgive_guesses(uow: UnitOfWork, *, email: str, peer: str) -> None:
    """Forget the guesses at an account, and the last one of the address: the account's owner has come."""
    network = public_network_of(peer)
    if network is not None:
        uow.execute(sql.TAKE_BACK_ATTEMPT, {"subject": _hash(ADDRESS_GUESSES, network)})
    uow.execute(sql.FORGET_ATTEMPTS, {"subject": _hash(ACCOUNT_GUESSES, _account(email))})


def count_sign_up(uow: UnitOfWork, *, peer: str) -> None:
    """Count a sign-up that an address attempts, where it is a public one.

    Raises:
        TooManyAttempts
    """
    network = public_network_of(peer)
    if network is not None and (wait := _count(uow, ADDRESS_SIGN_UPS, network)):
        raise TooManyAttempts(retry_after_seconds=wait)


def _count(uow: UnitOfWork, throttle: Throttle, subject: str) -> int:
    """Count an attempt; 0, or, where there were enough, for how many seconds there will be no other."""
    values = {
        "subject": _hash(throttle, subject),
        "now": uow.now,
        "window_start": uow.now - throttle.window,
        "maximum": throttle.maximum,
        "is_sliding": throttle.is_sliding,
    }
    if uow.execute(sql.COUNT_ATTEMPT, values) == 1:
        uow.execute(sql.FORGET_OLD_ATTEMPTS, {"before": uow.now - LONGEST_WINDOW, "limit": FORGOTTEN_AT_ONCE})
        return 0
    row = uow.fetch_one(sql.ATTEMPTS, values)
    wait = row["window_started_at"] + throttle.window - uow.now if row else timedelta()
    return max(1, int(wait.total_seconds()))


def _account(email: str) -> str:
    return email.strip().lower()


def _hash(throttle: Throttle, subject: str) -> bytes:
    return hashlib.sha256(f"{throttle.kind}{subject}".encode()).digest()
