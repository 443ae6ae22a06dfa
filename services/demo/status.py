"""What a visitor of the landing page is told about the demo: how far it is, and how much is in it."""

import json
import threading
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from services.billing.metering.queries import usage_by_meter
from services.demo.walks import balances_of, member_pages
from services.platform.clock import monotonic, wall_now
from services.platform.db.engine import Database
from services.platform.db.session import ReadSession, read_session
from services.platform.tenancy.domain import Tenant

NOTE_SECONDS: Final = 1.0
"""How often a replay notes where it is."""
STALE_SECONDS: Final = 10.0
"""A note that is older was left by a replay that is gone."""
CACHE_SECONDS: Final = 5.0
"""A landing page that is open asks every few seconds, and there may be many."""
_FILE = "demo-progress.json"


@dataclass(frozen=True, slots=True)
class Totals:
    """The demo at a glance; ``points`` are those earned in all."""

    members: int
    purchases: int
    points: int


@dataclass(frozen=True, slots=True)
class DemoStatus:
    """``progress`` is the share of a replay that is running, 0 to 1; None when none is."""

    totals: Totals
    progress: float | None


class ProgressNote:
    """Keeps in the state folder how far the running replay is, for the process that serves the landing page."""

    def __init__(self, home: Path) -> None:
        self._file = home / _FILE
        self._noted_at = float("-inf")

    def note(self, done: int, total: int) -> None:
        """Write it down, if the last note is old enough."""
        if monotonic() - self._noted_at < NOTE_SECONDS:
            return
        self._noted_at = monotonic()
        unfinished = self._file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({"share": done / max(1, total), "at": wall_now().timestamp()}))
        unfinished.replace(self._file)

    def clear(self) -> None:
        """The replay is over."""
        self._file.unlink(missing_ok=True)


class StatusBoard:
    """The demo's status for one process, read anew after ``CACHE_SECONDS``."""

    def __init__(self, database: Database, tenant: Tenant, *, home: Path) -> None:
        self._database = database
        self.tenant = tenant
        self._home = home
        self._lock = threading.Lock()
        self._read: tuple[float, Totals] | None = None

    def status(self) -> DemoStatus:
        """How the demo is now, or was a moment ago."""
        # Whoever comes while another counts waits and gets that count.
        with self._lock:
            if self._read is None or monotonic() - self._read[0] > CACHE_SECONDS:
                with read_session(self._database, self.tenant.home, now=self.tenant.now(wall_now())) as session:
                    self._read = monotonic(), read_totals(session)
            return DemoStatus(self._read[1], running_share(self._home))


def read_totals(session: ReadSession) -> Totals:
    """Count in the tenant's home: some twenty statements for all of the year's households."""
    usage = usage_by_meter(session, since=date(2000, 1, 1), until=date(3000, 1, 1))
    count, points = 0, 0
    for page in member_pages(session):
        count += len(page)
        points += sum(balance.earned for balance in balances_of(session, page))
    return Totals(count, sum(found.quantity for found in usage if found.meter == "purchases"), points)


def running_share(home: Path) -> float | None:
    """How much of a running replay is done, 0 to 1; None when none is running."""
    try:
        note = json.loads((home / _FILE).read_text())
    except FileNotFoundError:
        return None
    is_fresh = wall_now().timestamp() - note["at"] < STALE_SECONDS
    return float(note["share"]) if is_fresh else None
