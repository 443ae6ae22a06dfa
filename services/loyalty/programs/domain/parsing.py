"""From JSON to a typed program document and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from services.loyalty.programs.domain.declaration import DOCUMENT, check_agreement
from services.loyalty.programs.domain.document import DOCUMENT_VERSION, ProgramDocument
from services.loyalty.programs.domain.places import place_at
from services.loyalty.programs.domain.reading import ABSENT, Reader
from services.loyalty.programs.domain.upgrading import upgraded
from services.loyalty.programs.errors import ProblemCode, ProgramDocumentInvalid

_VERSION = "version"


def parse_document(data: Mapping[str, object]) -> ProgramDocument:
    """The typed form of a program document in JSON, of this version or an older one.

    Raises:
        ProgramDocumentInvalid: with all its problems, each with its place (no more than the first 200). The places
            in an older document are those of what it becomes.
    """
    reader = Reader()
    content = _upgraded(data)
    document = _read(reader, content)
    if not reader.problems:
        check_agreement(reader, document, "")
    if reader.problems:
        problems = tuple(replace(found, place=place_at(content, found.path)) for found in reader.problems)
        raise ProgramDocumentInvalid(problems=problems)
    return document


def stored_document(data: Mapping[str, object]) -> ProgramDocument:
    """The typed form of a document that was once checked and kept.

    What its parts must agree about is not asked again: a check that is newer than the document never takes it away.

    Raises:
        ProgramDocumentInvalid: it is no document.
    """
    reader = Reader()
    document = _read(reader, _upgraded(data))
    if reader.problems:
        raise ProgramDocumentInvalid(problems=reader.problems)
    return document


def _upgraded(data: object) -> object:
    return upgraded(data) if isinstance(data, Mapping) else data


def _read(reader: Reader, data: object) -> ProgramDocument:
    if not isinstance(data, Mapping):
        return DOCUMENT.read(reader, data, "")
    content = dict(data)
    version = content.pop(_VERSION, ABSENT)
    if version is ABSENT:
        reader.note("/version", ProblemCode.MISSING)
    elif type(version) is not int or version != DOCUMENT_VERSION:
        reader.note("/version", ProblemCode.UNSUPPORTED_VERSION, {"supported": DOCUMENT_VERSION})
    return DOCUMENT.read(reader, content, "")


def document_json(document: ProgramDocument) -> dict[str, Any]:
    """The canonical JSON of a document: fixed order of keys, no member that has its default, no idle zeros."""
    return {_VERSION: DOCUMENT_VERSION, **DOCUMENT.write(document)}
