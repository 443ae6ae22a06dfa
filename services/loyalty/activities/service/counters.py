"""What judging must count beyond a member's own: everybody's caps, and how often members have bought."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.loyalty.activities.domain import Happening
from services.loyalty.earning import queries as earning
from services.loyalty.earning.domain import CapKey, kept_keys, names_asked
from services.loyalty.programs.domain import CapOwner, ProgramDocument, Trigger
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.purchases import queries as purchases
from services.platform.db.session import ReadSession, UnitOfWork

PURCHASES = "member.purchases"


@dataclass(frozen=True, slots=True)
class Counters:
    """``shared`` are everybody's caps, locked; they grow as happenings fill them. ``purchases`` are by member."""

    shared: dict[CapKey, int]
    purchases: Mapping[UUID, int]


def read_counters(session: ReadSession, version: ProgramVersion, member_id: UUID, happening: Happening) -> Counters:
    """What a happening of one member would need; nothing is locked."""
    keys = shared_keys(version.document, occurred_at=happening.occurred_at, trigger=happening.trigger)
    statements = [purchases.counts_statement(member_ids=(member_id,))]
    if keys:
        statements.append(earning.shared_uses_statement(keys))
    count_rows, *shared_rows = session.fetch_pipeline(statements)
    used = earning.cap_used(shared_rows[0]) if shared_rows else {}
    return Counters({key: used.get(key, 0) for key in keys}, purchases.counts_of(count_rows))


def counters(uow: UnitOfWork, version: ProgramVersion | None, happenings: Mapping[UUID, Happening]) -> Counters:
    """What happenings of locked members need; no round trip where no rule asks for any of it."""
    if version is None:
        return Counters({}, {})
    document = version.document
    keys = {
        key
        for each in happenings.values()
        for key in shared_keys(document, occurred_at=each.occurred_at, trigger=each.trigger)
    }
    used: Mapping[CapKey, int] = {}
    if keys:
        used = earning.cap_used(uow.fetch_pipeline(earning.locking_statements(keys))[-1])
    bought: Mapping[UUID, int] = {}
    if any(PURCHASES in names_asked(document, trigger) for trigger in {each.trigger for each in happenings.values()}):
        statement = purchases.counts_statement(member_ids=list(happenings))
        bought = purchases.counts_of(uow.fetch_all(statement.query, statement.values))
    return Counters({key: used.get(key, 0) for key in keys}, bought)


def shared_keys(document: ProgramDocument, *, occurred_at: datetime, trigger: Trigger) -> frozenset[CapKey]:
    """Everybody's caps that something of this kind may fill."""
    return frozenset(kept_keys(document, occurred_at=occurred_at, trigger=trigger, owner=CapOwner.EVERYONE))
