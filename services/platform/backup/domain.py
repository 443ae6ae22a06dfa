"""What a backup says of itself."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

FORMAT = 1


@dataclass(frozen=True, slots=True)
class TableCopy:
    """One table's rows as PostgreSQL's COPY writes them in text. ``schema`` is ``tenant`` or ``platform``."""

    schema: str
    name: str
    columns: tuple[str, ...]
    rows: int = 0
    sha256: str = ""

    @property
    def member(self) -> str:
        """The name of its file in the archive."""
        return f"{self.schema}/{self.name}.copy"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The head of a backup. ``facts`` are sums that the owner of the tables wants to find again, by name."""

    taken_at: datetime
    tenant_id: UUID
    slug: str
    schema_revision: str
    tables: tuple[TableCopy, ...]
    facts: Mapping[str, Any]

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(table.rows for table in self.tables)

    def content(self) -> dict[str, Any]:
        """The manifest as JSON has it."""
        return {
            "format": FORMAT,
            "taken_at": self.taken_at.isoformat(),
            "tenant_id": str(self.tenant_id),
            "slug": self.slug,
            "schema_revision": self.schema_revision,
            "tables": [
                {
                    "schema": table.schema,
                    "name": table.name,
                    "columns": list(table.columns),
                    "rows": table.rows,
                    "sha256": table.sha256,
                }
                for table in self.tables
            ],
            "facts": dict(self.facts),
        }


def manifest_of(content: Mapping[str, Any]) -> Manifest:
    """The manifest in a JSON object.

    Raises:
        KeyError, TypeError, ValueError: it is none, or of another form.
    """
    if content["format"] != FORMAT:
        raise ValueError(f"its form is {content['format']}, and only {FORMAT} is known")
    return Manifest(
        taken_at=datetime.fromisoformat(content["taken_at"]),
        tenant_id=UUID(content["tenant_id"]),
        slug=content["slug"],
        schema_revision=content["schema_revision"],
        tables=tuple(
            TableCopy(
                schema=table["schema"],
                name=table["name"],
                columns=tuple(table["columns"]),
                rows=table["rows"],
                sha256=table["sha256"],
            )
            for table in content["tables"]
        ),
        facts=content["facts"],
    )


@dataclass(slots=True)
class Tally:
    """Counts and hashes rows that pass in COPY's text form, in which a line is a row."""

    rows: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, data: bytes) -> None:
        """Take the next bytes into account."""
        self.rows += data.count(b"\n")
        self._hash.update(data)

    @property
    def sha256(self) -> str:
        """Of everything so far, in hexadecimal."""
        return str(self._hash.hexdigest())
