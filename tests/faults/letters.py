"""Receipts: which messages were under way when something was killed, when all is sent, and what arrived."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import LiteralString

import psycopg
from psycopg import sql

from services.platform.clock import monotonic
from services.platform.worker.broker import open_broker
from services.platform.worker.doorbell import BrokerDoorbell
from tests.faults.books import Books
from tests.faults.merchant import Merchant, key_of
from tests.faults.stack import Stack

STALLED_SECONDS = 240.0
"""So long nothing moves, and the letters count as stuck. The longest lease and two sweeps are 2 minutes."""
SENT_SECONDS_MAX = 120.0
"""From the last injury to the last letter sent: the bar."""
POLL_SECONDS = 0.1

WAITING = """
SELECT (SELECT count(*) FROM {schema}.outbox WHERE dispatched_at IS NULL)
    + (SELECT count(*) FROM {schema}.inbox WHERE state = 'pending')
    + (SELECT count(*) FROM {schema}.messages WHERE state = 'queued')"""
CLAIMED = "SELECT id::text FROM {schema}.messages WHERE state = 'queued' AND attempts > 0"
MESSAGES = "SELECT notice_key, id::text, state FROM {schema}.messages"

# The claims of whoever was killed.
EXPIRE_CLAIMS = (
    "UPDATE {schema}.messages SET leased_until = now() WHERE state = 'queued' AND id::text = ANY(%(claimed)s)",
    "UPDATE {schema}.inbox SET leased_until = now() WHERE state = 'pending' AND deliveries > 0",
)
# What nobody has claimed: no living worker is interrupted.
EXPIRE_GRACE = (
    "UPDATE {schema}.messages SET leased_until = now() WHERE state = 'queued' AND attempts = 0",
    "UPDATE {schema}.inbox SET leased_until = now() WHERE state = 'pending' AND deliveries = 0",
)
HURRY_EVERY_SECONDS = 1.0


@dataclass(slots=True)
class Letters:
    """The letters and messages of one merchant during one experiment.

    With ``is_hurried``, leases of killed workers run out at once and sweeps come when they are waited for, so that a
    test does not sit through minutes of a clock. Otherwise only the product's own scheduler does anything.
    """

    stack: Stack
    merchant: Merchant
    is_hurried: bool
    in_flight: set[str] = field(default_factory=set)

    def note_in_flight(self, *, lets_go: bool = True) -> None:
        """Call it after a kill, before the killed part can go on: what is claimed and not settled was in flight.

        ``lets_go``: in a hurried experiment its claims run out.
        """
        with psycopg.connect(self.stack.postgres.superuser_url, autocommit=True) as connection:
            claimed = [row[0] for row in connection.execute(self.in_schema(CLAIMED))]
            self.in_flight.update(claimed)
            for statement in EXPIRE_CLAIMS if self.is_hurried and lets_go else ():
                connection.execute(self.in_schema(statement), {"claimed": claimed})

    def is_sent_within(self, seconds: float) -> bool:
        """Whether nothing waits any more, at the latest after so long."""
        deadline = monotonic() + seconds
        with self._watch() as watch:
            while watch.count():
                if monotonic() > deadline:
                    return False
                watch.hurry()
                time.sleep(POLL_SECONDS)
        return True

    def sent_after(self, patience_seconds: float = SENT_SECONDS_MAX) -> float | None:
        """After how many seconds from now nothing waited any more; None if something still does."""
        began = monotonic()
        return monotonic() - began if self.is_sent_within(patience_seconds) else None

    def wait_until_sent(self) -> None:
        """Wait until nothing waits any more.

        Raises:
            TimeoutError: nothing moved for ``STALLED_SECONDS``.
        """
        with self._watch() as watch:
            best, deadline = watch.count(), monotonic() + STALLED_SECONDS
            while left := watch.count():
                if left < best:
                    best, deadline = left, monotonic() + STALLED_SECONDS
                if monotonic() > deadline:
                    raise TimeoutError(f"{left} letters and messages wait for ever")
                watch.hurry()
                time.sleep(POLL_SECONDS)

    def wait_for_more(self, mails: int, *, seconds: float) -> None:
        """Wait until the sink has taken ``mails`` more, or at least one and ``seconds`` are over.

        Raises:
            TimeoutError: it has taken none within ``STALLED_SECONDS``.
        """
        before, began = self.arrived().total(), monotonic()
        with self._watch() as watch:
            while (more := self.arrived().total() - before) < mails:
                if more and monotonic() > began + seconds:
                    return
                if monotonic() > began + STALLED_SECONDS:
                    raise TimeoutError("the worker sends nothing")
                watch.hurry()
                time.sleep(POLL_SECONDS)

    def messages(self) -> dict[str, tuple[str, str]]:
        """Of each message, by what it is about: its id and its state."""
        with psycopg.connect(self.stack.postgres.superuser_url, autocommit=True) as connection:
            rows = connection.execute(self.in_schema(MESSAGES)).fetchall()
        return {notice_key: (message_id, state) for notice_key, message_id, state in rows}

    def arrived(self) -> Counter[str]:
        """How often the sink took each Message-ID of the merchant's members; the part before the @."""
        domain = f"@{self.merchant.slug}.test"
        return Counter(
            mail.message_id.strip("<>").partition("@")[0]
            for mail in self.stack.mailbox.messages()
            if mail.recipient.endswith(domain)
        )

    @contextmanager
    def _watch(self) -> "Iterator[_Watch]":
        with (
            psycopg.connect(self.stack.postgres.superuser_url, autocommit=True) as connection,
            closing(open_broker(self.stack.valkey.url)) as broker,
            closing(BrokerDoorbell(broker)) as doorbell,
        ):
            yield _Watch(self, connection, doorbell)

    def in_schema(self, statement: LiteralString) -> sql.Composed:
        """The statement on the merchant's tables."""
        return sql.SQL(statement).format(schema=sql.Identifier(self.merchant.schema))


