"""Editing the draft and publishing it."""

from psycopg.types.json import Jsonb

from services.loyalty.programs import queries, repository
from services.loyalty.programs.domain import ProgramDocument, document_json, parse_document, template_document
from services.loyalty.programs.domain.publishing import (
    AppliedTemplate,
    ApplyProgramTemplate,
    ProgramDraft,
    ProgramVersion,
    PublishProgram,
    SaveProgramDraft,
)
from services.loyalty.programs.errors import ProgramDraftChanged, ProgramDraftNotFound, ProgramUnitFixed
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
    """Publish the draft as the next version, in force from now on.

    Raises:
        ProgramDraftNotFound, ProgramDraftChanged
        ProgramUnitFixed: the point unit or the currency differs from that of the versions before.
    """
    # The draft's row is also what publishers queue at, so that numbers have no gap.
    draft = repository.draft_of(uow.fetch_one(repository.LOCK_DRAFT))
    if draft is None:
        raise ProgramDraftNotFound
    if draft.revision != command.revision:
        raise ProgramDraftChanged(given_revision=command.revision, actual_revision=draft.revision)
    document = parse_document(draft.document)
    latest = uow.fetch_one(repository.LATEST)
    if latest is not None:
        _check_unit(parse_document(latest["document"]), document)
    version = ProgramVersion(new_id(), latest["number"] + 1 if latest else 1, document, uow.now)
    repository.insert_version(uow, version=version, document=draft.document)
    return version


def _check_unit(before: ProgramDocument, after: ProgramDocument) -> None:
    for field, expected, given in (
        ("unit.code", before.unit.code, after.unit.code),
        ("unit.scale", str(before.unit.scale), str(after.unit.scale)),
        ("currency", before.currency, after.currency),
    ):
        if expected != given:
            raise ProgramUnitFixed(field=field, expected=expected, given=given)
