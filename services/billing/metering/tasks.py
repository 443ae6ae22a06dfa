"""The roll-up of usage, once a minute."""

from datetime import timedelta

from services.billing.metering.repository import NEW_FACTS
from services.billing.metering.service import roll_up_once
from services.platform.clock import wall_now
from services.platform.db.fanout import ask_tenants
from services.platform.db.homes import PLATFORM
from services.platform.db.session import read_session
from services.platform.worker.tasks import Task, WorkContext

EVERY = timedelta(seconds=60)
ROUNDS_MAX = 200
"""Of one tenant in one visit; the next minute goes on."""


def roll_up_usage(context: WorkContext, **_: object) -> None:
    """Roll up the new facts of every tenant that has some."""
    homes = context.active_homes()
    with read_session(context.database, PLATFORM, now=wall_now()) as session:
        waiting = [home for home, _row in ask_tenants(session, homes, NEW_FACTS, {})]
    for home in waiting:
        for _round in range(ROUNDS_MAX):
            if roll_up_once(context.database, home) == 0:
                break


TASKS = (Task("roll_up_usage", roll_up_usage, every=EVERY),)
