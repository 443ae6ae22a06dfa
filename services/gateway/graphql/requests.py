"""From JSON to a GraphQL request, for every carrier (GraphQL over HTTP, draft of 2025)."""

import re
from typing import Any

import orjson

from services.gateway.context.errors import DocumentHashMismatch, RequestMalformed
from services.gateway.graphql.repeated_keys import refuse_repeated_keys
from services.gateway.graphql.runner import GraphQLRequest
from services.gateway.graphql.trusted import PREFIX

NESTING_MAX = 32
CONTAINERS_MAX = 50_000
"""Objects and lists, since a body of nothing else costs far more time than its length tells."""

_KEY = re.compile(rb'"[ \t\n\r]*:')


def read_json(body: bytes) -> dict[str, Any]:
    """The object in a body or a frame; its nesting is bounded and its texts can be stored.

    Raises:
        RequestMalformed
        RequestKeyRepeated: two values of one key, of which a reader would drop one.
    """
    # Brackets in strings count too: there is no honest text with so many of them.
    if body.count(b"{") + body.count(b"[") > CONTAINERS_MAX:
        raise RequestMalformed(reason="TOO_MANY_VALUES")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        is_deep = error.msg.startswith("depth limit exceeded")
        raise RequestMalformed(reason="NESTED_TOO_DEEPLY" if is_deep else "NOT_JSON") from error
    if not isinstance(document, dict):
        raise RequestMalformed(reason="NOT_AN_OBJECT")
    keys = _bound_nesting(document)
    # As many keys were written as were read, unless one was repeated; or a text looks like a key, which is looked at.
    if len(_KEY.findall(body)) != keys:
        refuse_repeated_keys(body)
    if b"\\u0000" in body:
        _refuse_nul([document])
    return document


def read_request(members: dict[str, Any]) -> GraphQLRequest:
    """The request that an object spells; members that we do not know are ignored.

    Raises:
        RequestMalformed: a member is missing or of a wrong kind.
        DocumentHashMismatch: two hashes that differ.
    """
    query, variables, name = members.get("query"), members.get("variables"), members.get("operationName")
    extensions = members.get("extensions")
    if variables is not None and not isinstance(variables, dict):
        raise RequestMalformed(reason="VARIABLES_NOT_AN_OBJECT")
    if name is not None and not isinstance(name, str):
        raise RequestMalformed(reason="OPERATION_NAME_NOT_A_STRING")
    if extensions is not None and not isinstance(extensions, dict):
        raise RequestMalformed(reason="EXTENSIONS_NOT_AN_OBJECT")
    document_id = _document_id(members.get("documentId"), (extensions or {}).get("persistedQuery"))
    if query is None and document_id is not None:
        return GraphQLRequest(None, variables or {}, name, document_id)
    if not isinstance(query, str) or not query.strip():
        raise RequestMalformed(reason="QUERY_MISSING")
    return GraphQLRequest(query, variables or {}, name, document_id)


def _document_id(given: object, persisted: object) -> str | None:
    """The hash of the document, by the draft's ``documentId`` or by Apollo's ``extensions.persistedQuery``."""
    if given is not None and not isinstance(given, str):
        raise RequestMalformed(reason="DOCUMENT_ID_NOT_A_STRING")
    document_id = None if given is None else given.removeprefix(PREFIX)
    if persisted is None:
        return document_id
    if not isinstance(persisted, dict) or not isinstance(persisted.get("sha256Hash"), str):
        raise RequestMalformed(reason="PERSISTED_QUERY_MALFORMED")
    by_apollo: str = persisted["sha256Hash"]
    if document_id not in (None, by_apollo):
        raise DocumentHashMismatch
    return by_apollo


def _bound_nesting(document: dict[str, Any]) -> int:
    """How many keys there are in all."""
    level: list[Any] = [document]
    keys = 0
    for _ in range(NESTING_MAX + 1):
        containers = [value for value in level if isinstance(value, dict | list)]
        if not containers:
            return keys
        keys += sum(len(value) for value in containers if isinstance(value, dict))
        level = [child for value in containers for child in (value.values() if isinstance(value, dict) else value)]
    raise RequestMalformed(reason="NESTED_TOO_DEEPLY")


def _refuse_nul(values: list[Any]) -> None:
    """No text of ours may hold NUL, which PostgreSQL can't store."""
    while values:
        value = values.pop()
        if isinstance(value, str) and "\0" in value:
            raise RequestMalformed(reason="NUL_CHARACTER")
        if isinstance(value, dict):
            values.extend(value)
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)
