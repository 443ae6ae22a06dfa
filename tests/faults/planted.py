"""Planted faults: the product with one promise broken, to show that the checkers see it.

Run as ``python -m tests.faults.planted FAULT -- COMMAND …`` in the place of ``python -m services.cli COMMAND …``;
several faults are joined by ``+``.
The product itself holds no fault: its functions are replaced here, before the process begins its work.
"""

import dataclasses
import functools
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from psycopg.types.json import Jsonb

from tests.faults import unlimited, weakened

PAUSE_SECONDS = 0.25
LETTER_PAUSE_SECONDS = 1.5
"""How long the window stays open in which a kill shows the fault."""

OUTLIVES_SECONDS = 25.0
"""How long an inherited connection stays: longer than the bar allows, and not for ever."""
DESCRIPTORS_MAX = 4_096

KEPT_ONE_IN, KEPT_MAX = 40, 4
"""Connections that are kept: more than log-ins leave unused, and so few that the product goes on."""

Replace = Callable[[Any], Any]


def _replace(owner: object, name: str, make: Replace) -> None:
    """Put something in the place of ``owner.name``; a name that is no longer there is an error, not a silent pass."""
    setattr(owner, name, make(getattr(owner, name)))


def acknowledge_before_commit() -> None:
    """The gateway answers tills when the work is done, and commits a moment later."""
    from services.gateway.execution.operation import Operation  # noqa: PLC0415  after the choice of the fault
    from services.platform.actors import ActorKind  # noqa: PLC0415  as above
    from services.platform.db.transaction import Transaction  # noqa: PLC0415  as above

    def apart(run: Any) -> Any:
        def without_commit(self: Transaction, statements: Any, *, is_last: bool = False) -> Any:
            return run(self, statements, is_last=is_last and not statements)

        return without_commit

    _replace(Transaction, "run", apart)

    def make(commit: Any) -> Any:
        def early(self: Operation, work: Any, home: Any) -> Any:
            if self.principal.actor.kind is not ActorKind.KEY:
                return commit(self, work, home)  # the owner who prepares the merchant reads what was just written
            outcome: Future[Any] = Future()

            def dawdle(uow: Any) -> Any:
                outcome.set_result(work(uow))
                time.sleep(PAUSE_SECONDS)
                return outcome.result()

            def run() -> None:
                try:
                    commit(self, dawdle, home)
                except BaseException as error:  # noqa: BLE001  handed to whoever waits
                    if not outcome.done():
                        outcome.set_exception(error)

            threading.Thread(target=run, daemon=True).start()
            return outcome.result()

        return early

    _replace(Operation, "_commit", make)


def forget_the_claim() -> None:
    """Keys are neither looked for nor kept; and an answer takes its time after the commit."""
    from services.platform.idempotency import service  # noqa: PLC0415  before anybody takes its statements

    _replace(service, "CLAIM", lambda _: "SELECT %(key)s::text AS key, %(operation)s::text, %(now)s::timestamptz")
    _replace(service, "SETTLE", lambda _: "SELECT %(result)s::jsonb, %(operation)s::text, %(key)s::text")
    from services.gateway.execution.operation import Operation  # noqa: PLC0415  after the statements

    def make(commit: Any) -> Any:
        def late(self: Operation, work: Any, home: Any) -> Any:
            value = commit(self, work, home)
            time.sleep(PAUSE_SECONDS)
            return value

        return late

    _replace(Operation, "_commit", make)


def check_keys_in_a_transaction_of_their_own() -> None:
    """A key is looked up before the work, and kept after it in a second transaction."""
    from services.platform.db.session import Statement  # noqa: PLC0415  after the choice of the fault
    from services.platform.idempotency import service  # noqa: PLC0415  before anybody takes its functions

    waiting = threading.local()
    _replace(
        service,
        "CLAIM",
        lambda _: (
            "SELECT asked.key FROM (SELECT %(key)s::text AS key, %(operation)s::text AS operation) AS asked"
            " WHERE NOT EXISTS (SELECT FROM idempotency_keys AS known"
            " WHERE known.operation = asked.operation AND known.key = asked.key)"
        ),
    )

    def remember(claim_statement: Any) -> Any:
        @functools.wraps(claim_statement)
        def wrapped(uow: Any, **facts: Any) -> Any:
            waiting.values = {**facts, "now": uow.now}
            return claim_statement(uow, **facts)

        return wrapped

    def postpone(_: Any) -> Any:
        def wrapped(*, operation: str, key: str, result: Any) -> Any:
            waiting.values |= {"result": Jsonb(result)}
            return Statement("SELECT %(operation)s::text, %(key)s::text", {"operation": operation, "key": key})

        return wrapped

    _replace(service, "claim_statement", remember)
    _replace(service, "settle_statement", postpone)
    from services.gateway.execution.operation import Operation  # noqa: PLC0415  after the statements

    keep = """
    INSERT INTO idempotency_keys (operation, key, request_hash, result, created_at)
    VALUES (%(operation)s, %(key)s, %(request_hash)s, %(result)s, %(now)s) ON CONFLICT DO NOTHING"""

    def make(commit: Any) -> Any:
        def twice(self: Operation, work: Any, home: Any) -> Any:
            waiting.values = {}
            value = commit(self, work, home)
            if "result" in waiting.values:
                values = waiting.values
                commit(self, lambda uow: uow.execute(keep, values), home)
            return value

        return twice

    _replace(Operation, "_commit", make)


