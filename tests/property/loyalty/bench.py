"""A merchant whose every verb runs in one transaction that is never kept: thousands of lives on one database.

Each verb has a savepoint, so that a refused one leaves nothing, as when it rolls back alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from services.loyalty.purchases import service as purchases
from services.loyalty.purchases.domain import RecordedPurchase, RecordPurchase
from services.platform.db.session import BEGIN, ReadSession, UnitOfWork
from services.platform.db.transaction import ROLLBACK, Transaction
from tests.support.builders.merchant import Merchant

_ResultT = TypeVar("_ResultT")

SAVEPOINT = "SAVEPOINT verb"
BACK = "ROLLBACK TO SAVEPOINT verb"
RELEASE = "RELEASE SAVEPOINT verb"


@dataclass
class PassingMerchant(Merchant):
    """See the module. `end` undoes everything and gives the connection back."""

    def __post_init__(self) -> None:
        self.transaction = Transaction(self.database.pool, self.home, BEGIN, ROLLBACK)

    @contextmanager
    def uow(self) -> Iterator[UnitOfWork]:
        uow = UnitOfWork(
            home=self.home, now=self.now, transaction=self.transaction, actor=self.actor, correlation_id="tests"
        )
        uow.execute(SAVEPOINT)
        try:
            yield uow
        except BaseException:
            uow.execute(BACK)
            raise
        else:
            uow.execute(RELEASE)

    def record(self, command: RecordPurchase) -> RecordedPurchase:
        return self.do(lambda uow: purchases.record_purchase(uow, command=command))

    def read(self, work: Callable[[ReadSession], _ResultT]) -> _ResultT:
        """What has been done so far is there only in the same transaction."""
        return work(ReadSession(self.home, self.now, self.transaction))

    def end(self) -> None:
        self.transaction.close()
