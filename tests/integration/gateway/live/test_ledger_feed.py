"""The live ledger over a WebSocket: who hears of which entries, and that none is lost."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from services.gateway.graphql import feed as feed_room
from services.gateway.graphql.ids import decode, encode
from services.loyalty.adjustments.domain import AdjustedPoints, AdjustPoints
from services.loyalty.adjustments.service import adjust_points
from services.platform.actors import SYSTEM
from services.platform.clock import wall_now
from services.platform.db.homes import tenant_home
from services.platform.db.session import unit_of_work
from tests.integration.gateway.live.client import LiveClient, connected
from tests.integration.gateway.live.conftest import Served
from tests.support.graphql_client import fresh_key
from tests.support.story import Caller, Merchant, receipt, sign_up

FEED = """
subscription($memberId: ID, $after: String) { ledgerEntryPosted(memberId: $memberId, after: $after) {
  cursor entry { id sequence points kind } member { id } balances { unit available } } }"""
USAGE = "subscription { usageChanged { since until meters { meter quantity } } }"


@pytest.fixture
def sockets(served: Served) -> Iterator[ExitStack]:
    """Where a test leaves the sockets that it opens."""
    served.wait_for_followers(0)
    with ExitStack() as stack:
        yield stack


def follow(served: Served, sockets: ExitStack, caller: Caller, **variables: str) -> tuple[LiveClient, str]:
    """A socket of a caller's that follows the ledger, and the subscription's id."""
    live = sockets.enter_context(connected(served.port)).begin(caller.client.token)
    before = served.desk.feed.followers
    id_ = live.subscribe(FEED, **variables)
    served.wait_for_followers(before + 1)
    return live, id_


def give(shop: Merchant, member: str, points: int = 1) -> str:
    """The id of a new entry."""
    done = shop.do(
        "adjustPoints", "entry { id }", member={"id": member}, points=points, reason="gift", idempotencyKey=fresh_key()
    )
    return str(done["entry"]["id"])


def heard(live: LiveClient, id_: str) -> Any:
    """The next event."""
    return live.next_data(id_)["ledgerEntryPosted"]


def test_a_purchase_is_told_with_member_and_balance(served: Served, shop: Merchant, sockets: ExitStack) -> None:
    store, member = shop.open_store(code="told"), shop.enroll()
    live, id_ = follow(served, sockets, shop)

    bought = shop.do("recordPurchase", "points", **receipt(store, "100.00", member=member))
    event = heard(live, id_)

    assert event["member"] == {"id": member}
    assert event["entry"]["sequence"] == 1
    assert event["entry"]["points"] == event["balances"][0]["available"] == bought["points"] > 0


def test_members_hear_their_own_and_nothing_else(served: Served, shop: Merchant, sockets: ExitStack) -> None:
    mine, other = shop.enroll(), shop.enroll()
    token = shop.do("createMemberToken", "token", memberId=mine)["token"]
    live, id_ = follow(served, sockets, shop.with_token(token))
    named, named_id = follow(served, sockets, shop.with_token(token), memberId=mine)

    for _ in range(3):
        give(shop, other)
        give(shop, mine)

    for socket, subscription in ((live, id_), (named, named_id)):
        events = [heard(socket, subscription) for _ in range(3)]
        assert [event["member"] for event in events] == 3 * [{"id": mine}]
        assert [event["entry"]["sequence"] for event in events] == [1, 2, 3]


def test_members_may_not_name_another(served: Served, shop: Merchant, sockets: ExitStack) -> None:
    mine, other = shop.enroll(), shop.enroll()
    token = shop.do("createMemberToken", "token", memberId=mine)["token"]
    live = sockets.enter_context(connected(served.port)).begin(token)

    (error,) = live.errors(live.subscribe(FEED, memberId=other))
    (usage,) = live.errors(live.subscribe(USAGE))

    assert error["extensions"]["code"] == usage["extensions"]["code"] == "FORBIDDEN"


def test_staff_may_follow_one_member(served: Served, shop: Merchant, sockets: ExitStack) -> None:
    one, other = shop.enroll(), shop.enroll()
    live, id_ = follow(served, sockets, shop, memberId=one)

    give(shop, other)
    entry = give(shop, one)

    assert heard(live, id_)["entry"]["id"] == entry


@pytest.mark.parametrize(
    ("scopes", "is_bound", "may"),
    [(["MEMBERS_READ"], False, True), (["MEMBERS_READ"], True, True), (["STORES_READ"], False, False)],
)
def test_keys_follow_by_the_same_rules_as_queries(
    served: Served, shop: Merchant, sockets: ExitStack, *, scopes: list[str], is_bound: bool, may: bool
) -> None:
    member = shop.enroll()
    store = shop.open_store(code=fresh_key()) if is_bound else None
    key = shop.with_token(shop.do("createApiKey", "secret", name="k", scopes=scopes, storeId=store)["secret"])
    if may:
        live, id_ = follow(served, sockets, key)
        assert heard_of(live, id_, give(shop, member))
        return

    live = sockets.enter_context(connected(served.port)).begin(key.client.token)
    (error,) = live.errors(live.subscribe(FEED))
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert key.refused("adjustPoints", member={"id": member}, points=1, reason="x", idempotencyKey="k") == "FORBIDDEN"


def heard_of(live: LiveClient, id_: str, entry: str) -> bool:
    """Whether the next event is about an entry."""
    return bool(heard(live, id_)["entry"]["id"] == entry)


def test_another_tenant_hears_nothing_of_it(served: Served, shop: Merchant, sockets: ExitStack) -> None:
    rival = sign_up(served.http, "live-rival")
    rival.start_program()
    theirs, ours = rival.enroll(), shop.enroll()
    live, id_ = follow(served, sockets, rival)
    spying, spying_id = follow(served, sockets, rival, memberId=ours)

    for _ in range(10):
        give(shop, ours)
    entry = give(rival, theirs)

    assert heard_of(live, id_, entry)
    assert spying.is_silent(seconds=0.5), spying_id


def test_a_member_goes_on_exactly_where_it_was(served: Served, shop: Merchant, sockets: ExitStack) -> None:
    member = shop.enroll()
    live, id_ = follow(served, sockets, shop, memberId=member)
    give(shop, member)
    cursor = heard(live, id_)["cursor"]
    live.send({"id": id_, "type": "complete"})
    served.wait_for_followers(0)
    missed = [give(shop, member) for _ in range(5)]

    again, again_id = follow(served, sockets, shop, memberId=member, after=cursor)
    later = give(shop, member)

    assert [heard(again, again_id)["entry"]["id"] for _ in range(6)] == [*missed, later]


def test_a_tenant_goes_on_and_loses_nothing(served: Served, shop: Merchant, sockets: ExitStack) -> None:
    member = shop.enroll()
    live, id_ = follow(served, sockets, shop)
    first = give(shop, member)
    event = heard(live, id_)
    live.send({"id": id_, "type": "complete"})
    missed = {give(shop, member) for _ in range(5)}

    again, again_id = follow(served, sockets, shop, after=event["cursor"])
    later, found = give(shop, member), list[str]()
    while later not in found:
        found.append(heard(again, again_id)["entry"]["id"])

    # What was posted in the minutes before the cursor comes again, but for the cursor's own.
    assert missed <= set(found)
    assert first not in found
    assert len(found) == len(set(found))


@pytest.mark.parametrize("cursor", ["x", "", "WyJmZWVkIl0", "WyJtZW1iZXJzIiwieCJd"])
def test_a_cursor_of_something_else_is_refused(served: Served, shop: Merchant, sockets: ExitStack, cursor: str) -> None:
    live = sockets.enter_context(connected(served.port)).begin(shop.client.token)

    (error,) = live.errors(live.subscribe(FEED, after=cursor))

    assert error["extensions"]["code"] == "INVALID_INPUT"


def test_without_a_message_of_valkey_an_entry_is_told_a_little_later(
    served: Served, shop: Merchant, sockets: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_room, "POLL_SECONDS", 0.2)
    monkeypatch.setattr(served.desk.feed, "_heard", lambda _tenants: None)
    member = shop.enroll()
    live, id_ = follow(served, sockets, shop)

    assert heard_of(live, id_, give(shop, member))


def test_a_message_of_valkey_is_what_makes_it_quick(
    served: Served, shop: Merchant, sockets: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_room, "POLL_SECONDS", 600.0)
    member = shop.enroll()
    live, id_ = follow(served, sockets, shop)

    for _ in range(3):
        assert heard_of(live, id_, give(shop, member))


def test_a_commit_that_comes_late_is_told_too(served: Served, shop: Merchant, sockets: ExitStack) -> None:
    """An entry's id is made before its commit: others may be told in between."""
    late, quick = shop.enroll(), shop.enroll()
    live, id_ = follow(served, sockets, shop)
    home = tenant_home(decode("Tenant", shop.ask("{ tenant { id } }")["id"], field="id"))

    with unit_of_work(served.database, home, now=wall_now(), actor=SYSTEM, correlation_id="late") as uow:
        gift = AdjustPoints(decode("Member", late, field="id"), 1, "gift", fresh_key(), request_hash=b"")
        given = adjust_points(uow, command=gift)
        assert isinstance(given, AdjustedPoints)
        entry_id = given.entry_id
        assert heard_of(live, id_, give(shop, quick))

    assert heard_of(live, id_, encode("LedgerEntry", entry_id))


def test_usage_is_told_at_once_and_when_it_changes(served: Served, shop: Merchant, sockets: ExitStack) -> None:
    store, member = shop.open_store(code="used"), shop.enroll()
    live = sockets.enter_context(connected(served.port)).begin(shop.client.token)
    id_ = live.subscribe(USAGE)
    first = live.next_data(id_)["usageChanged"]

    shop.do("recordPurchase", "points", **receipt(store, "100.00", member=member))
    second = live.next_data(id_)["usageChanged"]

    assert first["since"] == second["since"] < first["until"]
    assert _used(second, "purchases") == _used(first, "purchases") + 1


def _used(usage: Any, meter: str) -> int:
    return sum(each["quantity"] for each in usage["meters"] if each["meter"] == meter)
