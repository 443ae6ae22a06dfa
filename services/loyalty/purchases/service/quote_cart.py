"""What a cart would earn if it were rung up now."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.earning import queries as earning
from services.loyalty.earning.domain import CapKey, RuleAccrual
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.members import queries as members
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.programs.domain.publishing import ProgramVersion, unit_of
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.purchases import repository
from services.loyalty.purchases.domain import CartQuote, QuoteCart, QuotedLine, QuotedRule
from services.loyalty.purchases.domain.assessment import Assessment, BuyingMember, Occasion, assess
from services.loyalty.purchases.domain.receipt import Receipt, check_receipt
from services.loyalty.purchases.domain.telling import check_fields
from services.loyalty.purchases.service.surroundings import are_purchases_asked, shared_keys
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store, check_sale
from services.loyalty.tiers import queries as tiers
from services.loyalty.tiers.domain import TierRecord, ladder_of, level_at, settle
from services.platform.db.session import ReadSession
from services.platform.ids import new_id

QUOTED = "quote"
"""The source of a cart, for rules that ask for it."""


def quote_cart(session: ReadSession, *, command: QuoteCart) -> CartQuote:
    """What `record_purchase` would give for these lines at ``session.now``. Nothing is held, nothing is written.

    Raises:
        InvalidInput, DiscountExceedsOrder, StoreNotFound, StoreClosed, StoreCurrencyMismatch, CurrencyNotAccepted
        MemberNotFound, IdentityInvalid, AccrualTooLarge
    """
    looked = _look(session, command)
    return _quote(looked.receipt, looked.assessment, tier=looked.tier, balance=looked.balance)


def assess_cart(session: ReadSession, *, command: QuoteCart) -> Assessment | None:
    """The assessment behind a quote; None for a guest, an inactive member and without a program.

    Raises:
        As `quote_cart`.
    """
    return _look(session, command).assessment


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a quote is made of."""

    receipt: Receipt
    assessment: Assessment | None
    tier: str | None
    balance: int


def _look(session: ReadSession, command: QuoteCart) -> _Looked:
    receipt = check_receipt(
        currency=command.currency, lines=command.lines, discount_minor=command.discount_minor, told=command.told
    )
    member_id = None
    if command.member is not None:
        member_id = members.resolved(session, ref=command.member, store_id=command.store_id)
    versions = versions_read(session, instants=(session.now,))
    read = tiers.record_read(session, member_id=member_id) if member_id is not None else None
    statements = [stores.store_statement(store_id=command.store_id), versions.statement]
    if member_id is not None and read is not None:
        statements += [
            members.earners_statement(member_ids=(member_id,)),
            *read.statements,
            earning.cap_uses_statement(member_ids=(member_id,), first=session.now, last=session.now),
            *ledger.balances_statements(session, holder_ids=(member_id,)),
        ]
    store_rows, version_rows, *member_rows = session.fetch_pipeline(statements)
    store = stores.store_of(store_rows, store_id=command.store_id)
    check_sale(store, currency=receipt.currency, occurred_at=session.now)
    version = in_force(versions.versions(version_rows), at=session.now)
    check_fields(version.document.fields if version else (), receipt.told.fields)
    if member_id is None or read is None:
        return _Looked(receipt, None, None, 0)
    count = len(read.statements)
    earner_rows, record_rows, (cap_rows, *balance_rows) = (
        member_rows[0],
        member_rows[1 : count + 1],
        member_rows[count + 1 :],
    )
    earner = members.earners_of(earner_rows).get(member_id)
    if earner is None:
        raise MemberNotFound(member_id=member_id)
    if version is None:
        return _Looked(receipt, None, None, _balance(session, balance_rows, member_id, "").available)
    records, ladder = read.records(record_rows), ladder_of(version)
    record = read.completed(records, ladder).get(member_id, TierRecord())
    assessment = None
    if earner.is_active:
        used, purchases = _counted(session, version, member_id, earning.cap_used(cap_rows))
        held = _balance(session, balance_rows, member_id, ladder.unit)
        assessment = assess(
            receipt,
            BuyingMember(earner, record, used, purchases, held.available - held.owed),
            _occasion(session, command, store, version),
        )
    level = level_at(version.document.tiers, settle(ladder, record, now=session.now).record, at=session.now)
    return _Looked(
        receipt, assessment, level.code, _balance(session, balance_rows, member_id, unit_of(version).code).available
    )


def _occasion(session: ReadSession, command: QuoteCart, store: Store, version: ProgramVersion) -> Occasion:
    return Occasion(
        purchase_id=new_id(),
        version=version,
        present=version,
        store=store,
        channel=command.channel,
        source=QUOTED,
        occurred_at=session.now,
        now=session.now,
    )


def _counted(
    session: ReadSession, version: ProgramVersion, member_id: UUID, used: dict[CapKey, int]
) -> tuple[dict[CapKey, int], int]:
    """What has been used of all counters, everybody's too, and how many purchases there are; read where asked."""
    keys, is_asked = shared_keys((version,), (session.now,)), are_purchases_asked((version,))
    if not keys and not is_asked:
        return used, 0
    shared_rows, count_rows = session.fetch_pipeline(
        [earning.shared_uses_statement(keys), repository.counts_statement((member_id,))]
    )
    return used | earning.cap_used(shared_rows), repository.counts_of(count_rows).get(member_id, 0)


def _balance(session: ReadSession, rows: list[list[DictRow]], member_id: UUID, unit: str) -> Balance:
    balances, due_lots = rows
    held = ledger.balances_of(session, balances=balances, due_lots=due_lots).get(member_id, ())
    return next((balance for balance in held if balance.unit == unit), Balance(member_id, unit))


def _quote(receipt: Receipt, assessment: Assessment | None, *, tier: str | None, balance: int) -> CartQuote:
    points: Mapping[int, int] = {}
    accruals: tuple[RuleAccrual, ...] = ()
    tier_after, multiplier, earned = tier, None, 0
    if assessment is not None:
        evaluation = assessment.evaluation
        points = {line.position: line.points for line in evaluation.line_points}
        accruals, earned, multiplier = evaluation.accruals, evaluation.points, evaluation.multiplier
        change = assessment.requalification.change
        tier_after = change.to_code if change else tier
    return CartQuote(
        total_minor=receipt.total_minor,
        currency=receipt.currency,
        points=earned,
        lines=tuple(QuotedLine(line.position, line.net_minor, points.get(line.position, 0)) for line in receipt.lines),
        rules=tuple(
            QuotedRule(each.rule_id, each.unit, each.points, each.capped_by, each.cap_room, each.caps)
            for each in accruals
        ),
        tier=tier,
        tier_after=tier_after,
        tier_multiplier=multiplier,
        balance=balance,
        balance_after=balance + earned,
    )