@dataclass(slots=True)
class _Watch:
    """Looks at what waits, and makes time pass for it."""

    letters: Letters
    connection: psycopg.Connection[tuple[object, ...]]
    doorbell: BrokerDoorbell
    hurried_at: float = 0.0

    def count(self) -> int:
        """Letters and messages that wait."""
        row = self.connection.execute(self.letters.in_schema(WAITING)).fetchone()
        assert row is not None
        return int(str(row[0]))

    def hurry(self) -> None:
        """Let grace run out and the sweeps come, where the experiment is hurried, once a second."""
        if self.letters.is_hurried and monotonic() > self.hurried_at + HURRY_EVERY_SECONDS:
            self.hurried_at = monotonic()
            for statement in EXPIRE_GRACE:
                self.connection.execute(self.letters.in_schema(statement))
            for task in ("sweep_letters", "sweep_messages"):
                self.doorbell.ring(task)


@dataclass(slots=True)
class Receipts:
    """What became of the messages."""

    accepted: int
    missing: list[str]
    strangers: list[str]
    """Message-IDs at the sink that belong to no message."""
    repeats: int
    unexplained: list[str]
    """Repeats of messages that were not in flight at any kill."""


def check_receipts(letters: Letters, books: Books) -> Receipts:
    """Compare what had to be told with what the sink took."""
    messages, arrived = letters.messages(), letters.arrived()
    accepted = {notice: message_id for notice, (message_id, _) in messages.items() if arrived[message_id]}
    known = {message_id for message_id, _ in messages.values()}
    repeated = {message_id: times - 1 for message_id, times in arrived.items() if times > 1}
    return Receipts(
        accepted=len(accepted),
        missing=sorted(set(_notices(books)) - set(accepted)),
        strangers=sorted(set(arrived) - known),
        repeats=sum(repeated.values()),
        unexplained=sorted(set(repeated) - letters.in_flight),
    )


def _notices(books: Books) -> Iterable[str]:
    """What had to be told: each purchase, refund and redemption, of members who all have an address."""
    for kind, rows in (("purchase", books.purchases), ("refund", books.refunds)):
        for row in (row for same in rows.values() for row in same):
            yield f"{kind}:{key_of(row['id'])}"
    for redemptions in books.redemptions.values():
        for redemption_id in redemptions:
            yield f"redemption:{key_of(redemption_id)}"
