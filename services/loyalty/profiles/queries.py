"""Members with what belongs to them, as JSON that the database writes: building objects is what costs most."""

from collections.abc import Sequence

from psycopg.rows import DictRow

from services.loyalty.members.selected import MembersFrom
from services.loyalty.profiles import repository
from services.loyalty.profiles.domain import Profile, ProfileSource
from services.loyalty.programs.queries import in_force, presumed_version, presumed_wrongly, versions_read
from services.loyalty.tiers.selected import Counting
from services.platform.db.selected_json import NotPickable, Pick
from services.platform.db.session import ReadSession


def is_pickable(picks: tuple[Pick, ...]) -> bool:
    """Whether the database can write all of it."""
    try:
        repository.compose(picks, MembersFrom.ID, counting=Counting.EVER)
    except NotPickable:
        return False
    return True


def profiles(session: ReadSession, *, picks: tuple[Pick, ...], source: ProfileSource) -> tuple[Profile, ...] | None:
    """The members of a source, each with what was picked. The session ends with it, after one round trip.

    The ladder of the program in force is presumed to be the one that this process has seen last. None where it is
    another by now: then it has been seen, so ask again in a session of its own.

    Raises:
        NotPickable: see `is_pickable`; and where only Python knows what tiers there are: by some programs, and of
            members about whose tier something is to be decided.
    """
    if not any(pick.name == repository.TIER for pick in picks):
        statement = repository.profiles_statement(picks, source, version=None, now=session.now)
        (rows,) = session.fetch_pipeline([statement], is_last=True)
        return _profiles(rows)
    read = versions_read(session, instants=(session.now,))
    presumed = presumed_version(session)
    statement = repository.profiles_statement(picks, source, version=presumed, now=session.now)
    version_rows, rows = session.fetch_pipeline([read.statement, statement], is_last=True)
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
