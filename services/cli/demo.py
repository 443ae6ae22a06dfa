"""The demo: a real grocery chain's year, replayed."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.cli.composition import Opened, complaints, console, opened, settings_or_exit
from services.cli.surroundings import reachable_servers
from services.demo.access import OWNER_EMAIL, read_access
from services.demo.chain import NAME, SLUG, Chain, demo_tenant, make_chain, move_clock
from services.demo.dataset import CURRENCY, SHOP_ZONE, DatasetFiles, DatasetMissing, installed_dataset
from services.demo.errors import DatabaseLost, DemoMissing, DemoOfAnotherHome
from services.demo.examples import example_operations
from services.demo.nights import nights
from services.demo.reconciliation import MONEY, Comparison, Reconciliation, reconcile
from services.demo.replay import Replayed, replay
from services.demo.status import ProgressNote, StatusBoard
from services.demo.words import WORDS, Words, language_of
from services.gateway.graphql.ids import encode
from services.gateway.pages import Credential, Demo, Example
from services.platform.clock import monotonic, wall_now
from services.platform.config import Settings
from services.platform.db.engine import Database
from services.platform.db.session import read_session
from services.platform.money import Money
from services.platform.tenancy.domain import Tenant

FIRST_UNTIL = datetime(2017, 1, 16, tzinfo=ZoneInfo(SHOP_ZONE)).astimezone(UTC)
"""What is loaded without being asked for more: 6,150 baskets of two weeks. `run` answers while they are loaded."""
AFTERWARDS = timedelta(minutes=1)
"""How long after the last basket the chain's clock goes on."""
INTERRUPTED = 130
"""The exit code that shells give to a command ended by Ctrl-C."""


def demo(
    whole_year: Annotated[
        bool, typer.Option("--all", help="The whole year, reconciled, and replayed again to show that nothing changes.")
    ] = False,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day that is not loaded, in 2017.")
    ] = None,
    verify_only: Annotated[bool, typer.Option("--verify-only", help="Load nothing; compare what is there.")] = False,
) -> None:
    """Make the demo chain, ring up its baskets and compare the books. Safe to stop and to run again."""
    words = WORDS[language_of(os.environ)]
    with (
        reachable_servers() as environ,
        opened(settings_or_exit(environ), pool_size=2) as servers,
        _until_interrupted() as is_stopped,
    ):
        run = DemoRun(servers, words, is_stopped)
        try:
            files = installed_dataset()
            if verify_only:
                tenant = demo_tenant(servers.database)
                agrees = run.compare(tenant, files, is_whole_year=whole_year).agrees
            else:
                agrees = run.load(files, until=_end(until, is_whole_year=whole_year), is_whole_year=whole_year)
        except DatasetMissing as error:
            complaints.print(words.dataset_missing.format(missing=error.file or error.package))
            raise typer.Exit(2) from error
        except DemoOfAnotherHome as error:
            complaints.print(words.other_home.format(slug=error.slug, home=error.home))
            raise typer.Exit(2) from error
        except DatabaseLost as error:
            complaints.print(words.database_lost.format(recorded=error.recorded))
            raise typer.Exit(2) from error
        except DemoMissing as error:
            complaints.print(words.no_demo)
            raise typer.Exit(2) from error
    if not agrees:
        raise typer.Exit(1)


