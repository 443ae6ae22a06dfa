"""Requests whose JSON has a key twice are refused, with the place; texts that only look like it are not."""

import json

import pytest

from services.gateway.context.errors import RequestKeyRepeated, RequestMalformed
from services.gateway.context.request import Locale
from services.gateway.graphql.requests import read_json
from services.gateway.graphql.sentences import sentence

RULE = "/variables/input/document/rules/1"


@pytest.mark.parametrize(
    ("body", "path", "key"),
    [
        ('{"query": "a", "query": "b"}', "", "query"),
        ('{"query": "a", "query" : "a"}', "", "query"),
        ('{"variables":{"input":{"document":{"rules":[{"id":"a"},{"id":"b","id":"c"}]}}}}', RULE, "id"),
        ('{"variables": {"a/b~c": {"x": 1, "y": 2, "x": 3}}}', "/variables/a~1b~0c", "x"),
        ('{"a": {"b": 1, "\\u0062": 2}}', "/a", "b"),
        ('{"text": "\\":", "a": [{"b": 1, "b": 1}]}', "/a/0", "b"),
        ('{"a": {"c": 1, "c": 2}, "a": 1}', "", "a"),
    ],
)
def test_a_key_that_is_repeated_is_named_with_its_place(body: str, path: str, key: str) -> None:
    with pytest.raises(RequestKeyRepeated) as refused:
        read_json(body.encode())

    assert refused.value.facts() == {"path": path, "key": key}


def test_texts_that_look_like_keys_are_texts() -> None:
    document = {"query": '{ a(b: "\\":") }', '": {': 1, "variables": {"list": [{"a": 1}, {"a": '"a":'}], 'a" :': "b"}}

    assert read_json(json.dumps(document).encode()) == document


def test_what_is_nested_under_a_lost_value_is_bounded() -> None:
    body = b'{"a": ' + b"[" * 1_000 + b"]" * 1_000 + b', "a": 1}'

    with pytest.raises((RequestMalformed, RequestKeyRepeated)):
        read_json(body)


def test_the_refusal_says_where_and_what_to_do() -> None:
    error = RequestKeyRepeated(path="/variables/input", key="document")

    assert sentence(error, Locale.EN) == (
        "The object at “/variables/input” of the request has the key “document” more than once."
        " Keep the one that you mean, and send the request again."
    )
    assert sentence(error, Locale.ZH) == (
        "请求中“/variables/input”处的对象重复出现键“document”。请只保留需要的一个，再重新发送。"
    )
