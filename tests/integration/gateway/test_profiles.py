"""Reads of members that the database answers with JSON say what the ordinary way says, in the same order of keys."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from graphql import OperationDefinitionNode, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.graphql.executor.plan import PlannedOperation
from services.gateway.graphql.executor.selecting import Selecting
from services.gateway.graphql.members import profile_field
from services.gateway.graphql.pagination import PAGE_MAX
from services.gateway.graphql.schema import build_schema
from services.loyalty import programs
from services.loyalty.members.selected import MembersFrom
from services.loyalty.profiles.domain import MembersPage
from services.loyalty.profiles.queries import Picked, profiles
from services.platform.clock import wall_now
from services.platform.db.engine import open_database
from services.platform.db.homes import Home
from services.platform.db.selected_json import NotPickable, Pick
from services.platform.db.session import read_session
from services.platform.ids import new_id
from tests.support.graphql_client import GraphQLClient, fresh_key
from tests.support.tenants import DatabaseUrls

TEMPLATES = Path(programs.__file__).parent / "templates"

LAW = settings(
    deadline=None, derandomize=True, database=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
PLAIN = ("id", "name", "birthday", "locale", "timezone", "status", "enrolledAt", "updatedAt", "__typename")
PROFILE = ("tags", "isReferred", "profileCompletedAt")
BALANCE = ("unit", "pending", "available", "held", "owed", "earned", "spent", "expired", "reversed", "adjusted")
ENTRY = ("id", "kind", "sequence", "points", "reason", "actorKind", "occurredAt", "recordedAt", "hash", "previousHash")
TIER = ("code", "threshold", "multiplier", "name { zh en }", "t: __typename")
PROGRESS = ("qualifying", "missing", "fraction", "__typename")
ACCOUNT = ("isProgram", "purpose", "address")
PAGE_INFO = ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename")


def some(*fields: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A selection set: some of the fields, each once, in any order."""
    made = [st.just(each) if isinstance(each, str) else each for each in fields]
    picked = st.lists(st.sampled_from(range(len(made))), min_size=1, unique=True)
    return picked.flatmap(lambda places: st.tuples(*(made[place] for place in places))).map(
        lambda parts: f"{{ {' '.join(parts)} }}"
    )


def named(name: str, selection: st.SearchStrategy[str], alias: str = "") -> st.SearchStrategy[str]:
    return selection.map(lambda text: f"{alias}{name} {text}")


tiers = some(*TIER)
standings = some(
    named("tier", tiers),
    "since",
    "pointsEarned",
    named("progress", some(*PROGRESS, named("nextTier", tiers))),
    "__typename",
)
postings = some("position", "unit", "amount", named("debit", some(*ACCOUNT)), named("credit", some(*ACCOUNT)))
entries = some(*ENTRY, named("postings", postings), "__typename")
ledgers = some(
    named("edges", some("cursor", "__typename", named("node", entries))),
    named("pageInfo", some(*PAGE_INFO)),
    "__typename",
)
members = some(
    *PLAIN,
    *PROFILE,
    named("fields", some("code", "value", "__typename")),
    "other: name",
    named("identities", some("kind", "value", "__typename")),
    named("balances", some(*BALANCE, "__typename")),
    named("tier", standings),
    named("ledger(first: 2)", ledgers),
    named("ledger", ledgers, alias="long: "),
    "... on Node { node: id }",
    "... { again: status }",
)
pages = some(
    named("edges", st.tuples(some("cursor", "__typename"), members).map(lambda two: f"{two[0][:-1]} node {two[1]} }}")),
    named("pageInfo", some(*PAGE_INFO)),
    "__typename",
).filter(lambda text: "edges" in text)


@dataclass(frozen=True)
class Crowd:
    """A merchant with members to whom all sorts of things have happened."""

    owner: GraphQLClient
    cashier: GraphQLClient
    members: list[str]
    own: GraphQLClient
    schema: str
    is_lifetime: bool


class Answered(list[bool]):
    """Whether the database had an answer, read by read."""

    is_asked = True
    """Whether it is asked at all; otherwise everything goes the ordinary way."""
    then: Callable[[], object] = staticmethod(lambda: None)
    """What happens right after an answer."""


ANSWERED = Answered()


def noted(*words: Any, **named: Any) -> Any:
    if not ANSWERED.is_asked:
        raise NotPickable("anything")
    ANSWERED.append(False)
    answer = profiles(*words, **named)
    ANSWERED[-1] = answer is not None
    ANSWERED.then()
    return answer


