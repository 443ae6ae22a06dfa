from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from services.loyalty.ledger.domain import (
    ChainFaultKind,
    ChainHead,
    Entry,
    EntryDraft,
    EntryHeader,
    Lot,
    LotMovement,
    LotOrigin,
    LotState,
    Purpose,
    accrual_entry,
    activation_entry,
    adjustment_debit_entry,
    allocate_clawback,
    allocate_lots,
    apply_movements,
    balance_changes,
    clawback_entry,
    counter_changes,
    due_lots,
    expiry_entry,
    give_back,
    head_of,
    new_lot,
    redemption_entry,
    restoration_entry,
    seal,
    spending_order,
    verify_chain,
)
from services.platform.actors import SYSTEM
from tests.property.loyalty.strategies import HOLDER, NOW, settled_lots

Lots = tuple[Lot, ...]


def available(lots: Lots) -> int:
    return sum(lot.remaining for lot in lots if lot.state is LotState.ACTIVE)


@given(settled_lots(), st.data())
def test_a_drawing_takes_exactly_the_amount_from_the_first_to_expire(lots: Lots, data: st.DataObject) -> None:
    assume(available(lots) > 0)
    amount = data.draw(st.integers(1, available(lots)))

    movements = allocate_lots(lots, amount, NOW)
    after = apply_movements(lots, movements)

    assert available(lots) - available(after) == amount == -sum(movement.delta for movement in movements)
    active = [lot for lot in spending_order(after) if lot.state is LotState.ACTIVE]
    touched = {movement.lot_id for movement in movements}
    last = max(index for index, lot in enumerate(active) if lot.id in touched)
    assert all(lot.remaining == 0 for lot in active[:last])
    assert not touched & {lot.id for lot in active[last + 1 :]}


@given(settled_lots(), st.data())
def test_two_drawings_take_what_one_takes(lots: Lots, data: st.DataObject) -> None:
    assume(available(lots) > 1)
    first = data.draw(st.integers(1, available(lots) - 1))
    second = data.draw(st.integers(1, available(lots) - first))

    between = apply_movements(lots, allocate_lots(lots, first, NOW))
    apart = apply_movements(between, allocate_lots(between, second, NOW))

    assert apart == apply_movements(lots, allocate_lots(lots, first + second, NOW))


@given(settled_lots(), settled_lots(first=100), st.integers(0, 4_000), st.integers(0, 200))
def test_a_claw_back_accounts_for_every_point(own: Lots, others: Lots, amount: int, lapsed: int) -> None:
    result = allocate_clawback(own, others, amount, own_lapsed=lapsed)
    after = apply_movements((*own, *others), result.movements)

    assert result.taken + result.lapsed + result.shortfall == amount
    assert result.taken == -sum(movement.delta for movement in result.movements)
    own_left = sum(lot.remaining for lot in after[: len(own)])
    others_taken = available(others) - available(after[len(own) :])
    assert others_taken == 0 or own_left == 0
    assert result.shortfall == 0 or (own_left == 0 and available(after) == 0)


@given(settled_lots(), st.data())
def test_what_comes_back_in_parts_comes_back_as_a_whole(lots: Lots, data: st.DataObject) -> None:
    assume(available(lots) > 0)
    amount = data.draw(st.integers(1, available(lots)))
    drawn = allocate_lots(lots, amount, NOW)
    spent = apply_movements(lots, drawn)
    cuts = sorted(data.draw(st.sets(st.integers(0, amount), max_size=4)))

    restored, before = spent, 0
    for until in [*cuts, amount]:
        restored = apply_movements(restored, give_back(drawn, amount=until - before, given_before=before))
        before = until

    assert restored == lots == apply_movements(spent, give_back(drawn, amount=amount))


@given(settled_lots(), st.integers(0, 20))
def test_settling_twice_settles_nothing_more(lots: Lots, days: int) -> None:
    later = NOW + timedelta(days=days)

    due = due_lots(lots, later)
    again = due_lots(due.standing, later)

    assert (again.activate, again.expire) == ((), ())
    assert again.standing == due.standing
    assert all(lot.spendable(later) or lot.state is LotState.PENDING for lot in due.standing)
    assert sum(lot.remaining for lot in (*due.standing, *due.expire)) == sum(lot.remaining for lot in lots)


