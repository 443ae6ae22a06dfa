"""Members with what belongs to them, as JSON that the database writes: building objects is what costs most."""

from services.loyalty.members.selected import MembersFrom
from services.loyalty.profiles import repository
from services.loyalty.profiles.domain import Profile, ProfileSource
from services.loyalty.programs.queries import version_in_force
from services.platform.db.selected_json import NotPickable, Pick
from services.platform.db.session import ReadSession


def is_pickable(picks: tuple[Pick, ...]) -> bool:
    """Whether the database can write all of it."""
    try:
        repository.compose(picks, MembersFrom.ID, has_tiers=True)
    except NotPickable:
        return False
    return True


def profiles(session: ReadSession, *, picks: tuple[Pick, ...], source: ProfileSource) -> tuple[Profile, ...]:
    """The members of a source, each with what was picked. The session ends with it.

    Raises:
        NotPickable: see `is_pickable`.
    """
    has_tier = any(pick.name == repository.TIER for pick in picks)
    version = version_in_force(session, at=session.now) if has_tier else None
    statement = repository.profiles_statement(
        picks, source, tiers=version.document.tiers if version else None, now=session.now
    )
    (rows,) = session.fetch_pipeline([statement], is_last=True)
    return tuple(Profile(row["id"], row["profile"]) for row in rows)
