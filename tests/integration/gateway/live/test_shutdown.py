"""A server that ends: sockets are told, and what was begun is finished."""

from pathlib import Path

from tests.integration.gateway.live.client import connected
from tests.integration.gateway.live.conftest import a_gateway
from tests.support.story import sign_up
from tests.support.tenants import DatabaseUrls


def test_the_servers_end_closes_sockets_with_a_word(
    database_urls: DatabaseUrls, tmp_path: Path, valkey_url: str
) -> None:
    with a_gateway(database_urls, tmp_path, valkey_url) as served:
        merchant = sign_up(served.http, "ending-shop")
        with connected(served.port) as live:
            live.begin(merchant.client.token).subscribe("subscription { ledgerEntryPosted { cursor } }")
            served.wait_for_followers(1)

            served.server.should_exit = True

            assert live.closing().code == 1001
