"""Any split of refunds ends the same; what was bought and fully returned was never there."""

from decimal import Decimal
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from services.loyalty.earning.domain import (
    AmountRefund,
    FullRefund,
    LineRefund,
    PurchaseLine,
    RefundRequest,
    RefundState,
    ReturnedLine,
    apply_refund,
    evaluate,
    freeze,
    kept_keys,
    refundable_minor,
    refunded_minor,
    remaining_lines,
    returnable,
    standing,
)
from services.loyalty.earning.errors import (
    NothingLeftToRefund,
    RefundBelowZero,
    RefundExceedsPurchase,
    RefundQuantityExceedsLine,
)
from services.loyalty.programs.domain import ProgramDocument
from tests.property.loyalty.strategies import baskets, documents
from tests.support.builders.programs import sale

Lines = tuple[PurchaseLine, ...]


@st.composite
def requests(draw: st.DrawFn, lines: Lines) -> RefundRequest:
    if draw(st.booleans()):
        return AmountRefund(draw(st.integers(1, 6_000)))
    chosen = draw(st.lists(st.sampled_from(lines), min_size=1, max_size=3, unique_by=lambda line: line.position))
    quarters = [draw(st.integers(1, 4)) for _ in chosen]
    return LineRefund(
        tuple(
            ReturnedLine(line.position, (returnable(line) * part / 4).quantize(Decimal("0.0001")))
            for line, part in zip(chosen, quarters, strict=True)
        )
    )


def run(lines: Lines, wishes: list[RefundRequest]) -> tuple[RefundState, list[RefundRequest]]:
    """The state after the wishes that are not refused, and those."""
    state, done = RefundState(), []
    for wish in wishes:
        try:
            state = apply_refund(lines, state, wish).state
        except (RefundExceedsPurchase, RefundBelowZero, RefundQuantityExceedsLine):
            continue
        done.append(wish)
    return state, done


@st.composite
def histories(draw: st.DrawFn, *, negative: bool = True) -> tuple[Lines, list[RefundRequest]]:
    lines = draw(baskets(negative=negative))
    return lines, draw(st.lists(requests(lines), max_size=6))


@given(histories())
def test_money_sums_and_never_exceeds_what_was_paid(history: tuple[Lines, list[RefundRequest]]) -> None:
    lines, wishes = history
    total = sum(line.net_minor for line in lines)
    state, paid = RefundState(), 0
    for wish in run(lines, wishes)[1]:
        outcome = apply_refund(lines, state, wish)
        state, paid = outcome.state, paid + outcome.refunded_minor

        assert outcome.refunded_minor == sum(line.refunded_minor for line in outcome.lines)
        assert min(0, total) <= paid <= max(0, total)
        assert paid == refunded_minor(lines, state)
        assert sum(line.net_minor for line in outcome.remaining) == total - paid
        assert refundable_minor(lines, state) == max(0, total - paid)


@given(histories())
def test_a_full_refund_after_anything_leaves_nothing(history: tuple[Lines, list[RefundRequest]]) -> None:
    lines, wishes = history
    state, _ = run(lines, wishes)
    paid = refunded_minor(lines, state)

    try:
        outcome = apply_refund(lines, state, FullRefund())
    except NothingLeftToRefund:
        assert paid == sum(line.net_minor for line in lines)
    else:
        assert paid + outcome.refunded_minor == sum(line.net_minor for line in lines)
        assert all(line.net_minor == 0 and line.quantity == 0 for line in outcome.remaining)


@given(histories(), st.data())
def test_any_order_of_the_same_refunds_ends_the_same(
    history: tuple[Lines, list[RefundRequest]], data: st.DataObject
) -> None:
    lines, wishes = history
    state, done = run(lines, wishes)
    other, done_too = run(lines, data.draw(st.permutations(done)))
    assume(len(done) == len(done_too))

    assert remaining_lines(lines, other) == remaining_lines(lines, state)


@given(baskets(negative=False), st.data())
def test_a_refund_may_be_split_into_any_parts(lines: Lines, data: st.DataObject) -> None:
    total = sum(line.net_minor for line in lines)
    assume(total > 0)
    amount = data.draw(st.integers(1, total))
    cuts = sorted(data.draw(st.sets(st.integers(1, amount - 1), max_size=4))) if amount > 1 else []
    steps = [after - before for before, after in zip([0, *cuts], [*cuts, amount], strict=True)]

    at_once, _ = run(lines, [AmountRefund(amount)])
    split, done = run(lines, [AmountRefund(step) for step in steps])

    assert len(done) == len(steps)
    assert split == at_once


@given(histories(negative=False))
def test_no_line_ever_moves_backwards(history: tuple[Lines, list[RefundRequest]]) -> None:
    lines, wishes = history
    state = RefundState()
    for wish in run(lines, wishes)[1]:
        before = remaining_lines(lines, state)
        outcome = apply_refund(lines, state, wish)
        state = outcome.state

        for old, new in zip(before, outcome.remaining, strict=True):
            assert 0 <= new.net_minor <= old.net_minor
            assert 0 <= new.quantity <= old.quantity
        assert all(line.refunded_minor >= 0 for line in outcome.lines)


@given(documents(), histories(negative=False), st.integers(0, 300))
def test_standing_points_only_fall_and_end_at_zero(
    document: ProgramDocument, history: tuple[Lines, list[RefundRequest]], used: int
) -> None:
    lines, wishes = history
    event = sale(*lines, facts={"store.code": "S1"})
    before = dict.fromkeys(kept_keys(document, occurred_at=event.occurred_at), used)
    evaluation = evaluate(document, event, tier_code=document.tiers.levels[0].code, cap_used=before)
    frozen = freeze(evaluation, event, program_version_id=UUID(int=1))
    first = {accrual.rule_id: accrual.points for accrual in evaluation.accruals}
    state, kept = RefundState(), evaluation.points
    for wish in run(lines, wishes)[1]:
        state = apply_refund(lines, state, wish).state
        now = standing(document, frozen, remaining=remaining_lines(lines, state))

        assert all(0 <= points <= first[rule_id] for rule_id, points in now.items())
        assert sum(now.values()) <= kept
        kept = sum(now.values())
    if refundable_minor(lines, state) == 0:
        assert kept == 0


@given(baskets(), st.data())
def test_all_money_back_leaves_no_line_with_money(lines: Lines, data: st.DataObject) -> None:
    total = sum(line.net_minor for line in lines)
    assume(total > 0)
    part = data.draw(st.integers(0, total - 1))
    wishes = [AmountRefund(amount) for amount in (part, total - part) if amount]

    state, done = run(lines, list(wishes))

    assert len(done) == len(wishes)
    assert all(line.net_minor == 0 for line in remaining_lines(lines, state))
