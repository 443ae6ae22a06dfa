"""Documents known beforehand: a client names one by the SHA-256 of its text instead of sending it.

A manifest is a JSON object from hash to text, as graphql-codegen writes it (``hashAlgorithm: "sha256"``).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from services.platform.config import ConfigurationError, Settings

OWN_MANIFEST = Path(__file__).resolve().with_name("trusted-documents.json")
"""Made of ``frontend-contracts/operations``, and part of the wheel."""

PREFIX = "sha256:"


def trusted_documents(settings: Settings) -> Mapping[str, str]:
    """The trusted texts by their hash, in lower case hexadecimal digits.

    Raises:
        ConfigurationError: a manifest can't be read, or a hash is not that of its text.
    """
    found: dict[str, str] = {}
    for file in _manifests(settings.trusted_documents):
        found.update(_read(file))
    return found


def document_hash(text: str) -> str:
    """SHA-256 of a document's text, in lower case hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def manifest_of(texts: Iterable[str]) -> str:
    """The manifest of these texts, as a file holds it."""
    by_hash = {document_hash(text): text for text in texts}
    return json.dumps(dict(sorted(by_hash.items())), indent=2, ensure_ascii=False) + "\n"


def _manifests(given: Path | None) -> Iterable[Path]:
    yield OWN_MANIFEST
    if given is None:
        return
    if not given.exists():
        raise ConfigurationError(f"REGULARS_TRUSTED_DOCUMENTS names {given}, which is not there")
    yield from sorted(given.glob("*.json")) if given.is_dir() else (given,)


def _read(file: Path) -> Mapping[str, str]:
    try:
        manifest = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The manifest of trusted documents {file} can't be read: {error}") from error
    if not isinstance(manifest, dict) or not all(isinstance(text, str) for text in manifest.values()):
        raise ConfigurationError(f"The manifest of trusted documents {file} is not an object from hash to text")
    found = {name.removeprefix(PREFIX): text for name, text in manifest.items()}
    for name, text in found.items():
        if name != document_hash(text):
            raise ConfigurationError(f"{file}: {name} is not the SHA-256 of its text; set hashAlgorithm to sha256")
    return found
