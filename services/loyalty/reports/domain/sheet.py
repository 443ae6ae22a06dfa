"""A liability report as a sheet: CSV (RFC 4180) that a spreadsheet opens without running anything that stands in it."""

import csv
import io
from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from services.loyalty.ledger.domain.flows import Flows
from services.loyalty.reports.domain.liability import LiabilityReport
from services.platform.money import exponent

FLOWS = (
    "opening",
    "issued",
    "redeemed",
    "expired",
    "reversed",
    "adjusted",
    "transferred",
    "repaid",
    "closing",
)
COLUMNS = (
    "unit",
    "cohort",
    *FLOWS,
    "expected_redemptions",
    "expected_breakage",
    "recognized_breakage",
    "liability",
    "currency",
)
STORE_COLUMNS = ("unit", "cohort", "store", *FLOWS)

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a cell begins with that spreadsheets take for a formula (OWASP, CSV injection)."""


def sheet(report: LiabilityReport, *, store_codes: Mapping[UUID, str]) -> str:
    """The report's cohorts, one a row, or its stores' parts of them where it tells stores apart.

    Points are whole numbers of the unit's smallest part, money is in major units with a decimal point. Texts that a
    spreadsheet would take for formulas begin with an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    if report.stores:
        writer.writerow(STORE_COLUMNS)
        for part in report.stores:
            code = "" if part.funder_store_id is None else store_codes.get(part.funder_store_id, "")
            writer.writerow((_text(part.unit), part.cohort.isoformat(), _text(code), *_numbers(part.flows)))
        return text.getvalue()
    writer.writerow(COLUMNS)
    digits = exponent(report.currency)
    for cohort in report.cohorts:
        minor = cohort.liability_minor
        writer.writerow(
            (
                _text(cohort.unit),
                cohort.cohort.isoformat(),
                *_numbers(cohort.flows),
                cohort.estimate.to_redeem,
                cohort.estimate.to_break,
                cohort.estimate.recognized,
                "" if minor is None else f"{Decimal(minor).scaleb(-digits):f}",
                report.currency,
            )
        )
    return text.getvalue()


def _numbers(flows: Flows) -> tuple[int, ...]:
    return tuple(getattr(flows, name) for name in FLOWS)


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_RUNS) else value
