"""Credentials that are none: looking them up is work, which the address pays for that they come from."""

import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from services.gateway.execution.charging import REJECTED_COST
from services.platform.auth.principals import Authenticator, Reached
from services.platform.db.engine import open_database
from services.platform.limits.buckets import Buckets
from services.platform.limits.domain import Quota
from tests.integration.gateway.limits.conftest import CAPACITY, OpenGateway
from tests.integration.gateway.live.client import connected
from tests.integration.gateway.live.conftest import serving
from tests.support.graphql_client import POOL_SIZE, GraphQLClient, fresh_key, gateway_services
from tests.support.tenants import DatabaseUrls

LOOKUPS_MAX = CAPACITY // REJECTED_COST
TENANT = "{ tenant { slug } }"


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each token has been looked up."""
    counted: Counter[str] = Counter()
    reach = Authenticator.reach

    def counting(self: Authenticator, *, token: str | None, tenant_slug: str | None, host: str | None) -> Reached:
        counted[token or ""] += 1
        return reach(self, token=token, tenant_slug=tenant_slug, host=host)

    monkeypatch.setattr(Authenticator, "reach", counting)
    return counted


def _bad_tokens() -> Iterator[str]:
    while True:
        yield f"rk_{secrets.token_hex(8)}_{'A' * 43}"


def _exhaust(client: GraphQLClient) -> None:
    """Send bad tokens until they are no longer looked up."""
    for _, token in zip(range(LOOKUPS_MAX + 10), _bad_tokens(), strict=False):
        if client.as_(token).execute(TENANT).status == 429:
            return
    raise AssertionError("bad tokens were looked up without end")


def test_bad_tokens_are_looked_up_so_often_and_then_refused(limited: GraphQLClient, lookups: Counter[str]) -> None:
    tokens = _bad_tokens()
    codes = Counter(limited.as_(token).execute(TENANT).code for _, token in zip(range(300), tokens, strict=False))
    refused = limited.as_(next(tokens)).execute(TENANT)

    assert set(codes) == {"CREDENTIAL_INVALID", "RATE_LIMITED"}
    assert LOOKUPS_MAX <= codes["CREDENTIAL_INVALID"] <= LOOKUPS_MAX + 2
    assert sum(lookups.values()) == codes["CREDENTIAL_INVALID"]
    assert refused.status == 429
    assert refused.headers["Retry-After"] == str(refused.error["retryAfterSeconds"])
    assert refused.error["maximum"] == CAPACITY


def test_what_can_be_no_credential_costs_no_look_and_nothing(limited: GraphQLClient, lookups: Counter[str]) -> None:
    for _ in range(LOOKUPS_MAX + 3):
        assert limited.as_(None, Authorization="Basic dXNlcjpwYXNz").execute(TENANT).code == "CREDENTIAL_INVALID"

    assert lookups == {}
    # Nothing but that the host is nobody's, which is found out once.
    cost = limited.execute("{ viewer { kind } }").content["extensions"]["cost"]
    assert cost["remaining"] > CAPACITY - 2 * REJECTED_COST


def test_names_of_tenants_that_are_not_there_are_paid_for_alike(limited: GraphQLClient) -> None:
    owner = limited.sign_up("scanner")
    statuses = [
        owner.as_(owner.token, X_Tenant=f"nobody-{number}").execute(TENANT).status for number in range(LOOKUPS_MAX + 3)
    ]

    assert statuses[: LOOKUPS_MAX - 1] == [404] * (LOOKUPS_MAX - 1)
    assert statuses[-1] == 429


@pytest.mark.usefixtures("nothing_remembered")
def test_who_was_let_in_before_is_not_shut_out_by_strangers_at_the_same_address(open_gateway: OpenGateway) -> None:
    with open_gateway() as here, open_gateway(peer="203.0.113.9") as elsewhere:
        owner = here.sign_up("till-at-work")
        till, unused = owner.create_api_key("STORES_READ"), owner.create_api_key("STORES_READ")
        assert till.execute(TENANT).status == 200

        _exhaust(here)

        # Whoever makes a sandbox has everything read anew.
        owner.do("CreateSandbox", slug="till-at-play", idempotencyKey=fresh_key())
        assert till.execute(TENANT).status == 200
        assert owner.execute(TENANT).status == 200
        assert unused.execute(TENANT).code == "RATE_LIMITED"
        assert elsewhere.as_(unused.token).execute(TENANT).status == 200


def test_hosts_of_nobody_are_paid_for_where_they_are_new(limited: GraphQLClient, lookups: Counter[str]) -> None:
    asked = [limited.as_(None, Host="shop.example").execute("{ viewer { kind } }").status for _ in range(5)]
    statuses = [
        limited.as_(None, Host=f"nobody-{number}.example").execute("{ viewer { kind } }").status
        for number in range(LOOKUPS_MAX + 3)
    ]

    assert asked == [200] * 5
    assert statuses[-1] == 429
    assert sum(lookups.values()) <= LOOKUPS_MAX + 5


@pytest.mark.usefixtures("nothing_remembered")
def test_who_is_no_longer_let_in_is_a_stranger(limited: GraphQLClient) -> None:
    owner = limited.sign_up("leaver")
    assert owner.execute(TENANT).status == 200
    owner.execute("mutation { logOut { __typename } }")

    codes = [owner.execute(TENANT).code for _ in range(LOOKUPS_MAX + 3)]

    assert codes[0] == "CREDENTIAL_INVALID"
    assert codes[-1] == "RATE_LIMITED"


def test_without_valkey_bad_tokens_are_looked_up(api: GraphQLClient) -> None:
    tokens = zip(range(LOOKUPS_MAX + 10), _bad_tokens(), strict=False)

    assert {api.as_(token).execute(TENANT).code for _, token in tokens} == {"CREDENTIAL_INVALID"}


def test_sockets_with_bad_tokens_draw_from_the_same_bucket(
    database_urls: DatabaseUrls, broker_url: str, tmp_path: Path
) -> None:
    with closing(open_database(database_urls.app, pool_size=POOL_SIZE)) as database:
        services = gateway_services(database, database_urls, tmp_path)
        services.buckets.close()
        with closing(Buckets(broker_url, Quota(REJECTED_COST, 1))) as buckets:
            limited = replace(services, buckets=buckets)
            with serving(limited) as (port, _, _):
                closings = []
                for token in ("rk_0000000000000000_" + "A" * 43, "rk_0000000000000000_" + "B" * 43):
                    with connected(port) as live:
                        live.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
                        closings.append(live.closing())
        services.cost_meter.close()

    assert [(closing.code, closing.reason) for closing in closings] == [
        (4403, "Forbidden: CREDENTIAL_INVALID"),
        (1013, "RATE_LIMITED"),
    ]
