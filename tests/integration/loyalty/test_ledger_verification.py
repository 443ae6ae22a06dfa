"""The recount finds what was done behind the ledger's back. The owner role can, once the guards are off."""

from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest

from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain import ChainFaultKind
from services.loyalty.ledger.domain.holdings import LedgerFault, LedgerFaultKind
from services.loyalty.stores.domain import Store
from tests.support.builders.merchant import Merchant
from tests.support.tenants import DatabaseUrls

Tamper = Callable[[str], None]


@pytest.fixture
def tamper(database_urls: DatabaseUrls, merchant: Merchant) -> Iterator[Tamper]:
    """Runs SQL as a superuser without triggers and foreign keys."""
    url = database_urls.server.superuser_url
    with psycopg.connect(url, dbname=database_urls.name, autocommit=True) as connection:
        connection.execute("SET session_replication_role TO replica")
        connection.execute(f"SET search_path TO {merchant.home.schema}".encode())

        def change(statement: str) -> None:
            connection.execute(statement.encode())

        yield change


@pytest.fixture
def member_id(merchant: Merchant, store: Store) -> UUID:
    """A member with an accrual of 30, a redemption of 12 and an adjustment of 5."""
    merchant.program()
    member_id = merchant.member()
    merchant.buy(store, member_id, 3_000)
    merchant.redeem(member_id, merchant.reward(cost=12))
    merchant.adjust(member_id, 5)
    return member_id


def test_a_sound_ledger(merchant: Merchant, member_id: UUID) -> None:
    steps: list[tuple[int, int]] = []

    verdict = merchant.read(lambda session: ledger.verify(session, progress=lambda done, of: steps.append((done, of))))

    assert (verdict.entries, verdict.holders, verdict.units, verdict.faults) == (3, 1, ("points",), ())
    assert steps == [(0, 3), (3, 3)]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE ledger_balances SET available_in = available_in + 1",
            {
                LedgerFaultKind.UNIT_NOT_ZERO,
                LedgerFaultKind.BALANCE_DIFFERS,
                LedgerFaultKind.COUNTERS_DIFFER,
                LedgerFaultKind.LOTS_DIFFER,
            },
        ),
        ("UPDATE ledger_balances SET earned = earned + 1", {LedgerFaultKind.COUNTERS_DIFFER}),
        (
            "UPDATE ledger_lots SET remaining = remaining - 1 WHERE rule_id IS NOT NULL",
            {LedgerFaultKind.LOTS_DIFFER, LedgerFaultKind.MOVEMENTS_DIFFER},
        ),
        (
            "UPDATE ledger_lot_movements SET delta = delta - 1 WHERE delta < 0",
            {LedgerFaultKind.MOVEMENTS_DIFFER, LedgerFaultKind.CHAIN_BROKEN},
        ),
        (
            "UPDATE ledger_postings SET amount = amount + 1 WHERE debit_purpose = 'available'",
            {LedgerFaultKind.UNIT_NOT_ZERO, LedgerFaultKind.BALANCE_DIFFERS, LedgerFaultKind.CHAIN_BROKEN},
        ),
    ],
)
def test_sums_that_do_not_hold(
    merchant: Merchant, member_id: UUID, tamper: Tamper, statement: str, expected: set[LedgerFaultKind]
) -> None:
    tamper(statement)

    faults = merchant.verdict().faults

    assert {fault.kind for fault in faults} == expected
    assert {fault.holder_id for fault in faults} <= {member_id, None}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE ledger_entries SET reason = 'better' WHERE seq = 3", {(3, ChainFaultKind.ALTERED)}),
        (
            "UPDATE ledger_entries SET actor_kind = 'staff' WHERE seq = 1",
            {(1, ChainFaultKind.ALTERED)},
        ),
        (
            "DELETE FROM ledger_entries WHERE seq = 2",
            {(3, ChainFaultKind.OUT_OF_SEQUENCE), (3, ChainFaultKind.UNLINKED)},
        ),
        ("DELETE FROM ledger_entries WHERE seq = 3", {(3, ChainFaultKind.HEAD_DIFFERS)}),
        ("DELETE FROM ledger_entries", {(3, ChainFaultKind.HEAD_DIFFERS)}),
        (
            "UPDATE ledger_postings SET credit_purpose = 'issuance' WHERE debit_purpose = 'adjustment'",
            {(3, "malformed"), (3, ChainFaultKind.HEAD_DIFFERS)},
        ),
    ],
)
def test_chains_that_do_not_hold(
    merchant: Merchant, member_id: UUID, tamper: Tamper, statement: str, expected: set[tuple[int, str]]
) -> None:
    tamper(statement)

    chains = [fault for fault in merchant.verdict().faults if fault.kind is LedgerFaultKind.CHAIN_BROKEN]

    assert {(fault.seq, fault.detail) for fault in chains} == {(seq, str(detail)) for seq, detail in expected}


def test_a_fault_has_its_place_and_both_numbers(merchant: Merchant, member_id: UUID, tamper: Tamper) -> None:
    tamper("UPDATE ledger_balances SET spent = spent + 2")

    assert merchant.verdict().faults == (
        LedgerFault(LedgerFaultKind.COUNTERS_DIFFER, holder_id=member_id, unit="points", expected=21, actual=23),
    )


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_postings", "ledger_lot_movements"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_product_cannot_change_what_is_written(
    merchant: Merchant, member_id: UUID, table: str, statement: str
) -> None:
    column = "position = position" if table != "ledger_entries" else "seq = seq"

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        merchant.do(lambda uow: uow.execute(statement.format(table, column).encode()))