def let_a_connection_outlive_the_process() -> None:
    """A connection to PostgreSQL stays open for a while after the gateway was killed: a child has inherited it."""
    from services.gateway.execution.operation import Operation  # noqa: PLC0415  after the choice of the fault
    from services.platform.actors import ActorKind  # noqa: PLC0415  as above

    first = threading.Lock()

    def make(commit: Any) -> Any:
        def inherited(self: Operation, work: Any, home: Any) -> Any:
            connections: list[int] = []

            def note(uow: Any) -> Any:
                connections.append(uow.connection.fileno())
                return work(uow)

            value = commit(self, note, home)
            is_till = self.principal.actor.kind is ActorKind.KEY  # whoever prepares the merchant comes too early
            if is_till and first.acquire(blocking=False) and os.fork() == 0:
                os.setsid()  # whoever sweeps up after the gateway does not find it
                os.closerange(0, connections[-1])
                os.closerange(connections[-1] + 1, DESCRIPTORS_MAX)
                time.sleep(OUTLIVES_SECONDS)
                os._exit(0)
            return value

        return inherited

    _replace(Operation, "_commit", make)


def new_message_id_each_time() -> None:
    """Every attempt to send goes out under a Message-ID of its own."""
    from services.notifications.messages import tasks  # noqa: PLC0415  after the choice of the fault
    from services.platform.ids import new_id  # noqa: PLC0415  as above

    def make(email: Any) -> Any:
        def fresh(*args: Any, **named: Any) -> Any:
            return dataclasses.replace(email(*args, **named), message_id_header=f"<{new_id()}@regulars.localhost>")

        return fresh

    _replace(tasks, "_email", make)


def send_everything_twice() -> None:
    """Each attempt hands the message over twice."""
    from services.notifications.messages import tasks  # noqa: PLC0415  after the choice of the fault

    def make(send: Any) -> Any:
        def twice(*args: Any, **named: Any) -> Any:
            send(*args, **named)
            return send(*args, **named)

        return twice

    _replace(tasks, "send", make)


def sent_before_sending() -> None:
    """A message is settled as sent, and then handed to the mail server."""
    from services.notifications.channels.domain import Accepted  # noqa: PLC0415  after the choice of the fault
    from services.notifications.messages import service, tasks  # noqa: PLC0415  as above

    def claim_and_settle(claim_message: Any) -> Any:
        def hopeful(uow: Any, message_id: Any) -> Any:
            message = claim_message(uow, message_id)
            if message is not None:
                service.settle_sent(uow, message, Accepted("hoped for"))
            return message

        return hopeful

    def dawdle(send: Any) -> Any:
        def late(*args: Any, **named: Any) -> Any:
            # Long beside the watching of the mailbox, so that the kill always falls before some sending.
            time.sleep(LETTER_PAUSE_SECONDS)
            return send(*args, **named)

        return late

    _replace(tasks, "claim_message", claim_and_settle)
    _replace(tasks, "send", dawdle)


def nobody_sweeps() -> None:
    """Nothing looks for letters and messages whose rings were lost."""
    from services.notifications.messages import tasks as messages  # noqa: PLC0415  after the choice of the fault
    from services.platform.worker import letters  # noqa: PLC0415  as above

    def make(tasks: Any) -> Any:
        def idle(*_: object, **__: object) -> None:
            """Nothing."""

        return tuple(dataclasses.replace(task, run=idle) if "sweep" in task.name else task for task in tasks)

    _replace(letters, "TASKS", make)
    _replace(messages, "sweep_messages", lambda _: lambda *_args, **_named: None)


def a_failed_ring_fails_its_caller() -> None:
    """Whoever publishes a letter waits for the broker, and hears of its troubles."""
    from services.platform.worker.doorbell import BrokerDoorbell  # noqa: PLC0415  after the choice of the fault

    def make(_: Any) -> Any:
        def nudge(self: BrokerDoorbell, home: Any) -> None:
            if not self.ring("dispatch_outbox", tenant_id=str(home.tenant_id) if home.tenant_id else None):
                raise ConnectionError("the broker is away")

        return nudge

    _replace(BrokerDoorbell, "nudge", make)


