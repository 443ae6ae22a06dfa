"""A receipt before anything is made of it: its bounds, what was paid line by line, and its fingerprint."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.loyalty.earning.domain import (
    AmountRefund,
    EarnBase,
    FullRefund,
    LineRefund,
    PricedLine,
    PurchaseLine,
    RefundRequest,
    earn_base,
    spread_discount,
)
from services.loyalty.programs.domain import BasePolicy
from services.loyalty.purchases.domain.commands import BoughtLine, RecordPurchase, RefundPurchase
from services.loyalty.purchases.domain.telling import check_tax, check_told, told_content
from services.loyalty.purchases.domain.told import TenderKind, Told
from services.loyalty.purchases.errors import OccurredInFuture, OccurredTooLongAgo
from services.platform.errors import InvalidInput
from services.platform.money import AMOUNT_MAX, exponent
from services.platform.text import check_optional_text, check_text

LINES_MAX = 500
QUANTITY_MAX = 1_000_000_000
QUANTITY_DIGITS = 4
CATEGORY_DEPTH_MAX = 8
CATEGORY_NAME_MAX = 120

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far a till's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A line with trimmed texts and its place on the receipt, from 1. ``net_minor`` is what was paid for it."""

    position: int
    sku: str
    name: str | None
    category: tuple[str, ...]
    quantity: Decimal
    amount_minor: int
    discount_minor: int
    net_minor: int
    product: str | None = None
    tax_minor: int = 0
    points_minor: int | None = None

    def earning(self, *, base_minor: int) -> PurchaseLine:
        """The line as earning sees it."""
        return PurchaseLine(
            position=self.position,
            sku=self.sku,
            category=self.category,
            quantity=self.quantity,
            net_minor=self.net_minor,
            amount_minor=self.amount_minor,
            base_minor=base_minor,
            product=self.product,
        )

    def priced(self) -> PricedLine:
        """The line's amounts, for its base."""
        share = self.amount_minor - self.discount_minor - self.net_minor
        return PricedLine(self.amount_minor, self.discount_minor, share, self.tax_minor)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Lines of one currency, what was paid for all of them, and what else was told."""

    currency: str
    discount_minor: int
    lines: tuple[ReceiptLine, ...]
    told: Told = field(default_factory=Told)

    @property
    def total_minor(self) -> int:
        """What was paid; zero or less where more was given back than bought."""
        return sum(line.net_minor for line in self.lines)

    def base(self, policy: BasePolicy) -> EarnBase:
        """What of it earns."""
        return earn_base(
            policy,
            [line.priced() for line in self.lines],
            prices_include_tax=self.told.prices_include_tax,
            shipping_minor=self.told.shipping_minor,
            points_minor=sum(each.amount_minor for each in self.told.tenders if each.kind is TenderKind.POINTS),
            points_by_line=self._points_by_line(),
        )

    def _points_by_line(self) -> tuple[int, ...] | None:
        if any(line.points_minor is None for line in self.lines):
            return None
        return tuple(line.points_minor or 0 for line in self.lines)

    def earning(self, base: EarnBase) -> tuple[PurchaseLine, ...]:
        """The lines as earning sees them."""
        return tuple(
            line.earning(base_minor=base_minor) for line, base_minor in zip(self.lines, base.lines, strict=True)
        )


def check_receipt(
    *, currency: str, lines: Sequence[BoughtLine], discount_minor: int, told: Told | None = None
) -> Receipt:
    """The receipt, with the order's discount spread over its lines.

    Raises:
        InvalidInput: no line or more than ``LINES_MAX``; a text, a quantity or an amount out of bounds; the sum of
            all amounts beyond ``AMOUNT_MAX``; an unknown currency.
        DiscountExceedsOrder
    """
    exponent(currency)
    told = check_told(told or Told())
    if not 0 < len(lines) <= LINES_MAX:
        raise InvalidInput(field="lines", reason="COUNT_OUT_OF_RANGE", limit=str(LINES_MAX))
    checked = [
        _check_line(line, field=f"lines.{index}", has_tax_inside=told.prices_include_tax)
        for index, line in enumerate(lines)
    ]
    if sum(abs(line.amount_minor) for line in checked) > AMOUNT_MAX or abs(discount_minor) > AMOUNT_MAX:
        raise InvalidInput(field="lines", reason="AMOUNT_TOO_LARGE", limit=str(AMOUNT_MAX))
    before = [line.amount_minor - line.discount_minor for line in checked]
    shares = _shares(checked, before, discount_minor=discount_minor)
    return Receipt(
        currency=currency,
        discount_minor=discount_minor,
        lines=tuple(
            ReceiptLine(
                position=position,
                sku=line.sku,
                name=line.name,
                category=line.category,
                quantity=line.quantity,
                amount_minor=line.amount_minor,
                discount_minor=line.discount_minor,
                net_minor=net - share,
                product=line.product,
                tax_minor=line.tax_minor,
                points_minor=line.points_minor,
            )
            for position, (line, net, share) in enumerate(zip(checked, before, shares, strict=True), start=1)
        ),
        told=told,
    )


def _shares(lines: Sequence[BoughtLine], before: Sequence[int], *, discount_minor: int) -> tuple[int, ...]:
    spread = spread_discount(before, discount_minor=discount_minor)
    known = tuple(line.share_minor for line in lines if line.share_minor is not None)
    return known if len(known) == len(lines) and sum(known) == discount_minor else spread


def check_occurred(occurred_at: datetime, *, now: datetime, earliest: datetime) -> None:
    """Refuse what cannot have happened then.

    Raises:
        OccurredInFuture, OccurredTooLongAgo
    """
    if occurred_at > now + CLOCK_TOLERANCE:
        raise OccurredInFuture(occurred_at=occurred_at, latest=now + CLOCK_TOLERANCE)
    if occurred_at < earliest:
        raise OccurredTooLongAgo(occurred_at=occurred_at, earliest=earliest)


def purchase_hash(command: RecordPurchase, receipt: Receipt, *, member_id: UUID | None) -> bytes:
    """What tells two receipts under one external id apart: SHA-256 of everything that was sent, the member by id."""
    content: dict[str, Any] = {
        "channel": command.channel,
        "currency": receipt.currency,
        "discount": receipt.discount_minor,
        "lines": [
            [line.sku, line.name, line.category, _number(line.quantity), line.amount_minor, line.discount_minor]
            for line in receipt.lines
        ],
        "member": None if member_id is None else str(member_id),
        "occurredAt": _instant(command.occurred_at),
        "store": str(command.store_id),
    }
    # What was told before more could be told keeps its fingerprint.
    more = told_content(receipt.told, [(line.product, line.tax_minor) for line in receipt.lines])
    return _digest(content | ({"told": more} if more else {}))


def refund_hash(command: RefundPurchase, *, purchase_id: UUID) -> bytes:
    """What tells two refunds under one external id apart."""
    return _digest(
        {
            "occurredAt": _instant(command.occurred_at),
            "purchase": str(purchase_id),
            "reason": command.reason,
            "request": _request(command.request),
        }
    )


def _check_line(line: BoughtLine, *, field: str, has_tax_inside: bool) -> BoughtLine:
    if abs(line.amount_minor) > AMOUNT_MAX:
        raise InvalidInput(field=f"{field}.amount", reason="AMOUNT_TOO_LARGE", limit=str(AMOUNT_MAX))
    if not 0 <= line.discount_minor <= max(0, line.amount_minor):
        raise InvalidInput(field=f"{field}.discount", reason="OUT_OF_RANGE", limit=str(max(0, line.amount_minor)))
    check_tax(line, field=f"{field}.tax", is_inside=has_tax_inside)
    if len(line.category) > CATEGORY_DEPTH_MAX:
        raise InvalidInput(field=f"{field}.category", reason="COUNT_OUT_OF_RANGE", limit=str(CATEGORY_DEPTH_MAX))
    return BoughtLine(
        sku=check_text(line.sku, field=f"{field}.sku"),
        quantity=_check_quantity(line.quantity, field=f"{field}.quantity"),
        amount_minor=line.amount_minor,
        discount_minor=line.discount_minor,
        category=tuple(
            check_text(name, field=f"{field}.category.{index}", length_max=CATEGORY_NAME_MAX)
            for index, name in enumerate(line.category)
        ),
        name=check_optional_text(line.name, field=f"{field}.name"),
        product=check_optional_text(line.product, field=f"{field}.product"),
        tax_minor=line.tax_minor,
        share_minor=line.share_minor,
        points_minor=line.points_minor,
    )


def _check_quantity(quantity: Decimal, *, field: str) -> Decimal:
    if not quantity.is_finite() or abs(quantity) > QUANTITY_MAX:
        raise InvalidInput(field=field, reason="QUANTITY_TOO_LARGE", limit=str(QUANTITY_MAX))
    exponent_of_last_digit = quantity.normalize().as_tuple().exponent
    if isinstance(exponent_of_last_digit, int) and exponent_of_last_digit < -QUANTITY_DIGITS:
        raise InvalidInput(field=field, reason="TOO_MANY_DECIMALS", limit=str(QUANTITY_DIGITS))
    return quantity


def _request(request: RefundRequest) -> list[Any]:
    match request:
        case FullRefund():
            return ["full"]
        case LineRefund(lines):
            return ["lines", *([line.position, _number(line.quantity)] for line in lines)]
        case AmountRefund(amount_minor):
            return ["amount", amount_minor]


def _digest(content: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(content, ensure_ascii=True, sort_keys=True).encode()).digest()


def _number(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(UTC).isoformat()