class DemoRun:
    """One run of the command: its servers, its language and its Ctrl-C."""

    def __init__(self, servers: Opened, words: Words, is_stopped: Callable[[], bool]) -> None:
        self._servers = servers
        self._database = servers.database
        self._words = words
        self._is_stopped = is_stopped

    def load(self, files: DatasetFiles, *, until: datetime | None, is_whole_year: bool) -> bool:
        """Make the chain, ring up its baskets and compare the books; whether they agree."""
        words, settings = self._words, self._servers.settings
        console.print(words.source)
        with console.status(words.making):
            chain = make_chain(self._database, direct_url=settings.direct_database_url, home=settings.home, files=files)
        chain = replace(chain, tenant=self._replay(chain, files, until=until))
        books = self.compare(chain.tenant, files, is_whole_year=is_whole_year)
        is_unchanged = self._replay_again(chain, files, books) if is_whole_year else True
        self._say_where_to_go(chain)
        return books.agrees and is_unchanged

    def compare(self, tenant: Tenant, files: DatasetFiles, *, is_whole_year: bool) -> Reconciliation:
        """Compare the books and show the table."""
        with (
            read_session(self._database, tenant.home, now=tenant.now(wall_now())) as session,
            _bar(self._words.recounting) as progress,
        ):
            books = reconcile(session, files=files, is_whole_year=is_whole_year, progress=progress)
        console.print(comparison_table(self._words, books))
        console.print(self._words.books_agree if books.agrees else f"[red]{self._words.books_differ}[/red]")
        return books

    def _replay(self, chain: Chain, files: DatasetFiles, *, until: datetime | None) -> Tenant:
        """Ring up the baskets; the tenant, whose clock has moved."""
        words, note, started = self._words, ProgressNote(self._servers.settings.home), monotonic()
        try:
            with _bar(words.loading) as progress:

                def both(done: int, total: int) -> None:
                    progress(done, total)
                    note.note(done, total)

                night = nights(self._database, chain.tenant)
                done = replay(
                    self._database,
                    chain,
                    files=files,
                    until=until,
                    progress=both,
                    is_stopped=self._is_stopped,
                    night=night,
                )
        finally:
            note.clear()
        tenant = chain.tenant
        if done.last:
            tenant = move_clock(self._database, chain.tenant, now=done.last.occurred_at + AFTERWARDS)
            night(tenant.now(wall_now()))
        self._leave_if_stopped(done)
        seconds = monotonic() - started
        console.print(
            words.loaded.format(
                recorded=done.recorded,
                enrolled=done.enrolled,
                redeemed=done.redeemed,
                seconds=seconds,
                rate=done.recorded / seconds,
                now=tenant.now(wall_now()).astimezone(ZoneInfo(SHOP_ZONE)).strftime("%Y-%m-%d %H:%M"),
            )
        )
        return tenant

    def _replay_again(self, chain: Chain, files: DatasetFiles, books: Reconciliation) -> bool:
        """Replay everything once more; whether nothing changed by it."""
        words = self._words
        with _bar(words.repeating) as progress:
            done = replay(
                self._database,
                chain,
                files=files,
                until=None,
                from_start=True,
                progress=progress,
                is_stopped=self._is_stopped,
            )
        self._leave_if_stopped(done)
        with (
            read_session(self._database, chain.tenant.home, now=chain.tenant.now(wall_now())) as session,
            _bar(words.recounting) as progress,
        ):
            after = reconcile(session, files=files, is_whole_year=True, progress=progress)
        if after.digest == books.digest and done.recorded == 0:
            console.print(words.nothing_changed.format(repeated=done.repeated, digest=after.digest))
            return True
        complaints.print(
            words.something_changed.format(before=books.digest, after=after.digest, recorded=done.recorded)
        )
        return False

    def _leave_if_stopped(self, done: Replayed) -> None:
        if not done.is_complete:
            complaints.print(self._words.stopped.format(recorded=done.recorded))
            raise typer.Exit(INTERRUPTED)

    def _say_where_to_go(self, chain: Chain) -> None:
        words, base_url = self._words, self._servers.settings.base_url
        assert chain.access.till is not None
        for label, value in (
            (words.where, f"{base_url}/  {base_url}/graphiql"),
            (words.log_in, OWNER_EMAIL),
            (words.credential, chain.access.password),
            (words.api_key, chain.access.till.secret),
            (words.tenant, SLUG),
        ):
            # Whole, however narrow the terminal: people copy them.
            console.print(f"[bold]{label}[/bold]: {value}", soft_wrap=True, highlight=False)
        console.print(words.examples.format(url=f"{base_url}/graphql"), markup=False, soft_wrap=True)
        with read_session(self._database, chain.tenant.home, now=chain.tenant.now(wall_now())) as session:
            operations = example_operations(session, encode_id=encode)
        for operation in operations:
            console.rule(operation.name_zh if words is WORDS["zh"] else operation.name_en, align="left")
            console.print(operation.query, markup=False, highlight=False, soft_wrap=True)
            variables = json.dumps(dict(operation.variables), ensure_ascii=False)
            console.print(variables, markup=False, highlight=False, soft_wrap=True)


