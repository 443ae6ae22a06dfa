"""Documents are parsed once, bounded in what they take, and known by their hash where they are trusted."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from graphql import build_schema

from services.gateway.context.errors import (
    DocumentHashMismatch,
    DocumentNotTrusted,
    PersistedQueryNotFound,
    QueryLimitExceeded,
    QuerySyntaxInvalid,
)
from services.gateway.graphql import documents as documents_module
from services.gateway.graphql.documents import Documents
from services.gateway.graphql.limits import LENGTH_MAX
from services.gateway.graphql.trusted import OWN_MANIFEST, document_hash, manifest_of, trusted_documents
from services.platform.config import ConfigurationError, Settings, settings_from_environment

SCHEMA = build_schema(
    "type Query { shop: Shop! name: String near(id: ID!): Shop } type Shop { name: String near: Shop }"
)
NAME = "query Name { name }"
TRUSTED: Mapping[str, str] = {document_hash(NAME): NAME}
UNKNOWN = "0" * 64


def settings(**changes: str) -> Settings:
    required = {
        "REGULARS_SECRET": "s" * 32,
        "REGULARS_BROKER_URL": "redis://broker",
        "REGULARS_DATABASE_URL": "postgresql://database",
        "REGULARS_SMTP_URL": "smtp://mail",
    }
    return settings_from_environment({**required, **changes})


@pytest.fixture
def few_bytes(monkeypatch: pytest.MonkeyPatch) -> int:
    """Room for ten long documents, so that a test need not make hundreds."""
    size = 10 * LENGTH_MAX
    monkeypatch.setattr(documents_module, "REMEMBERED_BYTES_MAX", size)
    return size


def test_a_document_is_prepared_once() -> None:
    documents = Documents(SCHEMA)
    first, _ = documents.prepare("{ name }")

    again, _ = documents.prepare("{ na" + "me }")

    assert first is not None
    assert again is first


def test_the_documents_that_are_not_used_are_forgotten_by_their_size(few_bytes: int) -> None:
    documents = Documents(SCHEMA)
    used, _ = documents.prepare("{ name }")
    unused, _ = documents.prepare("{ shop { name } }")
    rounds = few_bytes // LENGTH_MAX + 1

    for n in range(rounds):
        documents.prepare("{ name } # " + str(n).ljust(LENGTH_MAX - 11))
        documents.prepare("{ name }")

    assert documents.prepare("{ name }")[0] is used
    assert documents.prepare("{ shop { name } }")[0] is not unused


def test_rubbish_is_not_remembered() -> None:
    documents = Documents(SCHEMA)

    first, first_errors = documents.prepare("{ nothing }")
    second, second_errors = documents.prepare("{ nothing }")

    assert first is second is None
    assert [error.message for error in first_errors] == ["Cannot query field 'nothing' on type 'Query'."]
    assert first_errors[0] is not second_errors[0]


def test_trusted_documents_stay_however_many_others_come(few_bytes: int) -> None:
    documents = Documents(SCHEMA, TRUSTED)
    first, _ = documents.find(None, document_hash(NAME))

    for n in range(few_bytes // LENGTH_MAX + 2):
        documents.prepare("{ name } # " + str(n).ljust(LENGTH_MAX - 11))

    assert documents.find(None, document_hash(NAME))[0] is first
    assert documents.find(NAME, document_hash(NAME))[0] is first
    assert documents.find(NAME, None)[0] is first


@pytest.mark.parametrize("document_id", [UNKNOWN, "", "x-mine:1", document_hash(NAME).upper()])
def test_hashes_that_nobody_knows(document_id: str) -> None:
    with pytest.raises(PersistedQueryNotFound):
        Documents(SCHEMA, TRUSTED).find(None, document_id)


def test_a_hash_that_contradicts_its_text() -> None:
    with pytest.raises(DocumentHashMismatch):
        Documents(SCHEMA, TRUSTED).find("{ shop { name } }", document_hash(NAME))


def test_other_texts_are_refused_where_only_trusted_ones_run() -> None:
    documents = Documents(SCHEMA, TRUSTED, trusted_only=True)

    assert documents.find(NAME, None)[0] is documents.find(None, document_hash(NAME))[0] is not None
    for text, document_id in (("{ name }", None), ("{ name }", document_hash("{ name }"))):
        with pytest.raises(DocumentNotTrusted):
            documents.find(text, document_id)


@pytest.mark.parametrize(
    ("text", "dimension", "requested"),
    [
        ("{ name }" + " " * LENGTH_MAX, "length", LENGTH_MAX + 8),
        ("{ shop { " + "near { name } " * 400 + "} }", "comparisons", 10_001),
        ("{ shop { " + "... { near { name near { name } } } " * 100 + "} }", "comparisons", 10_001),
        ('{ near(id: "tokens nested too deeply") { ' + "name " * 2_000 + "} }", "tokens", 2_001),
    ],
)
def test_documents_that_would_take_long(text: str, dimension: str, requested: int) -> None:
    with pytest.raises(QueryLimitExceeded) as caught:
        Documents(SCHEMA).prepare(text)

    assert (caught.value.dimension, caught.value.requested) == (dimension, requested)


@pytest.mark.parametrize("value", ['"hunter2"', '"""hunter2"""', "90210", "902.10", '"has tokens. Parsing aborted."'])
def test_a_syntax_error_does_not_repeat_values(value: str) -> None:
    with pytest.raises(QuerySyntaxInvalid) as caught:
        Documents(SCHEMA).prepare("{ name " + value + " }")

    assert caught.value.detail.startswith("Expected Name, found ")
    assert value.strip('"') not in caught.value.detail


def test_the_example_operations_are_trusted_and_so_are_the_manifests_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(manifest_of([NAME]))
    (tmp_path / "b.json").write_text(json.dumps({f"sha256:{document_hash('{ a }')}": "{ a }"}))

    own = trusted_documents(settings())
    of_a_file = trusted_documents(settings(REGULARS_TRUSTED_DOCUMENTS=str(tmp_path / "a.json")))
    of_a_folder = trusted_documents(settings(REGULARS_TRUSTED_DOCUMENTS=str(tmp_path)))

    assert own == json.loads(OWN_MANIFEST.read_text())
    assert of_a_file == {**own, **TRUSTED}
    assert of_a_folder == {**own, **TRUSTED, document_hash("{ a }"): "{ a }"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[]", "is not an object from hash to text"),
        ('{"a": 1}', "is not an object from hash to text"),
        ("{", "can't be read"),
        (json.dumps({UNKNOWN: NAME}), f"{UNKNOWN} is not the SHA-256 of its text"),
    ],
)
def test_manifests_that_can_not_be_right(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(content)

    with pytest.raises(ConfigurationError, match=complaint):
        trusted_documents(replace(settings(), trusted_documents=file))


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="which is not there"):
        trusted_documents(replace(settings(), trusted_documents=tmp_path / "none.json"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REGULARS_DOCUMENTS", "some"),
        ("REGULARS_ALLOWED_ORIGINS", "app.example.com"),
        ("REGULARS_ALLOWED_ORIGINS", "https://app.example.com/"),
        ("REGULARS_ALLOWED_ORIGINS", "https://a.example.com, null"),
    ],
)
def test_settings_that_mean_nothing(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        settings(**{name: value})


def test_origins_are_listed_with_commas_or_spaces() -> None:
    given = settings(REGULARS_ALLOWED_ORIGINS="https://a.example.com, http://localhost:5173 *")

    assert given.allowed_origins == ("https://a.example.com", "http://localhost:5173", "*")
    assert settings().allowed_origins == ()
    assert settings().documents == "any"
