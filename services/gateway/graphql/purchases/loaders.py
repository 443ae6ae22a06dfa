"""Batches about purchases."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.loyalty.purchases import queries
from services.loyalty.purchases.domain import Accrual, Line, Purchase, Refund, RefundedPart
from services.platform.db.session import ReadSession


def purchases_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, Purchase]:
    """Purchases by id."""
    return queries.purchases_by_ids(session, purchase_ids=keys)


def lines_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, tuple[Line, ...]]:
    """Lines by purchase."""
    return queries.lines_by_purchases(session, purchase_ids=keys)


def accruals_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, tuple[Accrual, ...]]:
    """What rules gave, by purchase."""
    return queries.accruals_by_purchases(session, purchase_ids=keys)


def refunds_by_purchase(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, tuple[Refund, ...]]:
    """Refunds by purchase."""
    return queries.refunds_by_purchases(session, purchase_ids=keys)


def refunds_by_key(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, Refund]:
    """Refunds by id."""
    return queries.refunds_by_ids(session, refund_ids=keys)


def parts_by_refund(session: ReadSession, keys: Sequence[UUID]) -> Mapping[UUID, tuple[RefundedPart, ...]]:
    """What came back, by refund."""
    return queries.parts_by_refunds(session, refund_ids=keys)
