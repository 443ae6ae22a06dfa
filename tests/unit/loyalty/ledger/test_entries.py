from dataclasses import replace
from uuid import UUID

import pytest

from services.loyalty.ledger.domain import (
    AccountRef,
    BalanceChange,
    CounterChange,
    EntryDraft,
    EntryKind,
    LotMovement,
    LotState,
    Posting,
    Purpose,
    accrual_entry,
    activation_entry,
    adjustment_credit_entry,
    adjustment_debit_entry,
    allocate_clawback,
    assert_balanced,
    balance_changes,
    clawback_entry,
    counter_changes,
    expiry_entry,
    redemption_entry,
    restoration_entry,
)
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX
from tests.unit.loyalty.ledger.samples import HOLDER, header, lot, taken

PENDING = lot(3, 4, activates=1, state=LotState.PENDING)


def program(purpose: Purpose) -> AccountRef:
    return AccountRef(None, "points", purpose)


def holder(purpose: Purpose) -> AccountRef:
    return AccountRef(HOLDER, "points", purpose)


AVAILABLE = holder(Purpose.AVAILABLE)
CLAWED = allocate_clawback([lot(1, 6), PENDING], [], 10).movements
RETURNED = (LotMovement(1, UUID(int=2), Purpose.AVAILABLE, 2), LotMovement(2, UUID(int=1), Purpose.AVAILABLE, 6))

# Each entry, its kind, its postings and its counters.
CASES: list[tuple[EntryDraft, EntryKind, list[tuple[AccountRef, AccountRef, int]], CounterChange | None]] = [
    (
        accrual_entry(header(), lots=[lot(1, 6), PENDING]),
        EntryKind.ACCRUAL,
        [(program(Purpose.ISSUANCE), AVAILABLE, 6), (program(Purpose.ISSUANCE), holder(Purpose.PENDING), 4)],
        CounterChange(HOLDER, "points", earned=10),
    ),
    (
        redemption_entry(header(), unit="points", movements=taken((1, 6), (2, 2))),
        EntryKind.REDEMPTION,
        [(AVAILABLE, program(Purpose.REDEMPTION), 8)],
        CounterChange(HOLDER, "points", spent=8),
    ),
    (
        clawback_entry(header(), unit="points", movements=CLAWED),
        EntryKind.CLAWBACK,
        [(holder(Purpose.PENDING), program(Purpose.ISSUANCE), 4), (AVAILABLE, program(Purpose.ISSUANCE), 6)],
        CounterChange(HOLDER, "points", reversed=10),
    ),
    (
        restoration_entry(header(), unit="points", movements=RETURNED, source=Purpose.REDEMPTION),
        EntryKind.RESTORATION,
        [(program(Purpose.REDEMPTION), AVAILABLE, 8)],
        CounterChange(HOLDER, "points", spent=-8),
    ),
    (
        restoration_entry(header(), unit="points", movements=RETURNED, source=Purpose.ISSUANCE),
        EntryKind.RESTORATION,
        [(program(Purpose.ISSUANCE), AVAILABLE, 8)],
        CounterChange(HOLDER, "points", reversed=-8),
    ),
    (
        adjustment_credit_entry(header(reason="lost card"), lot=lot(1, 6)),
        EntryKind.ADJUSTMENT,
        [(program(Purpose.ADJUSTMENT), AVAILABLE, 6)],
        CounterChange(HOLDER, "points", adjusted=6),
    ),
    (
        adjustment_debit_entry(header(reason="fraud"), unit="points", movements=taken((1, 6))),
        EntryKind.ADJUSTMENT,
        [(AVAILABLE, program(Purpose.ADJUSTMENT), 6)],
        CounterChange(HOLDER, "points", adjusted=-6),
    ),
    (
        activation_entry(header(), lots=[PENDING, lot(4, 5, state=LotState.PENDING)]),
        EntryKind.ACTIVATION,
        [(holder(Purpose.PENDING), AVAILABLE, 9)],
        None,
    ),
    (
        expiry_entry(header(), lots=[lot(1, 6, expires=0), lot(2, 3, amount=5, expires=0)]),
        EntryKind.EXPIRY,
        [(AVAILABLE, program(Purpose.BREAKAGE), 9)],
        CounterChange(HOLDER, "points", expired=9),
    ),
]


@pytest.mark.parametrize(("entry", "kind", "postings", "counters"), CASES)
def test_each_entry_moves_points_between_its_accounts(
    entry: EntryDraft,
    kind: EntryKind,
    postings: list[tuple[AccountRef, AccountRef, int]],
    counters: CounterChange | None,
) -> None:
    assert entry.kind is kind
    assert entry.postings == tuple(
        Posting(position, "points", debit, credit, amount)
        for position, (debit, credit, amount) in enumerate(postings, start=1)
    )
    assert counter_changes(entry) == (() if counters is None else (counters,))
    assert_balanced(entry)


