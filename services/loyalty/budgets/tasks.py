"""What time alone makes due of budgets: holds that time out, and what a merchant wants to hear of."""

from datetime import datetime

from services.loyalty.budgets.queries import first_alert_question, first_late_question
from services.loyalty.budgets.service import release_late, send_alerts
from services.platform.actors import SYSTEM
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.session import unit_of_work
from services.platform.errands import Errand, Phase

HOLDS_MAX = 500
ALERTS_MAX = 50


def _release(database: Database, home: Home, now: datetime) -> int:
    with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id="release_budgets") as uow:
        return release_late(uow, limit=HOLDS_MAX)


def _alert(database: Database, home: Home, now: datetime) -> int:
    with unit_of_work(database, home, now=now, actor=SYSTEM, correlation_id="alert_budgets") as uow:
        return send_alerts(uow, limit=ALERTS_MAX)


ERRANDS: tuple[Errand, ...] = (
    Errand("release_budgets", Phase.EXPIRY, next_due=lambda _session: first_late_question(), run=_release),
    Errand("alert_budgets", Phase.NOTICE, next_due=lambda _session: first_alert_question(), run=_alert),
)
