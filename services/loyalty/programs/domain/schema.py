"""The published JSON Schema of the program document, made of the same declaration as the parser.

What a schema cannot say stays with the parser: known zones and currencies, unique ids and codes, ascending thresholds,
names that must exist elsewhere in the document, fields of conditions and their types.
"""

from services.loyalty.programs.domain.codec import Definitions
from services.loyalty.programs.domain.declaration import DOCUMENT
from services.loyalty.programs.domain.document import DOCUMENT_VERSION

SCHEMA_FILE = "program-document-v2.schema.json"


def document_schema() -> dict[str, object]:
    """The schema (JSON Schema, draft 2020-12), as published in ``SCHEMA_FILE``."""
    definitions: Definitions = {}
    whole = DOCUMENT.schema(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:regulars:program-document:v{DOCUMENT_VERSION}",
        "title": f"Program document, version {DOCUMENT_VERSION}",
        **whole,
        "required": ["version", *whole["required"]],
        "properties": {"version": {"const": DOCUMENT_VERSION}, **whole["properties"]},
        "$defs": definitions,
    }
