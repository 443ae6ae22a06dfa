from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from services.loyalty.tiers import repository
from services.loyalty.tiers.domain import Amount, Ladder, TierRecord
from services.loyalty.tiers.service import Counted, writing_statements
from services.platform.actors import SYSTEM
from services.platform.db.session import UnitOfWork
from tests.unit.loyalty.documents import document

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
LADDER = Ladder.of(document())
FIRST, SECOND, THIRD = (Amount(UUID(int=number), "points", date(2026, 11, 1), NOW, 10) for number in (1, 2, 3))
SMALLER = FIRST._replace(points=4)


@pytest.mark.parametrize(
    ("after", "written", "forgotten"),
    [
        ((FIRST, SECOND, THIRD), [THIRD], []),
        ((SMALLER, SECOND), [SMALLER], []),
        ((SECOND,), [], [FIRST]),
        ((SECOND, THIRD), [THIRD], [FIRST]),
        ((SECOND, FIRST, THIRD), [THIRD], []),
        ((FIRST, SECOND, SMALLER), [SMALLER], []),
    ],
)
def test_only_amounts_that_changed_are_written(
    after: tuple[Amount, ...], written: list[Amount], forgotten: list[Amount]
) -> None:
    nowhere: Any = None  # nothing here asks the database
    uow = UnitOfWork(home=nowhere, now=NOW, transaction=nowhere, actor=SYSTEM, correlation_id="")
    member_id = UUID(int=9)
    before = TierRecord(tier_code="basic", since=NOW, decided_at=NOW, amounts=(FIRST, SECOND))
    counted = Counted(member_id, before, replace(before, amounts=after, points_earned=1))

    statements = writing_statements(uow, LADDER, [counted])

    rows = {each.query: each.values["rows"].obj for each in statements}
    assert rows.get(repository.WRITE_AMOUNTS, []) == [repository.amount_row(member_id, each) for each in written]
    assert rows.get(repository.FORGET_AMOUNTS, []) == [repository.amount_row(member_id, each) for each in forgotten]
