"""What a cart would earn if it were rung up now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.earning import queries as earning
from services.loyalty.earning.domain import CapKey, RuleAccrual
from services.loyalty.ledger import queries as ledger
from services.loyalty.ledger.domain.holdings import Balance
from services.loyalty.members import queries as members
from services.loyalty.members.domain import MemberRef
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
from services.platform.db.session import ReadSession, Statement
from services.platform.ids import new_id

QUOTED = "quote"
"""The source of a cart, for rules that ask for it."""


def quote_cart(session: ReadSession, *, command: QuoteCart) -> CartQuote:
    """What `record_purchase` would give for these lines at ``session.now``. Nothing is held, nothing is written.

    Raises:
        InvalidInput, DiscountExceedsOrder, StoreNotFound, StoreClosed, StoreCurrencyMismatch, CurrencyNotAccepted
        MemberNotFound, IdentityInvalid, AccrualTooLarge
    """
    receipt, reading, assessment = _look(session, command)
    return quote_of(receipt, assessment, tier=reading.tier, balance=reading.balance)


def assess_cart(session: ReadSession, *, command: QuoteCart) -> Assessment | None:
    """The assessment behind a quote; None for a guest, an inactive member and without a program.

    Raises:
        As `quote_cart`.
    """
    return _look(session, command)[2]


@dataclass(frozen=True, slots=True)
class CartReading:
    """What a cart meets.

    ``buyer`` is None for a guest, an inactive member and without a program, ``tier`` for a guest and without a program.
    ``more`` are the rows of what else was asked for.
    """

    store: Store
    version: ProgramVersion | None
    member_id: UUID | None
    buyer: BuyingMember | None
    tier: str | None
    balances: Sequence[Balance]
    more: Sequence[list[DictRow]]

    @property
    def balance(self) -> int:
        """What the member can spend of the program's own unit."""
        return self.available(unit_of(self.version).code)

    def available(self, unit: str) -> int:
        """What the member can spend of a unit."""
        return _of(self.balances, unit)[0]

    def occasion(self, session: ReadSession, *, channel: str, source: str | None) -> Occasion | None:
        """Where and when the cart would be bought; None without a program."""
        if self.version is None:
            return None
        return Occasion(
            purchase_id=new_id(),
            version=self.version,
            present=self.version,
            store=self.store,
            channel=channel,
            source=source or QUOTED,
            occurred_at=session.now,
            now=session.now,
        )


def read_cart(
    session: ReadSession,
    *,
    member: MemberRef | None,
    store_id: UUID,
    currency: str,
    more: Callable[[UUID | None], Sequence[Statement]] = lambda _: (),
) -> CartReading:
    """Read what a cart meets, in one round trip for a member by id.

    Raises:
        StoreNotFound, StoreClosed, StoreCurrencyMismatch, MemberNotFound, IdentityInvalid
    """
    member_id = None if member is None else members.resolved(session, ref=member, store_id=store_id)
    versions = versions_read(session, instants=(session.now,))
    read = tiers.record_read(session, member_id=member_id) if member_id is not None else None
    others = list(more(member_id))
    statements = [*others, stores.store_statement(store_id=store_id), versions.statement]
    if member_id is not None and read is not None:
        statements += [
            members.earners_statement(member_ids=(member_id,)),
            *read.statements,
            earning.cap_uses_statement(member_ids=(member_id,), first=session.now, last=session.now),
            *ledger.balances_statements(session, holder_ids=(member_id,)),
        ]
    rows = session.fetch_pipeline(statements)
    more_rows, (store_rows, version_rows, *member_rows) = rows[: len(others)], rows[len(others) :]
    store = stores.store_of(store_rows, store_id=store_id)
    check_sale(store, currency=currency, occurred_at=session.now)
    version = in_force(versions.versions(version_rows), at=session.now)
    if member_id is None or read is None:
        return CartReading(store, version, None, None, None, (), more_rows)
    count = len(read.statements)
    earner_rows, record_rows, (cap_rows, *balance_rows) = (
        member_rows[0],
        member_rows[1 : count + 1],
        member_rows[count + 1 :],
    )
    earner = members.earners_of(earner_rows).get(member_id)
    if earner is None:
        raise MemberNotFound(member_id=member_id)
    balances = ledger.balances_of(session, balances=balance_rows[0], due_lots=balance_rows[1]).get(member_id, ())
    if version is None:
        return CartReading(store, None, member_id, None, None, balances, more_rows)
    records, ladder = read.records(record_rows), ladder_of(version)
    record = read.completed(records, ladder).get(member_id, TierRecord())
    buyer = None
    if earner.is_active:
        used, purchases = _counted(session, version, member_id, earning.cap_used(cap_rows))
        available, owed = _of(balances, ladder.unit)
        buyer = BuyingMember(earner, record, used, purchases, available - owed)
    level = level_at(version.document.tiers, settle(ladder, record, now=session.now).record, at=session.now)
    return CartReading(store, version, member_id, buyer, level.code, balances, more_rows)


def _look(session: ReadSession, command: QuoteCart) -> tuple[Receipt, CartReading, Assessment | None]:
    receipt = check_receipt(
        currency=command.currency, lines=command.lines, discount_minor=command.discount_minor, told=command.told
    )
    reading = read_cart(session, member=command.member, store_id=command.store_id, currency=receipt.currency)
    check_fields(reading.version.document.fields if reading.version else (), receipt.told.fields)
    occasion = reading.occasion(session, channel=command.channel, source=None)
    if reading.buyer is None or occasion is None:
        return receipt, reading, None
    return receipt, reading, assess(receipt, reading.buyer, occasion)


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


def _of(balances: Sequence[Balance], unit: str) -> tuple[int, int]:
    """What of a unit is available, and what is owed."""
    return next(((each.available, each.owed) for each in balances if each.unit == unit), (0, 0))


def quote_of(receipt: Receipt, assessment: Assessment | None, *, tier: str | None, balance: int) -> CartQuote:
    """What an assessment says of a receipt."""
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
