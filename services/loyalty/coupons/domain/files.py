"""Unique codes as files: those that were made elsewhere on their way in, those that are to be printed on theirs out."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.loyalty.coupons.domain.codes import check_code
from services.loyalty.coupons.domain.coupons import Coupon
from services.platform.text import first_column

IMPORTED_MAX = 20_000
"""Codes in one file; more come in several."""
PRINTED_MAX = 20_000
"""Codes in one part of a sheet."""
COLUMNS = ("code", "status", "expires_at")
HEADERS = frozenset({"code", "codes"})

_RUNS = ("=", "+", "-", "@")
"""What a cell begins with that spreadsheets take for a formula (OWASP, CSV injection)."""


@dataclass(frozen=True, slots=True)
class ImportCouponCodes:
    """Take the codes of a CSV file as unique codes of a kind of coupon: the first column of each line."""

    coupon_definition_id: UUID
    csv: str
    idempotency_key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class ImportedCouponCodes:
    """``added`` codes are the batch; ``repeated`` were in the file twice, or codes of the kind before.

    Without a batch nothing was new.
    """

    batch_id: UUID | None
    coupon_definition_id: UUID
    added: int
    repeated: int
    replayed: bool


def read_codes(text: str) -> tuple[tuple[str, ...], int]:
    """The codes of a CSV file as they are kept, each once, in its order; and how many lines repeated one.

    A first line that says ``code`` is its header, an apostrophe before a code is a spreadsheet's. Blank lines say
    nothing.

    Raises:
        InvalidInput: no code at all, too many, one that can be none, or no CSV.
    """
    typed = first_column(text, field="csv", headers=HEADERS, count_max=IMPORTED_MAX)
    codes = [check_code(code.removeprefix("'"), field="csv") for code in typed]
    unique = tuple(dict.fromkeys(codes))
    return unique, len(codes) - len(unique)


def codes_sheet(coupons: Iterable[Coupon], *, at: datetime) -> str:
    """Codes as CSV (RFC 4180), one a line, with what each is worth at an instant.

    A code that a spreadsheet would take for a formula begins with an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for coupon in coupons:
        assert coupon.code is not None, "a batch is of codes"
        code = f"'{coupon.code}" if coupon.code.startswith(_RUNS) else coupon.code
        ends = "" if coupon.expires_at is None else coupon.expires_at.isoformat()
        writer.writerow((code, coupon.status(at).value, ends))
    return text.getvalue()