class Holder:
    """A small model of one holder: lots, balances, counters and a chain, moved only by entries."""

    def __init__(self) -> None:
        self.lots: dict[UUID, Lot] = {}
        self.balances: defaultdict[Purpose, int] = defaultdict(int)
        self.counters: defaultdict[str, int] = defaultdict(int)
        self.program: defaultdict[Purpose, int] = defaultdict(int)
        self.moved: defaultdict[UUID, int] = defaultdict(int)
        self.entries: list[Entry] = []
        self.now = NOW

    def header(self) -> EntryHeader:
        number = len(self.entries) + 1
        return EntryHeader(UUID(int=number), HOLDER, None, None, SYSTEM, None, "law", self.now, self.now)

    def post(self, draft: EntryDraft) -> None:
        self.entries.append(seal(draft, head=head_of(self.entries[-1]) if self.entries else ChainHead()))
        born = {lot.id: replace(lot, remaining=0) for lot in draft.lots}
        moved = apply_movements({**self.lots, **born}.values(), draft.lot_movements)
        self.lots = {lot.id: lot for lot in moved}
        for movement in draft.lot_movements:
            self.moved[movement.lot_id] += movement.delta
        for change in balance_changes(draft):
            self.balances[change.purpose] += change.moved_in - change.moved_out
        for counted in counter_changes(draft):
            for name in ("earned", "spent", "expired", "reversed", "adjusted"):
                self.counters[name] += getattr(counted, name)
        for posting in draft.postings:
            for account, amount in ((posting.credit, posting.amount), (posting.debit, -posting.amount)):
                self.program[account.purpose] += 0 if account.holder_id else amount

    def settle(self) -> Lots:
        due = due_lots(self.lots.values(), self.now)
        if due.activate:
            self.post(activation_entry(self.header(), lots=due.activate))
        if due.expire:
            self.post(expiry_entry(self.header(), lots=due.expire))
        return tuple(self.lots.values())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["earn", "spend", "claw", "restore", "adjust", "wait"]), st.integers(1, 300), st.integers(0, 5)
    ),
    max_size=25,
)


def play(holder: Holder, what: str, amount: int, days: int) -> None:
    lots = holder.settle()
    movements: tuple[LotMovement, ...]
    if what == "wait":
        holder.now += timedelta(days=days)
    elif what == "earn":
        born = new_lot(
            lot_id=UUID(int=10_000 + len(holder.entries)),
            holder_id=HOLDER,
            unit="points",
            amount=amount,
            origin=LotOrigin("purchase", None),
            now=holder.now,
            activates_at=holder.now + timedelta(days=days - 1),
            expires_at=None if days == 5 else holder.now + timedelta(days=days + 3),
        )
        holder.post(accrual_entry(holder.header(), lots=[born]))
    elif what == "claw":
        movements = allocate_clawback(lots[:1], lots[1:], amount).movements
        if movements:
            holder.post(clawback_entry(holder.header(), unit="points", movements=movements))
    elif available(lots) >= amount:
        movements = allocate_lots(lots, amount, holder.now)
        if what == "adjust":
            holder.post(adjustment_debit_entry(holder.header(), unit="points", movements=movements))
        else:
            holder.post(redemption_entry(holder.header(), unit="points", movements=movements))
        if what == "restore":
            back = give_back(movements, amount=amount)
            holder.post(restoration_entry(holder.header(), unit="points", movements=back, source=Purpose.REDEMPTION))


@given(STEPS)
def test_balances_are_lots_are_postings_are_counters(steps: list[tuple[str, int, int]]) -> None:
    holder = Holder()

    for what, amount, days in steps:
        play(holder, what, amount, days)

        by_state = {
            state: sum(lot.remaining for lot in holder.lots.values() if lot.state is state) for state in LotState
        }
        assert holder.balances[Purpose.AVAILABLE] == by_state[LotState.ACTIVE] >= 0
        assert holder.balances[Purpose.PENDING] == by_state[LotState.PENDING] >= 0
        assert {lot.id: lot.remaining for lot in holder.lots.values()} == dict(holder.moved)
        assert sum(holder.balances.values()) + sum(holder.program.values()) == 0
        counters = holder.counters
        assert sum(holder.balances.values()) == (
            counters["earned"] - counters["spent"] - counters["expired"] - counters["reversed"] + counters["adjusted"]
        )
    head = head_of(holder.entries[-1]) if holder.entries else ChainHead()
    assert verify_chain(holder.entries, head=head) == ()


@given(STEPS, st.data())
def test_no_entry_can_leave_change_or_swap_its_place_unseen(
    steps: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    holder = Holder()
    for what, amount, days in steps:
        play(holder, what, amount, days)
    entries = holder.entries
    assume(len(entries) > 1)
    head = head_of(entries[-1])
    place = data.draw(st.integers(0, len(entries) - 2))
    entry = entries[place]
    posting = replace(entry.postings[0], amount=entry.postings[0].amount + 1)

    missing = entries[:place] + entries[place + 1 :]
    swapped = [*entries[:place], entries[place + 1], entry, *entries[place + 2 :]]
    changed = [*entries[:place], replace(entry, postings=(posting, *entry.postings[1:])), *entries[place + 1 :]]

    assert verify_chain(missing, head=head)
    assert verify_chain(entries[:-1], head=head)
    assert verify_chain(swapped, head=head)
    assert [(fault.kind, fault.seq) for fault in verify_chain(changed, head=head)] == [
        (ChainFaultKind.ALTERED, place + 1)
    ]
