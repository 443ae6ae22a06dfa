"""Which failures of the database can heal by themselves, and how often and how long to wait for that.

Drivers stay out of the gateway, so failures are known by what the SQL standard gives them: their SQLSTATE.
"""

import random
from collections.abc import Iterator

from services.platform.db.session import CommitOutcomeUnknown

ATTEMPTS_MAX = 8
FIRST_WAIT_SECONDS = 0.02
WAIT_SECONDS_MAX = 1.0

# Nothing of the transaction stays behind these, so that the work may be done again whatever it is.
_TRANSIENT_STATES = frozenset(
    {
        "40001",  # serialization failure
        "40P01",  # deadlock
        "55P03",  # lock not available within lock_timeout
        "53300",  # too many connections
        "57P01",  # server shut down by its operator
        "57P02",  # server crashed
        "57P03",  # server is starting
        "57P05",  # idle session closed
        "25P03",  # idle transaction closed
        "25006",  # read-only: a server that is about to be, or no longer is, the primary
        "53100",  # disk full
        "0A000",  # a prepared statement whose columns changed their type; its connection is closed
        "26000",  # a prepared statement that somebody discarded; likewise
    }
)
_CANCELED_STATE = "57014"  # it took longer than statement_timeout, or an operator ended it
_LOST_CONNECTION_CLASS = "08"
_LOST_CONNECTION_NAMES = frozenset({"OperationalError", "TimeoutError", "PoolTimeout"})


def is_transient(error: BaseException) -> bool:
    """Whether the transaction surely left nothing behind and may succeed when it is tried again."""
    if isinstance(error, CommitOutcomeUnknown):
        return False
    driver_error = getattr(error, "orig", None) or error
    state = getattr(driver_error, "sqlstate", None)
    if state is not None:
        return state in _TRANSIENT_STATES or state.startswith(_LOST_CONNECTION_CLASS)
    # A connection that broke, or a pool that had none left in time, has no state to tell.
    is_of_the_database = type(driver_error).__module__.startswith(("psycopg", "sqlalchemy"))
    return is_of_the_database and type(driver_error).__name__ in _LOST_CONNECTION_NAMES


def is_about_the_database(error: BaseException) -> bool:
    """Whether the database, and not our code, is why something failed."""
    return isinstance(error, CommitOutcomeUnknown) or is_transient(error)


def took_too_long(error: BaseException) -> bool:
    """Whether the database gave a statement up. Nothing stayed behind; doing it again at once would take as long."""
    return getattr(error, "sqlstate", None) == _CANCELED_STATE


def waits() -> Iterator[float]:
    """Seconds to wait before each further attempt: doubling, with full jitter so that rivals part."""
    ceiling = FIRST_WAIT_SECONDS
    for _ in range(ATTEMPTS_MAX - 1):
        yield random.uniform(0, ceiling)  # noqa: S311  it spreads callers, it hides nothing
        ceiling = min(2 * ceiling, WAIT_SECONDS_MAX)
