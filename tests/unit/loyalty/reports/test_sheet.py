"""A report as a sheet: exact cells, and none that a spreadsheet would run."""

import csv
import io
from datetime import date
from uuid import UUID

import pytest

from services.loyalty.ledger.domain.flows import Flows
from services.loyalty.reports.domain import CohortReport, Estimate, LiabilityReport, StoreReport, sheet

STORE = UUID("01900000-0000-7000-8000-00000000a001")
COHORT = date(2027, 3, 1)
FLOWS = Flows(
    opening=100, issued=50, redeemed=20, expired=5, reversed=3, adjusted=-7, transferred=0, repaid=1, closing=114
)


def _report(*, unit: str = "points", stores: tuple[StoreReport, ...] = (), currency: str = "CNY") -> LiabilityReport:
    cohort = CohortReport(unit, COHORT, FLOWS, Estimate(80, 34, 6), 1234)
    return LiabilityReport(COHORT, COHORT, "Asia/Shanghai", currency, (), (cohort,), stores)


def test_a_cohort_is_a_row() -> None:
    assert FLOWS.balances
    assert sheet(_report(), store_codes={}) == (
        "unit,cohort,opening,issued,redeemed,expired,reversed,adjusted,transferred,repaid,closing,"
        "expected_redemptions,expected_breakage,recognized_breakage,liability,currency\r\n"
        "points,2027-03-01,100,50,20,5,3,-7,0,1,114,80,34,6,12.34,CNY\r\n"
    )


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1234"), ("KWD", "1.234")])
def test_money_has_the_digits_of_its_currency(currency: str, amount: str) -> None:
    (row,) = csv.DictReader(io.StringIO(sheet(_report(currency=currency), store_codes={})))

    assert (row["liability"], row["currency"]) == (amount, currency)


@pytest.mark.parametrize("code", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://evil.test","x")'])
def test_a_cell_that_would_run_is_made_a_text(code: str) -> None:
    parts = (StoreReport("points", COHORT, STORE, FLOWS), StoreReport(code, COHORT, None, FLOWS))

    first, second = csv.DictReader(io.StringIO(sheet(_report(stores=parts), store_codes={STORE: code})))

    assert (first["store"], second["store"], second["unit"]) == (f"'{code}", "", f"'{code}")
    assert first["adjusted"] == "-7"
