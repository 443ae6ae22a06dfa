"""What a cart would earn if it were rung up now."""

from collections.abc import Mapping
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.earning import queries as earning
from services.loyalty.earning.domain import RuleAccrual, cap_day
from services.loyalty.ledger import queries as ledger
from services.loyalty.members import queries as members
from services.loyalty.members.domain import MemberStatus
from services.loyalty.programs.domain.publishing import ProgramVersion, unit_of
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.purchases.domain import CartQuote, QuoteCart, QuotedLine, QuotedRule
from services.loyalty.purchases.domain.assessment import Assessment, assess
from services.loyalty.purchases.domain.receipt import Receipt, check_receipt
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store, check_sale
from services.loyalty.tiers import queries as tiers
from services.loyalty.tiers.domain import TierRecord, level_held
from services.platform.db.session import ReadSession


def quote_cart(session: ReadSession, *, command: QuoteCart) -> CartQuote:
    """What `record_purchase` would give for these lines at ``session.now``. Nothing is held, nothing is written.

    Raises:
        InvalidInput, DiscountExceedsOrder, StoreNotFound, StoreClosed, StoreCurrencyMismatch, CurrencyNotAccepted
        MemberNotFound, IdentityInvalid, AccrualTooLarge
    """
    receipt = check_receipt(currency=command.currency, lines=command.lines, discount_minor=command.discount_minor)
    member_id = None
    if command.member is not None:
        member_id = members.resolved(session, ref=command.member, store_id=command.store_id)
    versions = versions_read(session, instants=(session.now,))
    statements = [stores.store_statement(store_id=command.store_id), versions.statement]
    if member_id is not None:
        statements += [
            members.status_statement(member_id=member_id),
            tiers.record_statement(member_id=member_id),
            earning.cap_uses_statement(member_ids=(member_id,), first=session.now, last=session.now),
            *ledger.balances_statements(session, holder_ids=(member_id,)),
        ]
    store_rows, version_rows, *member_rows = session.fetch_pipeline(statements)
    store = stores.store_of(store_rows, store_id=command.store_id)
    check_sale(store, currency=receipt.currency, occurred_at=session.now)
    version = in_force(versions.versions(version_rows), at=session.now)
    if member_id is None:
        return _quote(receipt, None, tier=None, balance=0)
    status_rows, record_rows, cap_rows, *balance_rows = member_rows
    status = members.status_of(status_rows, member_id=member_id)
    record = tiers.record_of(record_rows)
    assessment = None
    if version is not None and status is MemberStatus.ACTIVE:
        assessment = _assess(session, receipt, version=version, store=store, record=record, cap_rows=cap_rows)
    return _quote(
        receipt,
        assessment,
        tier=level_held(version.document.tiers, record).code if version else None,
        balance=_available(session, balance_rows, member_id, version),
    )


def _assess(
    session: ReadSession,
    receipt: Receipt,
    *,
    version: ProgramVersion,
    store: Store,
    record: TierRecord,
    cap_rows: list[DictRow],
) -> Assessment:
    return assess(
        version=version,
        present=version,
        lines=receipt.earning(),
        currency=receipt.currency,
        store_code=store.code,
        record=record,
        cap_used=earning.cap_used(cap_rows, day=cap_day(version.document, session.now)),
        occurred_at=session.now,
        now=session.now,
    )


def _available(session: ReadSession, rows: list[list[DictRow]], member_id: UUID, version: ProgramVersion | None) -> int:
    balances, due_lots = rows
    unit = unit_of(version).code
    held = ledger.balances_of(session, balances=balances, due_lots=due_lots).get(member_id, ())
    return next((balance.available for balance in held if balance.unit == unit), 0)


def _quote(receipt: Receipt, assessment: Assessment | None, *, tier: str | None, balance: int) -> CartQuote:
    points: Mapping[int, int] = {}
    accruals: tuple[RuleAccrual, ...] = ()
    tier_after = tier
    if assessment is not None:
        points = {line.position: line.points for line in assessment.evaluation.line_points}
        accruals = assessment.evaluation.accruals
        change = assessment.requalification.change
        tier_after = change.to_code if change else tier
    earned = sum(accrual.points for accrual in accruals)
    return CartQuote(
        total_minor=receipt.total_minor,
        currency=receipt.currency,
        points=earned,
        lines=tuple(QuotedLine(line.position, line.net_minor, points.get(line.position, 0)) for line in receipt.lines),
        rules=tuple(
            QuotedRule(accrual.rule_id, accrual.points, accrual.capped_by, accrual.cap_room) for accrual in accruals
        ),
        tier=tier,
        tier_after=tier_after,
        balance=balance,
        balance_after=balance + earned,
    )
