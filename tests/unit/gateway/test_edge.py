"""Small things at the edge: languages, failures that heal, sentences, inputs as they were sent."""

import pytest
from graphql import GraphQLError
from structlog.testing import capture_logs

from services.gateway.context.errors import Forbidden, ServiceUnavailable
from services.gateway.context.request import Locale, RequestContext, preferred_locale
from services.gateway.execution.healing import ATTEMPTS_MAX, is_transient, waits
from services.gateway.graphql.answers import answer_errors, describe
from services.gateway.graphql.errors import described_error, error_type
from services.gateway.graphql.sentences import sentence
from services.loyalty.ledger.errors import InsufficientPoints
from services.loyalty.stores.errors import StoreNotFound
from services.platform.db.session import CommitOutcomeUnknown
from services.platform.errors import InvalidInput
from services.platform.ids import new_id

REQUEST = RequestContext(correlation_id="c-1", locale=Locale.EN)


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("", Locale.EN),
        ("zh", Locale.ZH),
        ("zh-Hant-TW", Locale.ZH),
        ("ZH-cn;q=0.5, en;q=0.4", Locale.ZH),
        ("en;q=0.5, zh;q=0.4", Locale.EN),
        ("fr, de", Locale.EN),
        ("fr, zh;q=0.1", Locale.ZH),
        ("zh;q=0", Locale.EN),
        ("zh;q=nonsense", Locale.EN),
        ("*", Locale.EN),
        (",;,;q=1", Locale.EN),
        ("fr," * 10_000 + "zh", Locale.EN),
    ],
)
def test_languages(header: str, locale: Locale) -> None:
    assert preferred_locale(header) is locale


class DriverError(Exception):
    """As drivers raise: with the SQLSTATE that the server told."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03", "57P01", "57P03", "08006", "53300", "25006", "53100"])
def test_failures_that_heal(sqlstate: str) -> None:
    assert is_transient(DriverError(sqlstate))


@pytest.mark.parametrize(
    "error",
    [DriverError("23505"), DriverError("42P01"), DriverError(None), CommitOutcomeUnknown(), ValueError(), KeyError()],
)
def test_failures_that_do_not(error: Exception) -> None:
    assert not is_transient(error)


def test_waits_are_bounded() -> None:
    pauses = list(waits())

    assert len(pauses) == ATTEMPTS_MAX - 1
    assert all(0 <= pause <= 1 for pause in pauses)


def test_sentences_name_the_facts() -> None:
    refusal = InsufficientPoints(needed=500, available=20)

    assert sentence(refusal, Locale.EN) == "500 points are needed and 20 are there."
    assert sentence(refusal, Locale.ZH) == "需要 500 积分，可用 20 积分。"


def test_what_a_client_typed_is_not_a_template() -> None:
    refusal = InvalidInput(field="{limit.__class__}", reason="BLANK")

    assert sentence(refusal, Locale.EN) == "“{limit.__class__}” may not be blank."


def test_a_reason_without_a_sentence_of_its_own_falls_back() -> None:
    assert sentence(InvalidInput(field="x", reason="NEW"), Locale.EN) == "“x” has a value that can't be used (NEW)."


def test_refusals_become_types_with_their_facts() -> None:
    store_id = new_id()

    described = described_error(StoreNotFound(store_id=store_id), Locale.EN)

    assert type(described) is error_type(StoreNotFound)
    assert described.code == "STORE_NOT_FOUND"
    assert described.message == "There is no such store."
    assert vars(described)["store_id"] != str(store_id)


def test_a_refusal_at_the_top() -> None:
    assert describe(ServiceUnavailable(retryable=True), Locale.EN)["extensions"] == {
        "code": "SERVICE_UNAVAILABLE",
        "retryable": True,
    }


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("connection to postgresql://owner:secret@db failed"),
        # A refusal that a mutation should have named is a bug of ours.
        InsufficientPoints(needed=5, available=1),
        TypeError("Cannot return null for non-nullable field Query.x."),
    ],
)
def test_what_was_not_foreseen_is_masked_and_logged_once(error: Exception) -> None:
    with capture_logs() as logs:
        answers = answer_errors([GraphQLError(str(error), original_error=error)], REQUEST)

    assert answers == [
        {
            "message": "Something went wrong on our side. Tell us the id c-1.",
            "extensions": {"code": "INTERNAL", "correlationId": "c-1"},
        }
    ]
    assert [(entry["event"], entry["log_level"], entry["exc_info"]) for entry in logs] == [
        ("operation_failed", "error", error)
    ]


def test_what_was_foreseen_is_told_and_not_logged() -> None:
    wrapped = GraphQLError("x", original_error=GraphQLError("y", original_error=Forbidden(scope="members:read")))

    with capture_logs() as logs:
        (answer,) = answer_errors([wrapped], REQUEST)

    assert answer["extensions"] == {"code": "FORBIDDEN", "scope": "members:read"}
    assert logs == []
