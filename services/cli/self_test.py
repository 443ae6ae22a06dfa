"""The self-test of a process at its start, and by hand: what would lose or mix up work is refused with a sentence."""

import threading
from collections.abc import Callable

import structlog
import typer

from services.cli.composition import complaints, console, settings_or_exit
from services.cli.refusals import say
from services.platform.clock import monotonic, wall_now
from services.platform.config import Settings
from services.platform.errors import DomainError
from services.platform.surroundings.broker import check_broker
from services.platform.surroundings.database import check_database, check_direct_address
from services.platform.surroundings.errors import BrokerAway, DatabaseAway

log = structlog.get_logger()

PATIENCE_SECONDS = 60.0
"""Servers that start together with us are waited for; after that whoever keeps us alive starts us again."""
PAUSE_SECONDS = 1.0
AWAY = 1
REFUSED = 2
"""The exit code of a process that must not run here: another start would change nothing."""

Check = Callable[[], None]


def fit_or_exit(settings: Settings, *, needs_broker: bool, makes_schemas: bool) -> None:
    """Let the process go on if its servers are fit for it, else end it with a sentence.

    ``needs_broker``: without it there is nothing to do; others go on while it is away. ``makes_schemas``: it uses the
    owner's address.
    """
    try:
        _patiently(_check_database(settings))
        if makes_schemas:
            _patiently(_check_direct_address(settings))
        if needs_broker:
            _patiently(_check_broker(settings))
        else:
            _unless_away(_check_broker(settings))
    except DomainError as error:
        complaints.print(say(error), style="red", markup=False, highlight=False)
        raise typer.Exit(_code_of(error)) from error


def self_test() -> None:
    """Look at database, pooler, broker, clock and schema as every process does at its start.

    Ends with 0 if all are fit, with 2 if one has to be changed, and with 1 if one is only away.
    """
    settings = settings_or_exit()
    checks = (
        ("Database", _check_database(settings)),
        ("Direct database address", _check_direct_address(settings)),
        ("Broker", _check_broker(settings)),
    )
    code = 0
    for name, check in checks:
        try:
            check()
        except DomainError as error:
            code = max(code, _code_of(error))
            complaints.print(f"{name}: {say(error)}", style="red", markup=False, highlight=False)
        else:
            console.print(f"{name}: fit")
    if code:
        raise typer.Exit(code)


def _code_of(error: DomainError) -> int:
    return AWAY if isinstance(error, BrokerAway | DatabaseAway) else REFUSED


def _check_database(settings: Settings) -> Check:
    return lambda: check_database(settings.database_url, is_prepared=settings.database_prepared, clock=wall_now)


def _check_direct_address(settings: Settings) -> Check:
    return lambda: check_direct_address(settings.direct_database_url)


def _check_broker(settings: Settings) -> Check:
    return lambda: check_broker(settings.broker_url, allow_unsafe=settings.allow_unsafe_broker)


def _patiently(check: Check) -> None:
    give_up, pause = monotonic() + PATIENCE_SECONDS, threading.Event()
    while True:
        try:
            return check()
        except (BrokerAway, DatabaseAway) as error:
            if monotonic() > give_up:
                raise
            log.warning("waiting_for_server", reason=error.code, **error.facts())
        pause.wait(PAUSE_SECONDS)


def _unless_away(check: Check) -> None:
    try:
        check()
    except BrokerAway as error:
        log.warning("broker_not_checked", reason=error.code, **error.facts())
