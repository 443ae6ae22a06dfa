import json
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.loyalty.programs.domain import ProgramDocument, document_json, document_schema, parse_document
from services.loyalty.programs.domain.differences import ChangeKind, differences
from services.loyalty.programs.domain.upgrading import upgraded
from services.loyalty.programs.errors import DocumentProblem, ProgramDocumentInvalid
from tests.property.loyalty import strategies
from tests.property.loyalty.documents import ANY_NAMES, documents

SCHEMA = Draft202012Validator(document_schema())
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def shuffled(value: Any, random: Random) -> Any:
    """The same JSON with the keys of its objects in another order."""
    if isinstance(value, list):
        return [shuffled(item, random) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    random.shuffle(keys)
    return {key: shuffled(value[key], random) for key in keys}


@given(documents(names=ANY_NAMES), st.randoms(use_true_random=False))
def test_a_document_comes_back_from_its_json_whatever_the_order_of_keys(
    document: ProgramDocument, random: Random
) -> None:
    data = document_json(document)

    again = parse_document(json.loads(json.dumps(shuffled(data, random))))

    assert again == document
    assert json.dumps(document_json(again)) == json.dumps(data)
    assert differences(document, again) == ()
    SCHEMA.validate(data)


@given(strategies.documents())
def test_simple_documents_come_back_as_well(document: ProgramDocument) -> None:
    assert parse_document(document_json(document)) == document


@given(documents(rules_max=2), documents(rules_max=2))
def test_differences_turn_round(before: ProgramDocument, after: ProgramDocument) -> None:
    turned = {ChangeKind.ADDED: ChangeKind.REMOVED, ChangeKind.REMOVED: ChangeKind.ADDED}

    there = differences(before, after)
    back = differences(after, before)

    assert bool(there) == (before != after)
    assert sorted((change.path, turned.get(change.kind, change.kind)) for change in there) == sorted(
        (change.path, change.kind) for change in back
    )


def read(value: Any) -> ProgramDocument | tuple[DocumentProblem, ...]:
    try:
        return parse_document(value)
    except ProgramDocumentInvalid as refusal:
        return refusal.problems


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


@given(documents(rules_max=2), JSON_VALUES, st.data())
def test_whatever_stands_anywhere_is_read_or_named_by_its_place(
    document: ProgramDocument, value: Any, data: st.DataObject
) -> None:
    content: Any = document_json(document)
    *parents, last = data.draw(st.sampled_from(places(content)[1:]))
    place = content
    for step in parents:
        place = place[step]
    place[last] = value

    outcome = read(content)

    if isinstance(outcome, ProgramDocument):
        assert read(document_json(outcome)) == outcome
        # What the parser takes the schema takes, once it says what it means today: it never asks for more.
        assert SCHEMA.is_valid(upgraded(content))
    else:
        assert 0 < len(outcome) <= 200
        for problem in outcome:
            assert problem.path == "" or problem.path.startswith("/")
            json.dumps(dict(problem.facts))


@given(JSON_VALUES)
def test_any_json_is_refused_with_problems_and_nothing_else(value: Any) -> None:
    outcome = read(value)

    assert not isinstance(outcome, ProgramDocument)
    assert 0 < len(outcome) <= 200
