import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.loyalty.programs.domain import ProgramDocument, document_json, parse_document
from services.loyalty.programs.errors import DocumentProblem, ProgramDocumentInvalid
from tests.property.loyalty.strategies import NAMES, documents

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(documents(NAMES))
def test_a_document_comes_back_from_its_json(document: ProgramDocument) -> None:
    data = document_json(document)

    again = parse_document(json.loads(json.dumps(data)))

    assert again == document
    assert document_json(again) == data


def read(value: Any) -> ProgramDocument | tuple[DocumentProblem, ...]:
    try:
        return parse_document(value)
    except ProgramDocumentInvalid as refusal:
        return refusal.problems


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


@given(documents(NAMES), JSON_VALUES, st.data())
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
