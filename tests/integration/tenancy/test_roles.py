"""S4: who may use which root field. The matrix is generated from the schema and kept in ``roles.txt``.

A new field, role or rule shows as a difference; on purpose, the new matrix is copied from the failure into the file.
"""

from contextlib import closing
from pathlib import Path
from typing import Any

from services.platform.db.engine import Database
from tests.integration.tenancy.attack import lateness
from tests.integration.tenancy.principals import tokens_of
from tests.integration.tenancy.requests import positions, prepare
from tests.integration.tenancy.targets import Target
from tests.integration.tenancy.world import Observer, World
from tests.support.graphql_client import Answer
from tests.support.story import Merchant
from tests.support.tenants import DatabaseUrls

MATRIX = Path(__file__).with_name("roles.txt")
REFUSED = {"UNAUTHENTICATED": "401", "FORBIDDEN": "403"}
OPEN_TO_ALL = frozenset(
    {
        "Query.viewer",
        "Mutation.acceptInvitation",
        "Mutation.closeWallet",
        "Mutation.logIn",
        "Mutation.openWallet",
        "Mutation.signUp",
    }
)
OPEN_TO_ANY_CREDENTIAL = frozenset({"Query.coupon", "Query.node", "Query.tenant"})
"""`node` gives what the caller may see anyway."""
WATCHED = frozenset({"nobody", "key_without_scope", "member"})
"""Callers of whom every refusal is seen to write nothing."""


def test_who_may_use_which_field(world: World, database: Database, database_urls: DatabaseUrls) -> None:
    owner = Merchant(world.client.as_(world.a.token))
    tokens = tokens_of(database, world.a, other_store=owner.open_store(code="other"))
    tokens["member"] = owner.do("createMemberToken", "token", memberId=world.a.one("Member")["id"])["token"]
    roots = sorted((target for target in world.targets if target.is_root), key=lateness)

    told: dict[str, dict[str, str]] = {str(target): {} for target in roots}
    with closing(Observer(database_urls.owner, slug=world.a.slug)) as observer:
        for name, token in tokens.items():
            for target in roots:
                query, variables = _request(world, target)
                # Only now: the owner may just have made what the request is about.
                before = observer.snapshot() if name in WATCHED else {}
                answer = world.client.as_(token, X_Tenant=world.a.slug).execute(query, variables)
                outcome = told[str(target)][name] = _outcome(answer)
                if outcome != "yes" and name in WATCHED:
                    assert _same_but_for_use(before, observer.snapshot()), f"{target} refused {name} and wrote"

    assert {field for field, row in told.items() if row["nobody"] == "yes"} == OPEN_TO_ALL
    without_scope = {field for field, row in told.items() if row["key_without_scope"] == "yes"}
    assert without_scope == OPEN_TO_ALL | OPEN_TO_ANY_CREDENTIAL
    matrix = _written(told)
    assert matrix == MATRIX.read_text(), f"put this into {MATRIX.name} if it is meant:\n{matrix}"


def _outcome(answer: Answer) -> str:
    return next((REFUSED[code] for code in codes_at_the_root(answer) if code in REFUSED), "yes")


def codes_at_the_root(answer: Answer) -> list[str]:
    """The codes of errors that refuse the operation's field itself, not something below it."""
    errors = answer.content.get("errors", ())
    return [error["extensions"]["code"] for error in errors if len(error.get("path", ())) <= 1]


def _request(world: World, target: Target) -> tuple[str, dict[str, Any]]:
    """With the tenant's own names, but for what would take a caller of the test away, or open merchants."""
    named = {position.leaf.name: position for position in positions(world.schema, target, world.node_types)}
    at, value = None, None
    if target.step.name == "signUp":
        at, value = named["slug"], world.b.slug
    elif target.step.name == "removeStaff":
        at = named["staffMemberId"]
        value = at.naming.nowhere("")
    request = prepare(world.schema, target, world.a, at=at, value=value)
    return request.query, request.variables


def _same_but_for_use(before: dict[str, str], after: dict[str, str]) -> bool:
    """Whether nothing changed but when a key was last used, and what the operations cost."""
    changed = {table for table in after if after[table] != before[table]}
    return {table.rpartition(".")[2] for table in changed} <= {"api_keys", "usage_facts"}


def _written(told: dict[str, dict[str, str]]) -> str:
    columns = list(next(iter(told.values())))
    width = max(map(len, told))
    lines = [f"{'':{width}}  {'  '.join(columns)}"]
    for field, row in sorted(told.items()):
        lines.append(f"{field:{width}}  " + "  ".join(f"{row[name]:{len(name)}}" for name in columns))
    return "\n".join(line.rstrip() for line in lines) + "\n"
