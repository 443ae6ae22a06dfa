"""What the library says of a query reaches the client without the values that the client sent."""

import pytest
from graphql import GraphQLError

from services.gateway.context.request import Locale, RequestContext
from services.gateway.graphql.answers import answer_errors


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Expected value of type 'SignUpInput' to include required field 'name', found: {'password': 'SECRET'}.",
            "Expected value of type 'SignUpInput' to include required field 'name'",
        ),
        (
            "Expected value of type 'X' not to include unknown field 'nope'. Did you mean 'name'? Found: SECRET.",
            "Expected value of type 'X' not to include unknown field 'nope'.",
        ),
        (
            "Variable '$i' has invalid value at .password: String cannot represent a non string value: ['SECRET']",
            "Variable '$i' has invalid value at .password: String cannot represent a non string value",
        ),
        (
            "Expected value of type 'SignUpInput' to be an object, found: 'SECRET'.",
            "Expected value of type 'SignUpInput' to be an object",
        ),
        ("Cannot query field 'token' on type 'Viewer'.", "Cannot query field 'token' on type 'Viewer'."),
    ],
)
def test_values_that_were_sent_are_not_repeated(said: str, told: str) -> None:
    (answer,) = answer_errors([GraphQLError(said)], RequestContext("c", Locale.EN))

    assert answer["extensions"] == {"code": "QUERY_INVALID", "detail": told}
    assert "SECRET" not in str(answer)
