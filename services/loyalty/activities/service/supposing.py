"""What an activity that nobody has told of would meet: the same checks and rules, nothing locked, nothing written."""

from uuid import UUID

from services.loyalty.activities import repository
from services.loyalty.activities.domain import Happening, RecordActivity
from services.loyalty.activities.errors import ActivityRepeated
from services.loyalty.activities.service.counters import read_counters
from services.loyalty.activities.service.judging import evaluated
from services.loyalty.activities.service.record_activity import Arrived, done_of, done_statements, verified
from services.loyalty.activities.service.scene import Observed, Scene
from services.loyalty.earning import queries as earning
from services.loyalty.earning.domain import FrozenInputs, freeze
from services.loyalty.members import queries as members
from services.loyalty.members.errors import MemberNotFound
from services.loyalty.programs.queries import versions_read
from services.loyalty.tiers.domain import TierRecord, ladder_of
from services.loyalty.tiers.queries import records_read
from services.platform.db.session import ReadSession
from services.platform.ids import new_id


def suppose_activity(session: ReadSession, *, command: RecordActivity) -> FrozenInputs | None:
    """What would be kept of an activity's evaluation if it were recorded now; None where no rule would be asked.

    Of the command its key and external id do not matter.

    Raises:
        ActivityRepeated: it counts once, and has been told of.
        And what `record_activity` refuses of a deed.
    """
    occurred_at = command.occurred_at or session.now
    store_id = getattr(command.deed, "store_id", command.store_id)
    member_id = members.resolved(session, ref=command.member, store_id=store_id)
    moments = sorted({occurred_at, session.now})
    versions = versions_read(session, instants=moments)
    records = records_read(session, member_ids=(member_id,), instants=moments)
    rows = session.fetch_pipeline(
        [
            members.earners_statement(member_ids=(member_id,)),
            earning.cap_uses_statement(member_ids=(member_id,), first=moments[0], last=moments[-1]),
            versions.statement,
            *records.statements,
            *(done := done_statements(command, member_id, store_id, occurred_at)),
        ]
    )
    earner_rows, cap_rows, version_rows, *rest = rows
    record_rows, done_rows = rest[: len(rest) - len(done)], rest[len(rest) - len(done) :]
    earner = members.earners_of(earner_rows).get(member_id)
    if earner is None:
        raise MemberNotFound(member_id=member_id)
    store, has_bought = done_of(done_rows, store_id=store_id, occurred_at=occurred_at)
    scene = Scene({}, versions.versions(version_rows), "")
    arrived = Arrived(member_id, scene, store, has_bought=has_bought)
    happening = verified(session, command, arrived, occurred_at)
    _refuse_repeated(session, happening)
    version, present = scene.version(occurred_at), scene.version(session.now)
    if version is None or present is None or not earner.is_active:
        return None
    found = records.completed(records.records(record_rows), ladder_of(present))
    event, evaluation = evaluated(
        version,
        Observed(earner, found.get(member_id, TierRecord()), cap_rows),
        happening,
        activity_id=new_id(),
        store=store,
        counted=read_counters(session, version, member_id, happening),
        now=session.now,
    )
    return freeze(evaluation, event, program_version_id=version.id)


def _refuse_repeated(session: ReadSession, happening: Happening) -> None:
    if happening.once_key is None:
        return
    values = {"source": "", "external_id": "", "once_key": happening.once_key}
    row = session.fetch_one(repository.KNOWN, values)
    if row is not None:
        known_id: UUID = row["id"]
        raise ActivityRepeated(kind=row["trigger"], activity_id=known_id)