def comparison_table(words: Words, books: Reconciliation) -> Table:
    """What was expected beside what was found."""
    name, expected, found, verdict = words.columns
    table = Table(name)
    table.add_column(expected, justify="right")
    table.add_column(found, justify="right")
    table.add_column(verdict)
    for comparison in books.comparisons:
        table.add_row(
            words.subjects[comparison.subject],
            _shown(comparison, comparison.expected),
            _shown(comparison, comparison.found),
            f"[green]{words.right}[/green]" if comparison.agrees else f"[bold red]{words.wrong}[/bold red]",
        )
    return table


def _shown(comparison: Comparison, value: int) -> str:
    return f"${Money(value, CURRENCY).major():,}" if comparison.subject in MONEY else f"{value:,}"


def _end(until: datetime | None, *, is_whole_year: bool) -> datetime | None:
    if is_whole_year:
        return None
    return until.replace(tzinfo=ZoneInfo(SHOP_ZONE)).astimezone(UTC) if until else FIRST_UNTIL


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; the function moves it to so many done of so many in all."""
    columns = (
        TextColumn(title),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, refresh_per_second=4) as progress:
        task = progress.add_task(title, total=None, rate="")

        def move(done: int, total: int) -> None:
            speed = progress.tasks[task].speed
            progress.update(task, completed=done, total=total, rate=f"{speed:.0f}/s" if speed else "")

        yield move


@contextmanager
def _until_interrupted() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed. The second one ends the process where it stands, which loses nothing either."""
    pressed = threading.Event()

    def press(_number: int, _frame: FrameType | None) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


class LandingPage:
    """What the pages of the gateway say about the demo. Nothing in production: the pages are open to everybody."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._board: StatusBoard | None = None

    def demo(self) -> Demo | None:
        """The demo for the welcome page; None while there is none."""
        board = self._found()
        if board is None:
            return None
        status = board.status()
        return {
            "name": NAME,
            "state": "ready" if status.progress is None else "loading",
            "progress": status.progress,
            "members": status.totals.members,
            "purchases": status.totals.purchases,
            "points": status.totals.points,
            "source": {language: words.source for language, words in WORDS.items()},
            "credentials": self._credentials(),
        }

    def examples(self) -> list[Example]:
        """The operations that GraphiQL opens; none while there is no demo."""
        board = self._found()
        if board is None:
            return []
        with read_session(self._database, board.tenant.home, now=board.tenant.now(wall_now())) as session:
            operations = example_operations(session, encode_id=encode)
        return [
            {
                "name": {"en": operation.name_en, "zh": operation.name_zh},
                "query": operation.query,
                "variables": dict(operation.variables),
            }
            for operation in operations
        ]

    def _found(self) -> StatusBoard | None:
        if self._board is None and self._settings.environment == "development":
            with suppress(DemoMissing):
                self._board = StatusBoard(self._database, demo_tenant(self._database), home=self._settings.home)
        return self._board

    def _credentials(self) -> list[Credential]:
        access = read_access(self._settings.home)
        if access is None or access.till is None:
            return []
        return [
            {"label": {language: words.log_in for language, words in WORDS.items()}, "value": OWNER_EMAIL},
            {"label": {language: words.credential for language, words in WORDS.items()}, "value": access.password},
            {"label": {language: words.api_key for language, words in WORDS.items()}, "value": access.till.secret},
            {"label": {language: words.tenant for language, words in WORDS.items()}, "value": SLUG},
        ]
