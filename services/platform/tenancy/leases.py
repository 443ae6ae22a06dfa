"""Leases: work that one process at a time may do. Rows, since a pooler would hand a session's lock to strangers."""

import time
from datetime import timedelta

from services.platform.actors import SYSTEM
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import Database
from services.platform.db.homes import PLATFORM
from services.platform.db.session import unit_of_work

PAUSE_SECONDS = 0.05

TAKE = """
INSERT INTO platform.leases (name, holder, expires_at) VALUES (%(name)s, %(holder)s, %(expires_at)s)
ON CONFLICT (name) DO UPDATE SET holder = EXCLUDED.holder, expires_at = EXCLUDED.expires_at
WHERE leases.holder = EXCLUDED.holder OR leases.expires_at <= %(now)s"""
GIVE_BACK = "DELETE FROM platform.leases WHERE name = %(name)s AND holder = %(holder)s"


def take_lease(database: Database, *, name: str, holder: str, life: timedelta) -> bool:
    """Take a lease, or make the one held last longer; False when somebody else has it."""
    now = wall_now()
    values = {"name": name, "holder": holder, "now": now, "expires_at": now + life}
    with unit_of_work(database, PLATFORM, now=now, actor=SYSTEM, correlation_id=name) as uow:
        return uow.execute(TAKE, values) == 1


def wait_for_lease(database: Database, *, name: str, holder: str, life: timedelta, patience_seconds: int) -> bool:
    """Take a lease, and wait for whoever has it; False when it did not come free in time."""
    deadline = monotonic() + patience_seconds
    while not take_lease(database, name=name, holder=holder, life=life):
        if monotonic() >= deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def give_lease_back(database: Database, *, name: str, holder: str) -> None:
    """Let the next one have it at once."""
    with unit_of_work(database, PLATFORM, now=wall_now(), actor=SYSTEM, correlation_id=name) as uow:
        uow.execute(GIVE_BACK, {"name": name, "holder": holder})