@pytest.fixture(scope="module")
def answered() -> Iterator[list[bool]]:
    """What the database answered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profile_field, "profiles", noted)
        yield ANSWERED


@pytest.fixture(scope="module", params=["CAFE", "RETAIL", "LIFETIME"])
def crowd(
    shared_api: GraphQLClient, shared_urls: DatabaseUrls, answered: list[bool], request: pytest.FixtureRequest
) -> Crowd:
    """Tiers by points of twelve months, by money of the calendar year, and by all points that ever were."""
    slug = f"crowd-{request.param.lower()}"
    owner = shared_api.sign_up(slug)
    store = owner.create_store()
    owner.publish_template("CAFE" if request.param == "LIFETIME" else request.param)
    if request.param == "LIFETIME":
        program = json.loads((TEMPLATES / "cafe.json").read_text())["document"]
        program["tiers"] = {"metric": "points_earned", "countsPending": True, "levels": program["tiers"]["levels"]}
        for level in program["tiers"]["levels"]:
            level.pop("retention", None)
        publish(owner, program)
    members = [owner.enroll(f"m{number}@crowd.example") for number in range(7)]
    for number, member in enumerate(members[:5]):
        bought = [owner.buy(member, store, amount=f"{(number + 1) * 700}.00") for _ in range(number + 1)]
        owner.do(
            "RefundPurchase",
            purchase={"id": bought[-1]["purchase"]["id"]},
            source="till",
            externalId=fresh_key(),
            refund={"everything": True},
            idempotencyKey=fresh_key(),
        )
        owner.do(
            "AdjustPoints", member={"id": member}, points=50 - 20 * number, reason="会员日", idempotencyKey=fresh_key()
        )
    owner.execute(
        "mutation Give($input: SetMemberTierInput!) { setMemberTier(input: $input) { __typename } }",
        {
            "input": {
                "member": {"id": members[5]},
                "tier": "gold" if request.param == "RETAIL" else "insider",
                "reason": "A friend of the house",
                "until": "2099-01-01T00:00:00Z",
            }
        },
    )
    owner.execute(
        "mutation Rename($input: UpdateMemberInput!) { updateMember(input: $input) { __typename } }",
        {"input": {"memberId": members[0], "name": 'Zoë "引号" \\ 王', "birthday": "1988-02-29"}},
    )
    with psycopg.connect(shared_urls.owner, autocommit=True) as connection:
        row = connection.execute("SELECT schema_name FROM platform.tenants WHERE slug = %s", [slug]).fetchone()
        assert row is not None
        connection.execute(f"SET search_path TO {row[0]}".encode())
        # As if the clock had gone on, and the job that settles what is due had not been there yet.
        lots = "(SELECT id FROM ledger_lots WHERE remaining > 0 ORDER BY id LIMIT 1 OFFSET %s)"
        connection.execute(f"UPDATE ledger_lots SET state = 'pending' WHERE id = {lots}", [0])
        connection.execute(
            f"UPDATE ledger_lots SET expires_at = activates_at + interval '1 microsecond' WHERE id = {lots}", [1]
        )
        connection.execute(
            "UPDATE members SET enrolled_at = date_trunc('second', enrolled_at)"
            " WHERE id IN (SELECT id FROM members LIMIT 3)"
        )
        # What the program would have to declare first.
        connection.execute(
            "UPDATE members SET tags = ARRAY['b', 'é \"', 'Z'], fields = %s, profile_completed_at = enrolled_at"
            " WHERE id IN (SELECT id FROM members LIMIT 4)",
            ['{"b": 1, "B": "引号\\"", "a": true, "_": "2026-02-28"}'],
        )
        # A tier of which too little is left, and points that do not count yet.
        some = "member_id = (SELECT id FROM members ORDER BY id LIMIT 1 OFFSET %s)"
        connection.execute(f"UPDATE tier_amounts SET day = day - 800 WHERE {some}", [4])
        if request.param != "LIFETIME":
            connection.execute(f"UPDATE tier_amounts SET counted_at = counted_at + interval '1 day' WHERE {some}", [2])
    return Crowd(
        owner,
        owner.create_api_key("MEMBERS_READ", store_id=store),
        members,
        owner.as_(owner.token_of(members[1])),
        row[0],
        request.param == "LIFETIME",
    )


def publish(owner: GraphQLClient, program: dict[str, Any]) -> None:
    """Put a document in the place of the template that was published."""
    saved = owner.do("SaveProgramDraft", document=program, revision=1)
    assert saved["__typename"] == "SaveProgramDraftPayload", saved
    published = owner.do("PublishProgram", revision=2)
    assert published["__typename"] == "PublishProgramPayload", published


SCHEMA = build_schema()


def shortcuts(document: str, **variables: Any) -> list[str]:
    """The fields of the root, of the one operation of a document, that the database answers."""
    tree = parse(document)
    (operation,) = (node for node in tree.definitions if isinstance(node, OperationDefinitionNode))
    values = PlannedOperation(SCHEMA, tree, operation).variables(variables)
    assert not isinstance(values, list)
    selecting = Selecting(SCHEMA, tree, operation, values)
    root_type = SCHEMA._schema.get_root_type(operation.operation)  # noqa: SLF001  as the executor does
    assert root_type is not None
    return [key for key, nodes in selecting.root(root_type).items() if profile_field.profile_field(selecting, nodes)]


def compare(client: GraphQLClient, document: str, variables: dict[str, Any] | None = None) -> Any:
    """The answer of both ways, which must be one."""
    client = client.as_(client.token, X_Correlation_Id="one")
    fast = client.execute(document, variables)
    ANSWERED.is_asked = False
    try:
        ordinary = client.execute(document, variables)
    finally:
        ANSWERED.is_asked = True

    assert fast.status == ordinary.status
    assert "data" in fast.content
    # As text: the order of keys is part of the answer.
    assert json.dumps(fast.content["data"]) == json.dumps(ordinary.content["data"])
    assert fast.content.get("errors") == ordinary.content.get("errors")
    return fast.content["data"]


@LAW
@given(selection=pages)
def test_pages_of_any_selection(crowd: Crowd, answered: list[bool], selection: str) -> None:
    document = f"{{ members(first: 6) {selection} }}"
    answered.clear()

    assert shortcuts(document) == ["members"]
    compare(crowd.owner, document)
    assert answered[-1:] == [True]


@LAW
@given(selection=members, number=st.integers(0, 6))
def test_one_member_of_any_selection(crowd: Crowd, answered: list[bool], selection: str, number: int) -> None:
    by = json.dumps(crowd.members[number])
    answered.clear()

    compare(crowd.owner, f"{{ who: member(by: {{ id: {by} }}) {selection} }}")
    assert answered[-1:] == [True]


def test_the_whole_of_everybodys_tier(crowd: Crowd, answered: list[bool]) -> None:
    tier = "{ code threshold multiplier name { en } }"
    standing = f"{{ tier {tier} since pointsEarned progress {{ qualifying missing fraction nextTier {tier} }} }}"
    answered.clear()

    found = compare(crowd.owner, f"{{ members(first: 7) {{ edges {{ node {{ id tier {standing} }} }} }} }}")

    ways = {edge["node"]["id"]: edge["node"]["tier"]["progress"] for edge in found["members"]["edges"]}
    # The third has what does not count yet, the fifth what counts no longer; they hold what they had reached.
    assert [ways[crowd.members[number]]["qualifying"] == 0 for number in (2, 4)] == [not crowd.is_lifetime] * 2
    assert answered == [True]


def test_what_is_to_be_decided_about_a_tier_only_python_knows(
    crowd: Crowd, answered: list[bool], shared_urls: DatabaseUrls
) -> None:
    document = """
        { members(first: 7) { edges { node { tier { tier { code } progress { missing } } } } } }"""
    one = "WHERE member_id = (SELECT id FROM members ORDER BY id LIMIT 1)"
    undecided = {
        f"UPDATE member_tiers SET next_at = since {one}": f"UPDATE member_tiers SET next_at = NULL {one}",
        f"UPDATE member_tiers SET ladder = 'other' || ladder {one}": (
            f"UPDATE member_tiers SET ladder = right(ladder, -5) {one}"
        ),
    }
    answered.clear()

    with psycopg.connect(shared_urls.owner, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {crowd.schema}".encode())
        for spoil, mend in undecided.items():
            connection.execute(spoil.encode())
            compare(crowd.owner, document)
            connection.execute(mend.encode())
            compare(crowd.owner, document)

    # Where all counts for ever, nothing falls due.
    assert answered == [crowd.is_lifetime, True, crowd.is_lifetime, True]


def test_pages_follow_each_other(crowd: Crowd) -> None:
    document = """
        query Page($first: Int!, $after: String, $entries: Int!) {
            members(first: $first, after: $after) {
                edges { cursor node { ...Shown } }
                pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
            }
        }
        fragment Shown on Member {
            id ledger(first: $entries) { edges { node { points } } pageInfo { hasNextPage } }
        }
    """
    pages: list[Any] = []
    after = None
    for _ in range(4):
        pages.append(compare(crowd.owner, document, {"first": 2, "after": after, "entries": 3})["members"])
        after = pages[-1]["pageInfo"]["endCursor"]

    assert [edge["node"]["id"] for page in pages for edge in page["edges"]] == crowd.members[::-1]
    assert [page["pageInfo"]["hasNextPage"] for page in pages] == [True, True, True, False]
    assert [page["pageInfo"]["hasPreviousPage"] for page in pages] == [False, True, True, True]


@pytest.mark.parametrize(
    ("by", "is_found"),
    [
        ({"email": "M3@crowd.example"}, True),
        ({"email": "nobody@crowd.example"}, False),
        ({"phone": "not a number"}, None),
        ({"id": "garbage"}, None),
        ({"id": "U3RvcmU6MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw"}, None),
    ],
)
def test_members_by_whatever_names_them(crowd: Crowd, by: dict[str, str], *, is_found: bool | None) -> None:
    document = "query One($by: MemberReferenceInput!) { member(by: $by) { name balances { available } } }"

    data = compare(crowd.owner, document, {"by": by})

    assert (data is None or data["member"] is None) is not (is_found is True)


def test_members_see_their_own(crowd: Crowd) -> None:
    found = compare(crowd.own, "{ me { id balances { earned } tier { tier { code } } } }")

    assert found["me"]["id"] == crowd.members[1]


def test_who_may_not_is_refused_the_ordinary_way(crowd: Crowd, shared_api: GraphQLClient) -> None:
    page = "{ members(first: 1) { edges { node { id } } } }"

    assert compare(crowd.own, page) is None
    assert compare(crowd.owner.create_api_key("STORES_READ"), page) is None
    assert compare(shared_api, page) is None
    assert compare(crowd.owner, "{ me { id } }") == {"me": None}
    assert len(compare(crowd.cashier, page)["members"]["edges"]) == 1


@pytest.mark.parametrize("first", ["0", "101", "-1"])
def test_pages_of_impossible_length_are_refused_the_ordinary_way(crowd: Crowd, first: str) -> None:
    assert compare(crowd.owner, f"{{ members(first: {first}) {{ edges {{ node {{ id }} }} }} }}") is None
    inner = f"edges {{ node {{ ledger(first: {first}) {{ edges {{ cursor }} }} }} }}"
    assert compare(crowd.owner, f"{{ members(first: 1) {{ {inner} }} }}") is None


def test_without_a_program_there_is_no_tier(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("tierless")
    owner.enroll()

    found = compare(owner, "{ members { edges { node { tier { since tier { code } } } } } }")

    assert found == {"members": {"edges": [{"node": {"tier": None}}]}}


def test_a_program_that_was_published_meanwhile_counts_at_once(shared_api: GraphQLClient) -> None:
    owner = shared_api.sign_up("changing")
    owner.publish_template("CAFE")
    owner.enroll()
    document = "{ members { edges { node { tier { tier { code name { en } } } } } } }"
    before = compare(owner, document)

    program = json.loads((TEMPLATES / "cafe.json").read_text())["document"]
    program["tiers"]["levels"][0]["name"]["en"] = "Newcomer"
    publish(owner, program)

    after = owner.execute(document).data
    assert "Guest" in json.dumps(before)
    assert "Newcomer" in json.dumps(after)
    assert compare(owner, document) == after


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
def test_beside_other_fields(crowd: Crowd, answered: list[bool], document: str, reads: int) -> None:
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
    with closing(open_database(shared_urls.app, pool_size=1, is_prepared=True)) as database:
        for _ in range(9):
            with read_session(database, home, now=wall_now()) as session:
                profiles(session, picked=picked, source=page)
        with read_session(database, home, now=wall_now()) as session:
            found = session.fetch_all(plans)

    # The server makes a plan for each of the first five before it takes one for all.
    assert found == [{"generic_plans": 4}]


def test_the_longest_page_is_known_to_sql() -> None:
    assert f"LIMIT {PAGE_MAX + 1})" in MembersFrom.FIRST_PAGE.value
    assert f"LIMIT {PAGE_MAX + 1})" in MembersFrom.NEXT_PAGE.value


@pytest.mark.parametrize("is_shown", [True, False])
@pytest.mark.parametrize("is_page", [True, False])
def test_directives(crowd: Crowd, answered: list[bool], *, is_shown: bool, is_page: bool) -> None:
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
    crowd: Crowd, answered: list[bool], shared_urls: DatabaseUrls
) -> None:
    document = "{ members(first: 3) { edges { node { id } } } stores { edges { node { name } } } }"
    before = compare(crowd.owner, document)
    answered.clear()

    with psycopg.connect(shared_urls.owner, autocommit=True) as connection:
        connection.execute(f"SET search_path TO {crowd.schema}".encode())
        ANSWERED.then = lambda: connection.execute("UPDATE stores SET name = name || ' II'")
        try:
            meanwhile = crowd.owner.execute(document)
        finally:
            ANSWERED.then = lambda: None
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
