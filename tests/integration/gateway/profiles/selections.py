"""Selections of members that the database can write, generated."""

from hypothesis import strategies as st

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
