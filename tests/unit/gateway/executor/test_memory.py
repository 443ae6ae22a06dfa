"""Plans are remembered with their documents, and count in what those may take."""

import gc
import sys
import tracemalloc
from itertools import product

import pytest
from graphql import OperationDefinitionNode, parse

from services.gateway.graphql import documents as documents_module
from services.gateway.graphql.documents import Documents, Prepared
from services.gateway.graphql.executor.plan import PlannedOperation
from tests.unit.gateway.executor.crooked import crooked_schema

SCHEMA = crooked_schema()
LIBRARY_SCHEMA = SCHEMA._schema  # noqa: SLF001  as in the runner
CHOICES = ("a", "b", "c")
BYTES_MAX = 1024 * 1024


def _text(number: int) -> str:
    variables = ", ".join(f"${name}: Boolean!" for name in CHOICES)
    fields = " ".join(f"f{place}: tree {{ name branch {{ name waiting {{ name }} }} }}" for place in range(6))
    chosen = " ".join(f"{name}: maybe @include(if: ${name}) {{ name branch {{ name }} }}" for name in CHOICES)
    return f"query Q{number}({variables}) {{ {fields} {chosen} }}"


def _plan_all(documents: Documents, number: int) -> Prepared:
    """Ask for a document in all its variants, as often as it takes to make their plans."""
    prepared, errors = documents.prepare(_text(number))
    assert prepared is not None, errors
    planned = prepared.plans.of(SCHEMA, prepared.document, prepared.operation(None))
    for choice in product((True, False), repeat=len(CHOICES)):
        values = planned.variables(dict(zip(CHOICES, choice, strict=True)))
        assert not isinstance(values, list)
        variant = planned.variant(values)
        assert variant is not None
        assert (variant.plan(), variant.plan() is None) == (None, False)
        documents.weigh(prepared)
    return prepared


def _traced(documents: Documents, count: int) -> int:
    """What so many documents with all their plans take, in bytes."""
    _plan_all(Documents(LIBRARY_SCHEMA), 0)  # what is made once and for good
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(count):
            _plan_all(documents, number)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_many_variants_of_many_documents_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents_module, "REMEMBERED_BYTES_MAX", BYTES_MAX)

    assert _traced(Documents(LIBRARY_SCHEMA), 10) < 1.5 * BYTES_MAX


def test_what_is_counted_is_what_is_taken() -> None:
    documents = Documents(LIBRARY_SCHEMA)

    taken = _traced(documents, 2)

    assert 0.6 < documents.remembered_bytes / taken < 1.6


def test_a_document_that_was_forgotten_meanwhile_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = Documents(LIBRARY_SCHEMA)
    prepared = _plan_all(documents, 1)
    monkeypatch.setattr(documents_module, "REMEMBERED_BYTES_MAX", 0)
    documents.weigh(prepared)

    documents.weigh(prepared)

    assert documents.remembered_bytes == 0
    assert documents.prepare(_text(1))[0] is not prepared


def test_a_variant_keeps_nothing_that_its_first_caller_sent_but_the_choice() -> None:
    secret = "hunter2" * 100
    document = parse("query($a: Boolean!, $w: Wish!) { again: wish(wish: $w) @include(if: $a) wish(wish: $w) }")
    (node,) = document.definitions
    assert isinstance(node, OperationDefinitionNode)
    planned = PlannedOperation(SCHEMA, document, node)
    references = sys.getrefcount(secret)

    values = planned.variables({"a": True, "w": {"word": secret}})
    assert not isinstance(values, list)
    variant = planned.variant(values)
    assert variant is not None
    assert (variant.plan(), variant.plan() is None) == (None, False)
    del values

    assert sys.getrefcount(secret) == references
