"""A merchant on a gateway with a socket of its own: the page of a card needs the real API, time and all."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from services.gateway.app import create_app
from services.gateway.pages import page_routes
from services.platform.db.engine import open_database
from tests.browser.conftest import DIST, WELCOME
from tests.support.graphql_client import POOL_SIZE, GatewayThread, GraphQLClient, fresh_key, gateway_services
from tests.support.tenants import DatabaseUrls

ANSWER_SECONDS_MAX = 60.0

Text = Mapping[str, str]


class ServedGateway(GatewayThread):
    """A gateway that is reached over its socket."""

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, f"{self._origin}{path}", timeout=ANSWER_SECONDS_MAX, **options)


@dataclass(frozen=True)
class Merchant:
    """A merchant's owner, and the one store."""

    origin: str
    owner: GraphQLClient
    store_id: str
    slug: str

    def enroll(self, name: str, locale: str) -> str:
        outcome = self.owner.do(
            "EnrollMember",
            identities=[{"kind": "EMAIL", "value": f"{fresh_key()}@member.example"}],
            locale=locale,
            name=name,
            idempotencyKey=fresh_key(),
        )
        member_id: str = outcome["member"]["id"]
        return member_id

    def link(self, member_id: str) -> str:
        """A link to the member's card, as the member gets it."""
        url: str = self.owner.do("CreateWalletLink", memberId=member_id)["url"]
        assert url.startswith(f"{self.origin}/w/{self.slug}#rl_")
        return url

    def buy(self, member_id: str, amounts: list[str]) -> None:
        """Record a purchase for each amount, in one batch."""
        purchases = [
            {
                "source": "till",
                "externalId": fresh_key(),
                "storeId": self.store_id,
                "currency": "CNY",
                "lines": [{"sku": "latte", "quantity": "1", "amount": amount}],
                "member": {"id": member_id},
                "idempotencyKey": fresh_key(),
            }
            for amount in amounts
        ]
        results = self.owner.do("RecordPurchases", purchases=purchases)["results"]
        assert {one["result"]["__typename"] for one in results} == {"RecordPurchasePayload"}

    def open_store(self, name: str, address: str) -> str:
        """Open one more store; its id."""
        made = self.owner.do(
            "CreateStore", code=fresh_key(), name=name, address=address, timezone="Asia/Shanghai", currency="CNY"
        )
        store_id: str = made["store"]["id"]
        return store_id

    def coupon(self, member_id: str, name: Text, about: Text, percent: str, **more: Any) -> None:
        """Give a member a coupon of a kind of its own: percent off, for a month, unless ``more`` says otherwise."""
        terms = {
            "name": name,
            "description": about,
            "benefit": {"kind": "PERCENT", "percent": percent},
            "validDays": 30,
            **more,
        }
        made = self._told(
            "createCouponDefinition", "couponDefinition { id }", {"code": fresh_key().upper(), "terms": terms}
        )
        wish = {"couponDefinitionId": made["couponDefinition"]["id"], "member": {"id": member_id}}
        self._told("assignCoupon", "replayed", {**wish, "idempotencyKey": fresh_key()})

    def _told(self, mutation: str, selection: str, wish: Mapping[str, Any]) -> Any:
        """The payload of a mutation that has no operation of its own."""
        kind = mutation[0].upper() + mutation[1:]
        document = (
            f"mutation ($input: {kind}Input!) {{ {mutation}(input: $input) {{ __typename"
            f" ... on {kind}Payload {{ {selection} }} ... on Error {{ code message }} }} }}"
        )
        outcome = self.owner.execute(document, {"input": wish}).data[mutation]
        assert outcome["__typename"] == f"{kind}Payload", outcome
        return outcome

    def reward(self, kind: str, name: Text, about: Text, cost: int, stock: int | None, **terms: Any) -> None:
        wish = {"kind": kind, "name": name, "description": about, "costPoints": cost, "stock": stock, "terms": terms}
        outcome = self.owner.do("CreateReward", code=fresh_key(), **wish)
        assert outcome["__typename"] == "CreateRewardPayload", outcome


@contextmanager
def open_merchant(urls: DatabaseUrls, home: Path, *, slug: str, name: str) -> Iterator[Merchant]:
    """A merchant with a store and a café's program, on a gateway that runs until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    database = open_database(urls.app, pool_size=POOL_SIZE)
    services = gateway_services(database, urls, home)
    services = replace(services, settings=replace(services.settings, base_url=origin))
    app = create_app(services, pages=page_routes(dist=DIST, welcome=lambda: WELCOME))
    server = uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        stranger = GraphQLClient(ServedGateway(origin))
        owner = stranger.sign_up(slug, merchantName=name)
        owner.publish_template()
        yield Merchant(origin, owner, owner.create_store(), slug)
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()
        services.cost_meter.close()
        services.buckets.close()
        database.close()
