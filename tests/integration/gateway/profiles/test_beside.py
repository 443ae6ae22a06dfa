"""What operations ask for beside members does not keep the database from writing these, and is read with them."""

import json
from contextlib import closing
from uuid import UUID

import psycopg
import pytest

from services.gateway.graphql.pagination import PAGE_MAX
from services.loyalty.members.selected import ROWS_MAX
from services.loyalty.profiles.domain import MembersPage
from services.loyalty.profiles.queries import Picked, profiles
from services.platform.clock import wall_now
from services.platform.db.engine import open_database
from services.platform.db.homes import Home
from services.platform.db.selected_json import Pick
from services.platform.db.session import read_session
from services.platform.ids import new_id
from tests.integration.gateway.profiles.both_ways import Answered, Crowd, compare, shortcuts
from tests.support.tenants import DatabaseUrls


@pytest.mark.parametrize(
    ("document", "reads"),
    [
        ("{ members(first: 3) { edges { node { id } } } stores { edges { node { id name } } } }", 1),
        ("{ before: __typename members(first: 3) { edges { node { id tier { tier { code } } } } } }", 1),
        ("{ stores { edges { node { id } } } a: member(by: $one) { name } b: member(by: $two) { id name } }", 2),
        ("{ a: member(by: $one) { id } b: member(by: $two) { purchases { edges { node { id } } } } }", 1),
        # One that has no answer sends all of them the ordinary way; so do more than are read faster together.
        ("{ a: member(by: $one) { id } b: members(first: 0) { edges { node { id } } } }", 1),
        ("{ a: me { id } b: member(by: $one) { id } c: member(by: $two) { id } d: member(by: $one) { name } }", 0),
    ],
)
def test_beside_other_fields(crowd: Crowd, answered: Answered, document: str, reads: int) -> None:
    for name, number in (("$one", 0), ("$two", 4)):
        document = document.replace(name, f"{{ id: {json.dumps(crowd.members[number])} }}")
    for _ in range(2):
        # The library has the first turn where something is left to be executed.
        answered.clear()
        compare(crowd.owner, document)

    assert answered == [True] * reads


def test_a_page_is_planned_once(crowd: Crowd, shared_urls: DatabaseUrls) -> None:
    """Of a page of unknown length the server would make a plan each time, which takes a third of a page's time."""
    picked = Picked((Pick("id", "id"), Pick("tier", "tier", (Pick("since", "since"),))))
    home = Home(crowd.schema, new_id())
    plans = "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT m.id%%'"
    page = MembersPage(PAGE_MAX + 1, UUID(int=2**128 - 1))
    # Statements are prepared only where no pooler mixes them.
    url = shared_urls.server.direct_app_url(shared_urls.name)
    with closing(open_database(url, pool_size=1, is_prepared=True)) as database:
        for _ in range(9):
            with read_session(database, home, now=wall_now()) as session:
                profiles(session, picked=picked, source=page)
        with read_session(database, home, now=wall_now()) as session:
            found = session.fetch_all(plans)

    # The server makes a plan for each of the first five before it takes one for all.
    assert found == [{"generic_plans": 4}]


def test_the_longest_page_is_known_to_sql() -> None:
    assert ROWS_MAX == PAGE_MAX + 1


@pytest.mark.parametrize("is_shown", [True, False])
@pytest.mark.parametrize("is_page", [True, False])
def test_directives(crowd: Crowd, answered: Answered, *, is_shown: bool, is_page: bool) -> None:
    document = """
        query Some($isShown: Boolean!, $isPage: Boolean!) {
            members(first: 3) @include(if: $isPage) {
                edges { node { id ... @skip(if: $isShown) { name } ...Rest @include(if: $isShown) } }
            }
            __typename
        }
        fragment Rest on Member { tier @include(if: $isShown) { since } status @skip(if: true) }
    """
    variables = {"isShown": is_shown, "isPage": is_page}
    compare(crowd.owner, document, variables)
    answered.clear()

    found = compare(crowd.owner, document, variables)

    assert answered == [True] * is_page
    if is_page:
        assert list(found["members"]["edges"][0]["node"]) == ["id", "tier" if is_shown else "name"]


def test_what_is_beside_is_read_in_the_same_snapshot(
    crowd: Crowd, answered: Answered, shared_urls: DatabaseUrls
) -> None:
    document = "{ members(first: 3) { edges { node { id } } } stores { edges { node { name } } } }"
    before = compare(crowd.owner, document)
    answered.clear()

    with psycopg.connect(shared_urls.owner, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {crowd.schema}".encode())
        answered.then = lambda: connection.execute("UPDATE stores SET name = name || ' II'")
        try:
            meanwhile = crowd.owner.execute(document)
        finally:
            answered.then = lambda: None
        after = crowd.owner.execute(document)
        connection.execute("UPDATE stores SET name = replace(name, ' II', '')")

    assert answered == [True, True]
    assert meanwhile.data == before
    assert after.data["stores"]["edges"][0]["node"]["name"].endswith(" II")


@pytest.mark.parametrize(
    ("document", "left"),
    [
        ("{ members { edges { node { purchases { edges { cursor } } } } } }", []),
        ("{ members { edges { node { enrolledStore { id } } } } }", []),
        ("{ members { pageInfo { endCursor } } }", []),
        ("{ members { edges { node { ledger(after: null) { edges { cursor } } } } } }", []),
        ("{ members { edges { node { id } } } stores { edges { cursor } } }", ["members"]),
        ("{ a: me { id } b: me { id } }", ["a", "b"]),
        ("{ viewer { __typename } }", []),
        ("mutation { logOut { __typename } }", []),
    ],
)
def test_whatever_is_more_goes_the_ordinary_way(document: str, left: list[str]) -> None:
    assert shortcuts(document) == left
