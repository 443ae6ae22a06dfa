"""What an activity meets: locked members with all that matters of them, and the program's versions.

Everything about a member is read after the member's lock, in the same round trip.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.earning import queries as earning
from services.loyalty.ledger import service as ledger
from services.loyalty.members import queries as members
from services.loyalty.members.domain import Earner
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.programs.queries import VersionsRead, in_force, versions_read
from services.loyalty.stores import queries as stores
from services.loyalty.tiers.domain import TierRecord, ladder_of
from services.loyalty.tiers.queries import RecordsRead, records_read
from services.platform.db.session import Statement, UnitOfWork


@dataclass(frozen=True, slots=True)
class Observed:
    """A member as rules see one."""

    earner: Earner
    record: TierRecord
    cap_rows: Sequence[DictRow]

    @property
    def member_id(self) -> UUID:
        """The member's id."""
        return self.earner.member_id


@dataclass(frozen=True, slots=True)
class Actor(Observed):
    """A locked member."""

    stored: ledger.Stored


@dataclass(frozen=True, slots=True)
class Scene:
    """Members by id, and the versions in force at the instants that were asked for."""

    actors: dict[UUID, Actor]
    versions: Sequence[ProgramVersion]
    merchant_name: str

    def version(self, at: datetime) -> ProgramVersion | None:
        """The version in force at one of the instants."""
        return in_force(self.versions, at=at)


@dataclass(frozen=True, slots=True)
class SceneRead:
    """A read of a scene, for a pipeline: its statements, and what makes a scene of their rows."""

    statements: list[Statement]
    versions: VersionsRead
    records: RecordsRead

    def scene(self, rows: Sequence[list[DictRow]], *, now: datetime) -> Scene:
        """The scene in the rows of the statements, in their order; at times one round trip more."""
        count = ledger.READING_STATEMENTS
        ledger_rows, (earner_rows, cap_rows, merchant_rows, version_rows) = rows[:count], rows[count : count + 4]
        versions = self.versions.versions(version_rows)
        present = in_force(versions, at=now)
        records = self.records.records(rows[count + 4 :])
        if present is not None:
            records = self.records.completed(records, ladder_of(present))
        earners = members.earners_of(earner_rows)
        caps: dict[UUID, list[DictRow]] = {}
        for row in cap_rows:
            caps.setdefault(row["owner_id"], []).append(row)
        actors = {
            member_id: Actor(earners[member_id], records.get(member_id, TierRecord()), caps.get(member_id, ()), stored)
            for member_id, stored in ledger.stored_by_holder(ledger_rows).items()
            if member_id in earners
        }
        return Scene(actors, versions, stores.merchant_name_of(merchant_rows))


def scene_read(
    uow: UnitOfWork, *, member_ids: Collection[UUID], instants: Collection[datetime], is_whole: bool = False
) -> SceneRead:
    """Lock members, in the order of their ids, and read what judging needs of them.

    ``is_whole`` also reads all open lots, and all that ever counted for tiers, as taking back needs.
    """
    moments = sorted({*instants, uow.now})
    versions = versions_read(uow, instants=moments)
    records = records_read(uow, member_ids=member_ids, instants=moments, is_whole=is_whole)
    statements = [
        *ledger.reading_statements(uow, holder_ids=sorted(member_ids), every_lot=is_whole),
        members.earners_statement(member_ids=member_ids),
        earning.cap_uses_statement(member_ids=member_ids, first=moments[0], last=moments[-1]),
        stores.merchant_statement(uow),
        versions.statement,
        *records.statements,
    ]
    return SceneRead(statements, versions, records)


def look(uow: UnitOfWork, *, member_ids: Collection[UUID], instants: Collection[datetime]) -> Scene:
    """The scene, at once."""
    read = scene_read(uow, member_ids=member_ids, instants=instants)
    return read.scene(uow.fetch_pipeline(read.statements), now=uow.now)
