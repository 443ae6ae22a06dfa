"""Members with what belongs to them, as JSON that the database writes: building objects is what costs most."""

from collections.abc import Sequence

from psycopg.rows import DictRow

from services.loyalty.profiles import repository
from services.loyalty.profiles.domain import Profile, ProfileSource
from services.loyalty.programs.queries import in_force, presumed_version, presumed_wrongly, versions_read
from services.platform.db.selected_json import NotPickable, Pick
from services.platform.db.session import ReadSession


class Picked:
    """What is picked of a member. The statements for it are put together once."""

    def __init__(self, picks: tuple[Pick, ...]) -> None:
        """What is picked.

        Raises:
            NotPickable: the database can't write all of it.
        """
        self.has_tier = any(pick.name == repository.TIER for pick in picks)
        self.statements = repository.Statements(picks)


def profiles(
    session: ReadSession, *, picked: Picked, source: ProfileSource, is_last: bool = True
) -> tuple[Profile, ...] | None:
    """The members of a source, each with what was picked, in one round trip; the session ends with the last.

    The ladder of the program in force is presumed to be the one that this process has seen last. None where it is
    another by now: then it has been seen, so ask again, after the last in a session of its own.

    Raises:
        NotPickable: only Python knows what tiers there are, by some programs, and of members about whose tier something
            is to be decided.
    """
    if not picked.has_tier:
        statement = picked.statements.of(source, version=None, now=session.now)
        (rows,) = session.fetch_pipeline([statement], is_last=is_last)
        return _profiles(rows)
    read = versions_read(session, instants=(session.now,))
    presumed = presumed_version(session)
    statement = picked.statements.of(source, version=presumed, now=session.now)
    version_rows, rows = session.fetch_pipeline([read.statement, statement], is_last=is_last)
    version = in_force(read.versions(version_rows), at=session.now)
    if version == presumed:
        return _profiles(rows)
    if presumed is not None:
        presumed_wrongly(session, presumed)
    return None


def _profiles(rows: Sequence[DictRow]) -> tuple[Profile, ...]:
    if not all(row["is_settled"] for row in rows):
        raise NotPickable(repository.TIER)
    return tuple(Profile(row["id"], row["profile"]) for row in rows)