def keep_some_connections() -> None:
    """A few connections never come back to the pool."""
    from services.platform.db.pool import Pool  # noqa: PLC0415  after the choice of the fault

    calls = itertools.count(1)
    kept: list[tuple[Any, ...]] = []

    def make(give_back: Any) -> Any:
        def forgetful(*args: Any) -> None:
            if next(calls) % KEPT_ONE_IN or len(kept) == KEPT_MAX:
                give_back(*args)
            else:
                kept.append(args)

        return forgetful

    _replace(Pool, "give_back", make)


def take_refused_writes_for_bugs() -> None:
    """The states of a server that only reads, or whose disk is full, are nothing that heals."""
    from services.gateway.execution import healing  # noqa: PLC0415  after the choice of the fault

    _replace(healing, "_TRANSIENT_STATES", lambda states: states - {"25006", "53100"})


def keep_the_first_path() -> None:
    """A connection looks for tables where the first tenant that it worked for has them."""
    from services.platform.db.session import Statement  # noqa: PLC0415  after the choice of the fault
    from services.platform.db.transaction import Transaction  # noqa: PLC0415  as above

    known: set[object] = set()

    def make(init: Any) -> Any:
        def sticky(self: Any, pool: Any, home: Any, beginning: str, ending: str) -> None:
            init(self, pool, home, beginning, ending)
            driver = self._lent.driver
            if home.tenant_id is not None and driver not in known:
                known.add(driver)
                driver.execute(f"SET search_path TO {home.schema}")
            self._opening = (Statement(beginning), Statement("SELECT 1"))

        return sticky

    _replace(Transaction, "__init__", make)


def add_roll_ups() -> None:
    """A sum that is rolled up again is added to what was there."""
    from services.billing.metering import repository  # noqa: PLC0415  after the choice of the fault

    absolute, added = "quantity = EXCLUDED.quantity", "quantity = usage_rollups.quantity + EXCLUDED.quantity"
    _replace(repository, "STORE", lambda statement: statement.replace(absolute, added))


def quiet_meter() -> None:
    """No fault: the cost of reads is written at the end alone, so that a command's statements are the only ones."""
    from services.platform.metering import cost  # noqa: PLC0415  before the meter runs

    _replace(cost, "FLUSH_SECONDS", lambda _: 86_400.0)


def tell_exceptions_in_full() -> None:
    """Logs repeat what exceptions say."""
    from services.platform.telemetry import failures  # noqa: PLC0415  after the choice of the fault

    _replace(failures, "_message", lambda _: str)


def repeat_what_was_sent() -> None:
    """Errors about a query repeat its values."""
    from services.gateway.graphql import answers  # noqa: PLC0415  as above

    _replace(answers, "_without_values", lambda _: str)


def put_variables_into_spans() -> None:
    """Spans hold what was sent."""
    from services.gateway.graphql import endpoint  # noqa: PLC0415  as above
    from services.platform.telemetry import traces  # noqa: PLC0415  as above

    def make(read_request: Any) -> Any:
        def telling(*given: Any) -> Any:
            traces.span("request", sent=str(given)).end()
            return read_request(*given)

        return telling

    _replace(endpoint, "read_request", make)


FAULTS: Mapping[str, Callable[[], None]] = {
    "acknowledge-before-commit": acknowledge_before_commit,
    "forget-the-claim": forget_the_claim,
    "keys-in-own-transaction": check_keys_in_a_transaction_of_their_own,
    "connection-outlives": let_a_connection_outlive_the_process,
    "new-message-id": new_message_id_each_time,
    "send-twice": send_everything_twice,
    "sent-before-sending": sent_before_sending,
    "no-sweep": nobody_sweeps,
    "connections-kept": keep_some_connections,
    "unknown-states": take_refused_writes_for_bugs,
    "sticky-path": keep_the_first_path,
    "added-roll-ups": add_roll_ups,
    "quiet-meter": quiet_meter,
    "failing-rings": a_failed_ring_fails_its_caller,
    "exceptions-in-full": tell_exceptions_in_full,
    "echo": repeat_what_was_sent,
    "variables-in-spans": put_variables_into_spans,
    **weakened.FAULTS,
    **unlimited.FAULTS,
}


def main(words: list[str]) -> None:
    """Break the promise, then become the product's command."""
    fault, separator, *command = words
    assert separator == "--", "usage: FAULT -- COMMAND …"
    from tests.faults import planted_live  # noqa: PLC0415  it builds on this module

    for name in fault.split("+"):
        {**FAULTS, **planted_live.FAULTS}[name]()
    from services.cli.__main__ import app  # noqa: PLC0415  after the fault is in place

    app(command)


if __name__ == "__main__":
    main(sys.argv[1:])
