"""The draft, the version in force, and the history."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from services.loyalty.programs import repository
from services.loyalty.programs.domain import ProgramDocument, stored_document
from services.loyalty.programs.domain.differences import Change, differences
from services.loyalty.programs.domain.publishing import ProgramDraft, ProgramVersion, PublishedVersion
from services.platform.db.session import ReadSession, Statement


@dataclass(frozen=True, slots=True)
class VersionsRead:
    """A read of versions, for a pipeline: its statement, and what makes versions of its rows."""

    statement: Statement
    session: ReadSession
    known: dict[UUID, ProgramVersion]

    def versions(self, rows: Iterable[DictRow]) -> tuple[ProgramVersion, ...]:
        """The versions in the statement's rows."""
        return repository.versions_of(self.session, rows, known=self.known)


def versions_read(
    session: ReadSession, *, instants: Collection[datetime] = (), version_id: UUID | None = None
) -> VersionsRead:
    """Read the versions in force at instants, and one by id; parsed documents are not read again."""
    statement, known = repository.versions_statement(session, instants=instants, version_id=version_id)
    return VersionsRead(statement, session, known)


def in_force(versions: Iterable[ProgramVersion], *, at: datetime) -> ProgramVersion | None:
    """Of versions that were read for the instant ``at`` (and others), the one in force then."""
    begun = [version for version in versions if version.effective_from <= at]
    return max(begun, key=lambda version: (version.effective_from, version.number), default=None)


def presumed_version(session: ReadSession) -> ProgramVersion | None:
    """The version in force now, as far as this process knows; after a publication or a restore it is another."""
    _, known = repository.versions_statement(session)
    return in_force(known.values(), at=session.now)


def presumed_wrongly(session: ReadSession, version: ProgramVersion) -> None:
    """Presume a version no more; one that a restored backup does not hold would be presumed for ever."""
    repository.forget(session, version.id)


def draft(session: ReadSession) -> ProgramDraft | None:
    """The document that is being edited, if any."""
    return repository.draft_of(session.fetch_one(repository.DRAFT))


def version_in_force(session: ReadSession, *, at: datetime) -> ProgramVersion | None:
    """The version in force at an instant; None before the first."""
    read = versions_read(session, instants=(at,))
    return in_force(read.versions(session.fetch_all(read.statement.query, read.statement.values)), at=at)


def version_by_id(session: ReadSession, *, version_id: UUID) -> ProgramVersion | None:
    """A version, or None."""
    read = versions_read(session, version_id=version_id)
    return next(iter(read.versions(session.fetch_all(read.statement.query, read.statement.values))), None)


def versions_page(session: ReadSession, *, limit: int, after_number: int | None = None) -> tuple[PublishedVersion, ...]:
    """The history, newest first, from before the version numbered ``after_number``."""
    rows = session.fetch_all(repository.PAGE, {"after": after_number, "limit": limit})
    return tuple(repository.published_of(row) for row in rows)


def published_version(session: ReadSession, *, number: int) -> PublishedVersion | None:
    """One version of the history, or None."""
    row = session.fetch_one(repository.BY_NUMBER, {"number": number})
    return None if row is None else repository.published_of(row)


def published_by_id(session: ReadSession, *, version_id: UUID) -> PublishedVersion | None:
    """One version of the history, or None."""
    row = session.fetch_one(repository.BY_ID, {"id": version_id})
    return None if row is None else repository.published_of(row)


def changes(session: ReadSession, *, before: int | None, after: int | None) -> tuple[Change, ...] | None:
    """What differs between two documents: versions by their number, the draft for None. None where one is not there."""
    old, new = _document(session, before), _document(session, after)
    return None if old is None or new is None else differences(old, new)


def _document(session: ReadSession, number: int | None) -> ProgramDocument | None:
    found = draft(session) if number is None else published_version(session, number=number)
    return None if found is None else stored_document(found.document)
