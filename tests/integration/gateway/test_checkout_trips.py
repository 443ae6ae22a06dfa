"""Round trips of a quote and of a commit as a till asks for them: the gateway adds none to those of the services."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.platform.db.engine import Database, open_database
from tests.integration.loyalty.wire import overheard
from tests.load.checkout import COMMIT, QUOTE
from tests.support.builders.documents import document
from tests.support.graphql_client import GraphQLClient, fresh_key, running_gateway
from tests.support.story import quick_services, sign_up
from tests.support.tenants import DatabaseUrls


@pytest.fixture
def single(database_urls: DatabaseUrls) -> Iterator[Database]:
    """A pool of one connection, so that one transaction comes after the other."""
    opened = open_database(database_urls.app, pool_size=1)
    yield opened
    opened.close()


@pytest.fixture
def counter(single: Database, database_urls: DatabaseUrls, tmp_path: Path) -> Iterator[GraphQLClient]:
    """A stranger's client of a gateway on that pool."""
    with running_gateway(quick_services(single, database_urls, tmp_path)) as client:
        yield client


def test_a_quote_and_a_commit_over_http_take_two_trips_each(counter: GraphQLClient) -> None:
    owner = sign_up(counter, "trips")
    store, member = owner.open_store(), owner.enroll()
    owner.publish(document())
    scopes = ["PURCHASES_READ", "PURCHASES_WRITE"]
    key = owner.do("createApiKey", "secret", name="till", scopes=scopes, storeId=store)["secret"]
    till = owner.with_token(key)
    asked = {
        "storeId": store,
        "currency": "CNY",
        "member": {"id": member},
        "lines": [{"sku": "flat-white", "quantity": "1", "amount": "2.34"}],
    }

    def commit(token: str) -> Any:
        sale = {"token": token, "source": "till", "externalId": fresh_key(), "idempotencyKey": fresh_key()}
        return till.ask(COMMIT, input=sale)

    # The key, the program and the plans of both operations are known from here on, as they are to any busy till.
    commit(till.ask(QUOTE, input=asked)["token"])

    with overheard() as quoting:
        quoted = till.ask(QUOTE, input=asked)
    with overheard() as committing:
        committed = commit(quoted["token"])

    assert (committed["points"], committed["replayed"]) == (2, False)
    # The driver ends what only reads, in a trip of its own.
    assert _of_tenants(quoting) == [12]
    assert _of_tenants(committing) == [16, 17]


def _of_tenants(messages: list[list[str]]) -> list[int]:
    """The numbers of statements of messages to tenants' schemas: what the platform remembers it asks for in between."""
    sizes, is_tenants = [], False
    for message in messages:
        if message[0].startswith("BEGIN"):
            is_tenants = "search_path TO t_" in message[1]
        if is_tenants:
            sizes.append(len(message))
    return sizes
