"""The worked examples of docs/guides/reversal.md."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from services.loyalty.earning.domain import (
    AmountRefund,
    LineRefund,
    PurchaseLine,
    RefundRequest,
    RefundState,
    ReturnedLine,
    apply_refund,
    evaluate,
    freeze,
    remaining_lines,
    standing,
)
from services.loyalty.ledger.domain import Lot, LotOrigin, LotState, allocate_clawback
from services.loyalty.programs.domain import Cap, CapPeriod, EarnRule, Policies, RefundPolicy
from tests.support.builders.programs import NOON, line, program, sale, spend

GUIDE = Path(__file__).parents[4] / "docs/guides/reversal.md"


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    section = GUIDE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def minor(text: str) -> int:
    return int(Decimal(text) * 100)


def rule_of(text: str) -> EarnRule:
    formula, _, limit = text.partition(" at most ")
    points, per = formula.split("/")
    caps = (Cap(int(limit), CapPeriod.DAY),) if limit else ()
    return spend(points=int(points), per=minor(per), caps=caps)


def request_of(text: str) -> RefundRequest:
    if text.endswith(" x"):
        return LineRefund((ReturnedLine(int(text.removesuffix(" x")), Decimal(1)),))
    return AmountRefund(minor(text))


@pytest.mark.parametrize("row", table("What stands"), ids=" ".join)
def test_what_stands(row: list[str]) -> None:
    policy, rule, bought, returned, earned, stands = row
    document = program(rule_of(rule), policies=Policies(refund=RefundPolicy(policy)))
    lines: list[PurchaseLine] = [line(place, minor(text)) for place, text in enumerate(bought.split(", "), start=1)]
    event = sale(*lines)
    evaluation = evaluate(document, event, tier_code="basic", cap_used={})
    frozen = freeze(evaluation, event, program_version_id=UUID(int=1))
    state = RefundState()

    for text in returned.split(", "):
        state = apply_refund(lines, state, request_of(text)).state

    kept = standing(document, frozen, remaining=remaining_lines(lines, state))
    assert (evaluation.points, sum(kept.values())) == (int(earned), int(stands))


@pytest.mark.parametrize("row", table("Where the points come from"), ids=" ".join)
def test_where_the_points_come_from(row: list[str]) -> None:
    asked, ended, pending, own, others, may_owe, *expected = map(int, row)

    result = allocate_clawback(
        [*lots(1, pending, LotState.PENDING), *lots(2, own, LotState.ACTIVE)],
        lots(3, others, LotState.ACTIVE),
        asked,
        own_lapsed=ended,
        owing_room=may_owe,
    )

    assert [result.lapsed, result.taken, result.owed, result.shortfall] == expected


def lots(number: int, amount: int, state: LotState) -> list[Lot]:
    starts = NOON + timedelta(days=1 if state is LotState.PENDING else -1)
    if not amount:
        return []
    origin = LotOrigin("purchase", UUID(int=9))
    return [Lot(UUID(int=number), UUID(int=8), "points", amount, amount, starts, None, state, origin)]
