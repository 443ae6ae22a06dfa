"""What a card's page, its passes and a till ask of a card."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.cards import repository
from services.loyalty.cards.domain import IssuerKind, PassFacts, PassIssuer, Scanned
from services.loyalty.ledger import queries as ledger
from services.loyalty.members import queries as members
from services.loyalty.members.domain import Identity, IdentityKind, Member
from services.loyalty.programs.domain import PointUnit
from services.loyalty.programs.domain.publishing import unit_of
from services.loyalty.programs.queries import in_force, versions_read
from services.loyalty.purchases import queries as purchases
from services.loyalty.rewards import queries as rewards
from services.loyalty.rewards.errors import RewardNotFound
from services.loyalty.stores import queries as stores
from services.loyalty.stores.domain import Store
from services.loyalty.tiers import queries as tiers
from services.platform.db.questions import Question, ask
from services.platform.db.session import ReadSession

ENDING_WITHIN = timedelta(days=60)
"""How far ahead a card tells of points that end."""


@dataclass(frozen=True, slots=True)
class EndingPoints:
    """Points of the program's own unit that end at an instant."""

    points: int
    at: datetime


@dataclass(frozen=True, slots=True)
class CardSurroundings:
    """What a card shows beside the member: whose it is, in what it counts, and what ends soon."""

    merchant_name: str
    unit: PointUnit
    ending: tuple[EndingPoints, ...]


def card_number(member: Member) -> str | None:
    """The number on a member's card, None before one was issued; of several the first in their order."""
    return member.identity(IdentityKind.CARD)


def member_by_scan(session: ReadSession, *, scan: Scanned) -> Member | None:
    """The member whose card was scanned, active or not; None when no member has that number."""
    return members.member_by_identity(session, identity=Identity(IdentityKind.CARD, scan.number))


def pickup_stores(
    session: ReadSession, *, member_id: UUID, reward_id: UUID, limit: int, search: str | None = None
) -> tuple[Store, ...]:
    """Open stores where a member may pick a reward up: those where the member buys most often first, then by name.

    Raises:
        RewardNotFound
    """
    reward = rewards.reward_by_id(session, reward_id=reward_id)
    if reward is None:
        raise RewardNotFound(reward_id=reward_id)
    return stores.open_stores(
        session,
        limit=limit,
        first_ids=purchases.visited_stores(session, member_id=member_id),
        codes=reward.content.terms.stores or None,
        search=search,
    )


def surroundings_question(
    session: ReadSession, *, member_ids: Collection[UUID]
) -> Question[dict[UUID, CardSurroundings]]:
    """Asks what members' cards show beside them."""
    versions = versions_read(session, instants=(session.now,))
    until = session.now + ENDING_WITHIN

    def answer(rows: Sequence[list[DictRow]]) -> dict[UUID, CardSurroundings]:
        version_rows, merchant_rows, ending_rows = rows
        unit = unit_of(in_force(versions.versions(version_rows), at=session.now))
        name = stores.merchant_name_of(merchant_rows)
        ending: dict[UUID, dict[datetime, int]] = {member_id: {} for member_id in member_ids}
        for lot in ledger.ending_of(ending_rows):
            if lot.unit == unit.code and lot.expires_at > session.now:
                by_end = ending[lot.holder_id]
                by_end[lot.expires_at] = by_end.get(lot.expires_at, 0) + lot.points
        return {
            member_id: CardSurroundings(name, unit, tuple(EndingPoints(points, at) for at, points in by_end.items()))
            for member_id, by_end in ending.items()
        }

    statements = [
        versions.statement,
        stores.merchant_statement(session),
        ledger.ending_statement(holder_ids=member_ids, until=until),
    ]
    return Question(statements, answer)


def pass_facts(session: ReadSession, *, member_id: UUID, page_url: str) -> PassFacts | None:
    """What a member's pass shows now; None for who is no member, takes no part or has no card."""
    asked = ask(
        session,
        [
            members.members_question(member_ids=(member_id,)),
            surroundings_question(session, member_ids=(member_id,)),
            ledger.balances_question(session, holder_ids=(member_id,)),
            tiers.standings_question(session, member_ids=(member_id,)),
        ],
    )
    member: Member | None = asked[0].get(member_id)
    number = card_number(member) if member is not None and member.is_active else None
    if member is None or number is None:
        return None
    around: CardSurroundings = asked[1][member_id]
    available = next((one.available for one in asked[2].get(member_id, ()) if one.unit == around.unit.code), 0)
    standing = asked[3].get(member_id)
    return PassFacts(
        member_id=member.id,
        number=number,
        member_name=member.name,
        merchant_name=around.merchant_name,
        balance=shown_points(available, scale=around.unit.scale),
        unit_name=(around.unit.name.en, around.unit.name.zh),
        tier_name=(standing.level.name.en, standing.level.name.zh) if standing else None,
        page_url=page_url,
    )


def shown_points(points: int, *, scale: int) -> str:
    """Points as people read them: groups of three, and as many digits after the point as the unit shows."""
    whole, part = divmod(abs(points), 10**scale)
    sign = "-" if points < 0 else ""
    return f"{sign}{whole:,}.{part:0{scale}d}" if scale else f"{sign}{whole:,}"


def issuers(session: ReadSession) -> tuple[PassIssuer, ...]:
    """What signs passes, without its secrets."""
    return tuple(repository.issuer_of(row) for row in session.fetch_all(repository.ISSUERS))


def issuer_kinds(session: ReadSession, *, wall: datetime) -> frozenset[IssuerKind]:
    """For which kinds passes can be signed at an instant of the wall clock, by which certificates end."""
    return frozenset(issuer.kind for issuer in issuers(session) if issuer.ends_at is None or wall < issuer.ends_at)


def sealed_issuer(session: ReadSession, *, kind: IssuerKind) -> tuple[PassIssuer, bytes] | None:
    """What signs passes of one kind, and its secrets as they are sealed; None where there is nothing."""
    row = session.fetch_one(repository.ISSUER, {"kind": kind.value})
    return None if row is None else (repository.issuer_of(row), bytes(row["sealed"]))