def test_births_carry_their_lots_and_move_them_whole() -> None:
    entry = accrual_entry(header(), lots=[lot(1, 6), PENDING])

    assert entry.lots == (lot(1, 6), PENDING)
    assert entry.lot_movements == (
        LotMovement(1, UUID(int=1), Purpose.AVAILABLE, 6),
        LotMovement(2, UUID(int=3), Purpose.PENDING, 4),
    )


def test_activation_moves_each_lot_from_pending_to_available() -> None:
    entry = activation_entry(header(), lots=[PENDING])

    assert entry.lot_movements == (
        LotMovement(1, UUID(int=3), Purpose.PENDING, -4),
        LotMovement(2, UUID(int=3), Purpose.AVAILABLE, 4),
    )


def test_balance_changes_name_holder_accounts_in_lock_order() -> None:
    entry = activation_entry(header(), lots=[PENDING])

    assert balance_changes(entry) == (
        BalanceChange(HOLDER, "points", Purpose.AVAILABLE, 4, 0),
        BalanceChange(HOLDER, "points", Purpose.PENDING, 0, 4),
    )


def test_program_accounts_keep_no_balance() -> None:
    entry = redemption_entry(header(), unit="points", movements=taken((1, 6)))

    assert balance_changes(entry) == (BalanceChange(HOLDER, "points", Purpose.AVAILABLE, 0, 6),)


def test_units_are_posted_apart() -> None:
    entry = expiry_entry(header(), lots=[lot(1, 6, expires=0), lot(2, 3, expires=0, unit="stamps")])

    assert [(posting.unit, posting.amount) for posting in entry.postings] == [("points", 6), ("stamps", 3)]
    assert [(change.unit, change.expired) for change in counter_changes(entry)] == [("points", 6), ("stamps", 3)]


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_an_adjustment_states_its_reason(reason: str | None) -> None:
    with pytest.raises(InvalidInput) as refusal:
        adjustment_credit_entry(header(reason=reason), lot=lot(1, 6))
    assert (refusal.value.field, refusal.value.reason) == ("reason", "BLANK")

    with pytest.raises(InvalidInput):
        adjustment_debit_entry(header(reason=reason), unit="points", movements=taken((1, 6)))


@pytest.mark.parametrize(
    ("holder_id", "purpose"), [(None, Purpose.AVAILABLE), (HOLDER, Purpose.ISSUANCE), (None, Purpose.OWED)]
)
def test_an_account_belongs_to_the_right_owner(holder_id: UUID | None, purpose: Purpose) -> None:
    with pytest.raises(ValueError, match="an account cannot be"):
        AccountRef(holder_id, "points", purpose)


def test_an_account_has_an_address() -> None:
    assert AVAILABLE.address == "00000000-0000-0000-0000-00000000000a:points:available"
    assert program(Purpose.BREAKAGE).address == "program:points:breakage"


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1])
def test_a_posting_moves_a_positive_amount(amount: int) -> None:
    with pytest.raises(ValueError, match="a posting cannot move"):
        Posting(1, "points", program(Purpose.ISSUANCE), AVAILABLE, amount)


@pytest.mark.parametrize("credit", [AccountRef(HOLDER, "stamps", Purpose.AVAILABLE), program(Purpose.ISSUANCE)])
def test_a_posting_stays_in_one_unit_and_goes_somewhere(credit: AccountRef) -> None:
    with pytest.raises(ValueError, match="a posting cannot go"):
        Posting(1, "points", program(Purpose.ISSUANCE), credit, 1)


GOOD = redemption_entry(header(), unit="points", movements=taken((1, 6), (2, 2)))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (replace(GOOD, postings=()), "without postings"),
        (replace(GOOD, lot_movements=GOOD.lot_movements[:1]), "disagree"),
        (replace(GOOD, lot_movements=GOOD.lot_movements[::-1]), "positions"),
        (replace(GOOD, postings=(replace(GOOD.postings[0], amount=7),)), "disagree"),
        (replace(GOOD, postings=(replace(GOOD.postings[0], position=2),)), "positions"),
    ],
)
def test_an_entry_whose_lots_and_postings_disagree_is_found(broken: EntryDraft, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        assert_balanced(broken)


def test_points_that_are_not_there_make_no_entry() -> None:
    with pytest.raises(ValueError, match="without postings"):
        redemption_entry(header(), unit="points", movements=())
