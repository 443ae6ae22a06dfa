"""Editing the draft, publishing it, and going back."""

from dataclasses import replace
from datetime import datetime

from psycopg.types.json import Jsonb

from services.loyalty.ledger.queries import units_in_use
from services.loyalty.programs import queries, repository
from services.loyalty.programs.domain import (
    ProgramDocument,
    document_json,
    parse_document,
    stored_document,
    template_document,
)
from services.loyalty.programs.domain.fixed import check_fixed
from services.loyalty.programs.domain.publishing import (
    AppliedTemplate,
    ApplyProgramTemplate,
    ProgramDraft,
    ProgramVersion,
    PublishedVersion,
    PublishProgram,
    RollBackProgram,
    SaveProgramDraft,
    WithdrawProgramVersion,
)
from services.loyalty.programs.errors import (
    ProgramDraftChanged,
    ProgramDraftNotFound,
    ProgramStartsInPast,
    ProgramVersionBegun,
    ProgramVersionNotFound,
)
from services.platform.db.session import UnitOfWork
from services.platform.ids import new_id


def save_draft(uow: UnitOfWork, *, command: SaveProgramDraft) -> ProgramDraft:
    """Store the draft, if nobody else has saved it meanwhile.

    Raises:
        ProgramDocumentInvalid: with every problem and its place.
        ProgramDraftChanged
    """
    document = document_json(parse_document(command.document))
    values = {"document": Jsonb(document), "now": uow.now, "revision": command.revision}
    statement = repository.INSERT_DRAFT if command.revision is None else repository.UPDATE_DRAFT
    saved = uow.fetch_one(statement, values)
    if saved is None:
        there = queries.draft(uow)
        raise ProgramDraftChanged(given_revision=command.revision, actual_revision=there.revision if there else None)
    return ProgramDraft(document, saved["revision"], uow.now)


def apply_template(uow: UnitOfWork, *, command: ApplyProgramTemplate) -> AppliedTemplate:
    """Make a template's document the draft, in place of what is there, and publish it if asked.

    Raises:
        TemplateUnknown
        ProgramDocumentInvalid: the currency or the time zone is unknown.
        ProgramUnitFixed: see `publish`.
    """
    document = template_document(command.key, currency=command.currency, timezone=command.timezone)
    values = {"document": Jsonb(document_json(document)), "now": uow.now}
    saved = uow.fetch_all(repository.REPLACE_DRAFT, values)[0]
    draft = ProgramDraft(document_json(document), saved["revision"], uow.now)
    version = publish(uow, command=PublishProgram(draft.revision)) if command.publish else None
    return AppliedTemplate(draft, version)


def publish(uow: UnitOfWork, *, command: PublishProgram) -> ProgramVersion:
    """Publish the draft as the next version, in force from now on or from a later instant.

    It begins no earlier than the last version that has begun, by whichever clock that was published.

    Raises:
        ProgramDraftNotFound, ProgramDraftChanged, ProgramStartsInPast
        ProgramDocumentInvalid: the draft was saved before a check that it does not pass.
        ProgramUnitFixed: members have points of a unit that it leaves out or counts otherwise.
    """
    draft = _lock_draft(uow)
    if draft.revision != command.revision:
        raise ProgramDraftChanged(given_revision=command.revision, actual_revision=draft.revision)
    return _publish(uow, parse_document(draft.document), effective_from=command.effective_from)


def roll_back(uow: UnitOfWork, *, command: RollBackProgram) -> ProgramVersion:
    """Publish an older version's document as the next version. The history and the draft stay as they are.

    Asked again while the version that it made is in force, or waits for the same instant, it gives that version.

    Raises:
        ProgramVersionNotFound, ProgramStartsInPast
        ProgramUnitFixed: members have points of a unit that it leaves out or counts otherwise.
    """
    _lock_draft(uow)
    older = _version(uow, command.number)
    document = stored_document(older.document)
    begun_until = _begun_until(uow)
    for made in uow.fetch_all(repository.STANDING, {"now": uow.now}):
        begins = None if made["effective_from"] <= begun_until else made["effective_from"]
        if (made["restores_number"], begins) == (older.number, command.effective_from):
            return ProgramVersion(made["id"], made["number"], document, made["effective_from"], older.number)
    return _publish(uow, document, effective_from=command.effective_from, restores_number=older.number)


def withdraw(uow: UnitOfWork, *, command: WithdrawProgramVersion) -> PublishedVersion:
    """Take back a version that has not begun. Doing it again changes nothing.

    Raises:
        ProgramVersionNotFound
        ProgramVersionBegun: it is, or was, in force.
    """
    _lock_draft(uow)
    version = _version(uow, command.number)
    if version.withdrawn_at is not None:
        return version
    if version.effective_from <= _begun_until(uow):
        raise ProgramVersionBegun(number=version.number, effective_from=version.effective_from)
    repository.insert_withdrawal(uow, version_id=version.id)
    return replace(version, withdrawn_at=uow.now)


def _lock_draft(uow: UnitOfWork) -> ProgramDraft:
    # The draft's row is also what publishers queue at, so that numbers have no gap.
    draft = repository.draft_of(uow.fetch_one(repository.LOCK_DRAFT))
    if draft is None:
        raise ProgramDraftNotFound
    return draft


def _version(uow: UnitOfWork, number: int) -> PublishedVersion:
    version = queries.published_version(uow, number=number)
    if version is None:
        raise ProgramVersionNotFound(number=number)
    return version


def _begun_until(uow: UnitOfWork) -> datetime:
    """The present instant, or the beginning of the version that began last, where a clock ahead of ours began it."""
    last = uow.fetch_all(repository.LAST_BEGUN, {"now": uow.now})[0]["at"]
    return max(uow.now, last) if last is not None else uow.now


def _publish(
    uow: UnitOfWork,
    document: ProgramDocument,
    *,
    effective_from: datetime | None,
    restores_number: int | None = None,
) -> ProgramVersion:
    if effective_from is not None and effective_from < uow.now:
        raise ProgramStartsInPast(effective_from=effective_from)
    standing = [stored_document(row["document"]) for row in uow.fetch_all(repository.STANDING, {"now": uow.now})]
    uses = units_in_use(uow, units={unit.code for before in standing for unit in before.units})
    for before in standing:
        check_fixed(before, document, uses=uses)
    latest = uow.fetch_all(repository.LATEST_NUMBER)[0]["number"]
    # Of versions that begin together the one with the highest number is in force: by a clock that is behind the last
    # publisher's, a version would begin before that one, and never be in force.
    begins = max(effective_from or uow.now, _begun_until(uow))
    version = ProgramVersion(new_id(), (latest or 0) + 1, document, begins, restores_number)
    repository.insert_version(uow, version=version, document=document_json(document))
    return version
