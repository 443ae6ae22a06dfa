"""The program as clients see it."""

from datetime import datetime
from typing import Self

import strawberry

from services.gateway.graphql.fields import Info, guarded
from services.gateway.graphql.ids import encode
from services.gateway.graphql.nodes import Node
from services.gateway.graphql.pagination import (
    PAGE_DEFAULT,
    After,
    Connection,
    First,
    connect,
    encode_cursor,
    number_cursor,
    page,
)
from services.gateway.graphql.permissions import INHERITED
from services.gateway.graphql.scalars import JsonDocument
from services.gateway.graphql.text import LocalizedTextType
from services.loyalty.programs import domain, queries
from services.loyalty.programs.domain import publishing

ORDER = "programVersions"


@strawberry.type(description="The document that the merchant is editing.")
class ProgramDraft:
    document: JsonDocument = strawberry.field(description="The whole program document, version 2.")
    revision: int = strawberry.field(description="Counts the saves; give it back with the next one, and to publish.")
    updated_at: datetime = strawberry.field(description="When it was last saved.")

    @classmethod
    def from_domain(cls, draft: publishing.ProgramDraft) -> Self:
        """The draft as clients see it."""
        return cls(document=JsonDocument(draft.document), revision=draft.revision, updated_at=draft.updated_at)


@strawberry.type(description="A published program document. It never changes.")
class ProgramVersion(Node):
    number: int = strawberry.field(description="Counts the versions, from 1.")
    document: JsonDocument = strawberry.field(description="The whole program document, version 2.")
    effective_from: datetime = strawberry.field(
        description="From when on it is in force, until the next version's instant."
    )
    restores_number: int | None = strawberry.field(
        description="The number of the older version whose document it publishes again; null for a new document."
    )
    withdrawn_at: datetime | None = strawberry.field(
        description="When it was taken back, before it began; null for every version that counts."
    )

    @classmethod
    def from_domain(cls, version: publishing.ProgramVersion) -> Self:
        """A version that is in force, or is published now."""
        return cls(
            id=encode("ProgramVersion", version.id),
            number=version.number,
            document=JsonDocument(domain.document_json(version.document)),
            effective_from=version.effective_from,
            restores_number=version.restores_number,
            withdrawn_at=None,
        )

    @classmethod
    def from_history(cls, version: publishing.PublishedVersion) -> Self:
        """Any version."""
        return cls(
            id=encode("ProgramVersion", version.id),
            number=version.number,
            document=JsonDocument(version.document),
            effective_from=version.effective_from,
            restores_number=version.restores_number,
            withdrawn_at=version.withdrawn_at,
        )


@strawberry.type(description="A program to start from.")
class ProgramTemplate:
    key: domain.TemplateKey = strawberry.field(description="Names it for `applyProgramTemplate`.")
    title: LocalizedTextType = strawberry.field(description="What it is called.")
    description: LocalizedTextType = strawberry.field(description="What it does.")

    @classmethod
    def from_domain(cls, template: domain.Template) -> Self:
        """The template as clients see it."""
        return cls(
            key=template.key,
            title=LocalizedTextType.from_domain(template.title),
            description=LocalizedTextType.from_domain(template.description),
        )


@strawberry.type(description="The tenant's loyalty program.")
class Program:
    @guarded(access=INHERITED, description="What is being edited; null before the first save.")
    async def draft(self, info: Info) -> ProgramDraft | None:
        """The draft."""
        draft = await info.context.read(queries.draft)
        return ProgramDraft.from_domain(draft) if draft else None

    @guarded(access=INHERITED, description="What is in force now; null before the first publication.")
    async def current(self, info: Info) -> ProgramVersion | None:
        """The version in force."""
        version = await info.context.read(lambda session: queries.version_in_force(session, at=session.now))
        return ProgramVersion.from_domain(version) if version else None

    @guarded(access=INHERITED, description="All that was published, newest first.")
    async def versions(
        self, info: Info, first: First = PAGE_DEFAULT, after: After = None
    ) -> Connection[ProgramVersion]:
        """A page of versions."""
        asked = page(first, after)
        after_number = number_cursor(ORDER, after)
        rows = await info.context.read(
            lambda session: queries.versions_page(session, limit=asked.limit, after_number=after_number)
        )
        return connect(
            rows, asked, node=ProgramVersion.from_history, cursor=lambda version: encode_cursor(ORDER, version.number)
        )

    @guarded(access=INHERITED, description="Programs to start from.")
    async def templates(self) -> list[ProgramTemplate]:
        """The templates."""
        return [ProgramTemplate.from_domain(template) for template in domain.templates()]

    @guarded(access=INHERITED, description="The JSON Schema (draft 2020-12) of program documents, with descriptions.")
    async def schema(self) -> JsonDocument:
        """The schema."""
        return JsonDocument(domain.document_schema())
