"""The demo chain's year as fast as it goes: under its grocery program, beside the same chain under one plain rule.

Both replay in this process, one transaction a basket. What falls due (reviews of tiers, points that end, notices) is
done at every midnight of the shops.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import RenderableType

from services.cli.demo import comparison_table
from services.demo.chain import make_chain
from services.demo.dataset import CURRENCY, SHOP_ZONE, installed_dataset
from services.demo.nights import nights
from services.demo.program import PROGRAM
from services.demo.reconciliation import YEAR_BASKETS, Reconciliation, reconcile
from services.demo.replay import replay
from services.demo.words import WORDS
from services.platform.clock import monotonic
from services.platform.db.engine import open_database
from services.platform.db.session import read_session
from services.platform.embedded.postgres import SUPERUSER, EmbeddedPostgres, apply_roles, make_database
from services.platform.tenancy.migrations import migrate_shared
from tests.load.measuring import Measure, Sample

_NAME = {"en": "Plain", "zh": "简单"}
PLAIN: Mapping[str, Any] = {
    "version": 2,
    "name": _NAME,
    "timezone": SHOP_ZONE,
    "currency": CURRENCY,
    "units": [{"code": "points", "name": _NAME, "scale": 0}],
    "rules": [
        {
            "id": "plain",
            "name": _NAME,
            "trigger": "purchase",
            "formula": {"spend": {"points": 1, "per": {CURRENCY: 100}}},
        }
    ],
    "tiers": {
        "metric": "points_earned",
        "levels": [{"code": "member", "name": _NAME, "threshold": 0, "multiplier": "1"}],
    },
    "policies": {},
}
"""One point for every dollar."""
BASKETS = 500
"""Of one turn of one chain."""
TURNS_OF_A_YEAR = 53
PLAIN_PART = 10
"""While the grocery replays a whole year, the plain chain replays a tenth of it: the ratio needs no more."""
PROBED = timedelta(days=1)
"""How long after the last basket the books are read, when its night is over."""

Tell = Callable[[RenderableType], None]


class BooksDiffer(Exception):
    """What was replayed does not reconcile."""


class ReplayedChain:
    """A chain in a database of its own, with which each turn goes on."""

    def __init__(
        self, stack: ExitStack, postgres: EmbeddedPostgres, program: Mapping[str, Any], *, name: str, baskets: int
    ) -> None:
        self.name = name
        self._baskets = baskets
        self._files = installed_dataset()
        database = f"bench_{name}"
        make_database(postgres.url(role=SUPERUSER, database="postgres"), database)
        apply_roles(postgres.url(role=SUPERUSER, database=database))
        owner_url = postgres.url(role="regulars_owner", database=database)
        migrate_shared(owner_url)
        self._database = open_database(postgres.url(role="regulars_app", database=database), pool_size=2)
        stack.callback(self._database.close)
        home = Path(stack.enter_context(TemporaryDirectory(prefix="regulars-chain-")))
        self._chain = make_chain(self._database, direct_url=owner_url, home=home, files=self._files, program=program)
        self._night = nights(self._database, self._chain.tenant)
        self.is_complete = False
        self._last: datetime | None = None

    def run(self, _seconds: int) -> Sample:
        """Ring up the next baskets, however long that takes.

        The clock starts with the first one: what comes before it is reading and sorting the year's lines.
        """
        began = cpu = 0.0
        count = -1

        def progress(_done: int, _total: int) -> None:
            nonlocal began, cpu, count
            if count < 0:
                began, cpu = monotonic(), time.process_time()
            count += 1

        done = replay(
            self._database,
            self._chain,
            files=self._files,
            until=None,
            progress=progress,
            is_stopped=lambda: count >= self._baskets,
            night=self._night,
        )
        taken, used = monotonic() - began, time.process_time() - cpu
        self.is_complete = done.is_complete
        assert done.last is not None, "a year has baskets"
        self._last = done.last.occurred_at
        return Sample(max(1, count) / taken, cpu_ms=1_000 * used / max(1, count))

    def books(self) -> Reconciliation:
        """The books after the night of the last basket, against the data and with each other."""
        assert self._last is not None, "something has been replayed"
        now = self._last + PROBED
        self._night(now)
        with read_session(self._database, self._chain.tenant.home, now=now) as session:
            return reconcile(
                session, files=self._files, is_whole_year=self.is_complete, progress=lambda _done, _total: None
            )


def replay_measures(postgres: EmbeddedPostgres, *, baskets: int, is_whole_year: bool, tell: Tell) -> Iterator[Measure]:
    """Baskets a second of both chains in turns; then their books.

    Raises:
        BooksDiffer
    """
    some = 1 + YEAR_BASKETS // TURNS_OF_A_YEAR if is_whole_year else baskets
    with ExitStack() as stack:
        plain = ReplayedChain(
            stack, postgres, PLAIN, name="plain", baskets=some // PLAIN_PART if is_whole_year else some
        )
        grocery = ReplayedChain(stack, postgres, PROGRAM, name="grocery", baskets=some)
        chains = (plain, grocery)
        backwards = cycle((False, True))
        rings = 0

        def turn(_seconds: int) -> Sequence[Sample]:
            nonlocal rings
            step = -1 if next(backwards) else 1
            samples = [chain.run(0) for chain in chains[::step]][::step]
            rings += 1
            if is_whole_year:
                tell(f"turn {rings} of {TURNS_OF_A_YEAR}: {', '.join(f'{each.per_second:.1f}' for each in samples)}/s")
            return samples

        rounds = TURNS_OF_A_YEAR - 1 if is_whole_year else 3  # the turn that does not count is the year's first
        names = ("one plain rule", "the grocery program")
        yield Measure("the year's baskets, 1 till", "", names, turn, rounds)
        for chain in chains:
            books = chain.books()
            tell(f"{chain.name}: {books.digest}")
            tell(comparison_table(WORDS["en"], books))
            if not books.agrees:
                raise BooksDiffer(chain.name)
        if is_whole_year and not grocery.is_complete:
            raise BooksDiffer("the year is not complete")
