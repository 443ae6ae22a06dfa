"""A merchant whose every verb runs in one transaction that is never kept: thousands of lives on one database.

Each verb has a savepoint, so that a refused one leaves nothing, as when it rolls back alone. Most of a life's time is
round trips: savepoints travel with what follows them, and all that is looked at after a step is asked for at once.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from services.loyalty.holds import service as holds
from services.loyalty.holds.domain import CaptureHold, HoldMoved, HoldPoints, ReleaseHold
from services.loyalty.ledger import queries as ledger_queries
from services.loyalty.ledger import service as ledger
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.ledger.domain.settling import EVERY_STEP, GAINS
from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import RecordedPurchase, RecordPurchase
from services.loyalty.purchases.domain.changes import ClaimedPurchase, ClaimPurchase
from services.loyalty.stores.domain import Store
from services.loyalty.tiers import queries as tier_queries
from services.loyalty.tiers import tasks as tiers
from services.loyalty.transfers import service as transfers
from services.loyalty.transfers.domain import TransferPoints, TransferredPoints
from services.platform.db.engine import Database
from services.platform.db.homes import Home
from services.platform.db.questions import ask
from services.platform.db.session import BEGIN, ReadSession, Statement, UnitOfWork
from services.platform.db.transaction import ROLLBACK, Transaction
from services.platform.db.wire import Answer
from tests.support.builders.merchant import Merchant
from tests.support.state_hash import State, state_question

_ResultT = TypeVar("_ResultT")

SAVEPOINT = Statement("SAVEPOINT verb")
BACK = Statement("ROLLBACK TO SAVEPOINT verb")
RELEASE = Statement("RELEASE SAVEPOINT verb")
MANY = 100
MINUTE = timedelta(minutes=1)


class _Journey(Transaction):
    """``luggage`` travels with the next statements."""

    def __init__(self, database: Database, home: Home) -> None:
        super().__init__(database.pool, home, BEGIN, ROLLBACK)
        # No time limit on a busy machine; one life is one long transaction.
        self.luggage: list[Statement] = [Statement("SET LOCAL statement_timeout TO 0")]

    def run(self, statements: Sequence[Statement], *, is_last: bool = False) -> list[Answer]:
        first, self.luggage = self.luggage, []
        return super().run([*first, *statements], is_last=is_last)[len(first) :]

    @contextmanager
    def verb(self, *, is_kept: bool = True) -> Iterator[None]:
        self.luggage.append(SAVEPOINT)
        try:
            yield
        except BaseException:
            self._undo()
            raise
        if is_kept:
            self.luggage.append(RELEASE)
        else:
            self._undo()

    def _undo(self) -> None:
        # A failed statement waits for nothing but this.
        self.run([*self.luggage, BACK, RELEASE])


@dataclass
class PassingMerchant(Merchant):
    """See the module. `end` undoes everything and gives the connection back.

    ``told`` are all commands that were answered, each with its answer.
    """

    told: list[tuple[Callable[[UnitOfWork], Any], Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transaction = _Journey(self.database, self.home)

    @contextmanager
    def uow(self) -> Iterator[UnitOfWork]:
        with self.transaction.verb():
            yield self._uow()

    def tell(self, command: Callable[[UnitOfWork], _ResultT]) -> _ResultT:
        """Do a command, and remember it to be repeated."""
        answer = self.do(command)
        self.told.append((command, answer))
        return answer

    def record(self, command: RecordPurchase) -> RecordedPurchase:
        return self.tell(lambda uow: purchases.record_purchase(uow, command=command))

    def claim(self, store: Store, external_id: str, total_minor: int, member_id: UUID) -> ClaimedPurchase:
        key, told = self._key()
        command = ClaimPurchase("till", external_id, store.id, total_minor, "CNY", member_id, key, told)
        return self.tell(lambda uow: purchases.claim_purchase(uow, command=command))

    def hold(self, member_id: UUID, unit: str, points: int, time: timedelta) -> HoldMoved:
        command = HoldPoints(member_id, points, *self._key(), unit=unit, minutes=time // MINUTE)
        return self.tell(lambda uow: holds.hold_points(uow, command=command))

    def capture(self, hold_id: UUID, points: int, *, keeps_rest: bool) -> HoldMoved:
        command = CaptureHold(hold_id, *self._key(), points=points, keeps_rest=keeps_rest)
        return self.tell(lambda uow: holds.capture_hold(uow, command=command))

    def release(self, hold_id: UUID) -> HoldMoved:
        command = ReleaseHold(hold_id, *self._key())
        return self.tell(lambda uow: holds.release_hold(uow, command=command))

    def transfer(self, sender_id: UUID, recipient_id: UUID, unit: str, points: int) -> TransferredPoints:
        command = TransferPoints(sender_id, recipient_id, points, *self._key(), unit=unit)
        return self.tell(lambda uow: transfers.transfer_points(uow, command=command))

    def night(self) -> None:
        """What time has made due, in the order of one instant: points begin, tiers are reviewed, points end."""
        with self.uow() as uow:
            _pass_the_night(uow)

    def look(self, member_ids: Collection[UUID]) -> tuple[dict[UUID, tuple[Balance, ...]], State]:
        """Balances as they are read now, and the state that would be there if the night work ran now; it does not."""
        uow = self._uow()
        shown, stored, *due = ask(
            uow,
            [
                ledger_queries.balances_question(uow, holder_ids=member_ids),
                state_question(uow),
                ledger_queries.next_gain_question(),
                ledger_queries.next_loss_question(),
                tier_queries.next_due_question(uow),
            ],
        )
        if any(at is not None and at <= self.now for at in due):
            with self.transaction.verb(is_kept=False):
                _pass_the_night(uow)
                (stored,) = ask(uow, [state_question(uow)])
        return shown, stored

    def read(self, work: Callable[[ReadSession], _ResultT]) -> _ResultT:
        """What has been done so far is there only in the same transaction."""
        return work(ReadSession(self.home, self.now, self.transaction))

    def end(self) -> None:
        self.transaction.close()

    def _uow(self) -> UnitOfWork:
        return UnitOfWork(
            home=self.home, now=self.now, transaction=self.transaction, actor=self.actor, correlation_id="tests"
        )

    def _key(self) -> tuple[str, bytes]:
        number = next(self.numbers)
        return f"key-{number}", str(number).encode()


def told_again(answer: Any) -> Any:
    """The answer, and those in it, as they are when the command is told again."""
    values = {each.name: getattr(answer, each.name) for each in fields(answer)}
    inner = {name: told_again(value) for name, value in values.items() if is_dataclass(value)}
    return replace(answer, **inner, **({"replayed": True} if "replayed" in values else {}))


def _pass_the_night(uow: UnitOfWork) -> None:
    if gaining := ledger_queries.gaining_holders(uow, limit=MANY):
        ledger.settle_holders(uow, holder_ids=gaining, steps=GAINS)
    tiers.run_due(uow)
    if losing := ledger_queries.losing_holders(uow, limit=MANY):
        ledger.settle_holders(uow, holder_ids=losing, steps=EVERY_STEP)
