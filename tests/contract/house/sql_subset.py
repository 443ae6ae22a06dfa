"""The subset of SQL that works alike on PostgreSQL 16 and newer, behind a transaction pooler, and on Citus.

Sources: PostgreSQL 16 manual; the behavior of Citus schema-based sharding (ADR 0006). No SQL parser is at hand, so
rules are patterns over normalized statements: lower case, one space, no comments, no contents of text literals.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import partial

from tests.contract.house.tidy import SQL_START, Source

TENANT_TABLES_MAX = 80
NAME_LENGTH_MAX = 50
"""PostgreSQL cuts names at 63 bytes, and a shard's name carries a suffix."""

GUARD = "execute function platform.refuse_change()"
"""The only function that a trigger may call: it refuses, and touches no table."""

Rule = Callable[[str], Iterator[str]]

_NAME = r'"?([\w$]+)"?'
_NAMED_CONSTRAINT = re.compile(
    r"constraint \w+ (?:primary key|unique|foreign key\([^()]*\) references|check|exclude|references|not null)"
)
_CONSTRAINT = re.compile(
    r"constraint \w+ (?:primary key|unique|foreign key|check|exclude|references|not null)", re.IGNORECASE
)
_CONSTRAINT = re.compile(r"\b(?:primary key|unique|foreign key|check|exclude|references)\b")
_CALL = re.compile(r"\b([a-z_][\w.]*)\(")
_IMMUTABLE = frozenset({"greatest", "least", "coalesce", "nullif", "abs", "lower", "upper", "in", "and", "or", "not"})
_CHANGEABLE = (
    r"\b(?:clock_timestamp|random|gen_random_uuid|uuidv4|uuidv7|nextval|setval|timeofday|txid_current|pg_current_xact_id"
    r"|jsonb?_build_object|jsonb?_build_array|to_jsonb?|row_to_json|to_char|to_timestamp|concat|concat_ws|format"
    r"|date_trunc|timezone)\("
)


# --- reading ---------------------------------------------------------------------------------------------------------


def statements(text: str) -> list[str]:
    """The normalized statements of a script."""
    text = re.sub(r"\$(\w*)\$.*?\$\1\$", "''", text, flags=re.DOTALL)
    text = re.sub(r"'(?:[^']|'')*'", "''", text)
    text = re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text.replace('"', "")).lower()
    text = re.sub(r" ?\( ?", "(", text)
    return [statement.strip() for statement in text.split(";") if statement.strip()]


def sql_in(source: Source) -> Iterator[tuple[int, str]]:
    """The SQL written in a Python file: its line, and its text with ``x`` for what is woven in."""
    constants = _constants(source.tree)
    nodes = list(ast.walk(source.tree))
    documentation = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    pieces = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if id(node) not in documentation | pieces:
            text = _text_of(node, constants)
            if SQL_START.match(text):
                yield getattr(node, "lineno", 1), text


def _constants(tree: ast.Module) -> dict[str, str]:
    return {
        ast.unparse(node.targets[0]): node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def _text_of(node: ast.AST, constants: dict[str, str]) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.FormattedValue):
        return constants.get(ast.unparse(node.value), "x")
    if isinstance(node, ast.JoinedStr):
        return "".join(_text_of(part, constants) for part in node.values)
    return ""


def _region(statement: str, opening: str, closing: str) -> Iterator[str]:
    """The parts of a statement from an opening keyword to the next closing one on the same level of brackets."""
    for found in re.finditer(opening, statement):
        depth, end = 0, len(statement)
        for token in re.finditer(rf"[()]|\b(?:{closing})\b", statement[found.end() :]):
            if token[0] == "(":
                depth += 1
            elif token[0] == ")":
                depth -= 1
            if depth < 0 or (depth == 0 and token[0] not in "()"):
                end = found.end() + token.start()
                break
        yield statement[found.end() : end].strip()


def _items(body: str) -> list[str]:
    """The parts of a list, split at commas outside brackets."""
    items, depth = [""], 0
    for character in body:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            items.append("")
        else:
            items[-1] += character
    return [item.strip() for item in items]


# --- rules of every statement ----------------------------------------------------------------------------------------


def _never(pattern: str, sentence: str, statement: str) -> Iterator[str]:
    if re.search(pattern, statement):
        yield sentence


def forbidden(pattern: str, sentence: str) -> Rule:
    return partial(_never, pattern, sentence)


def updates_are_deterministic(statement: str) -> Iterator[str]:
    if not re.search(r"\bupdate\b", statement):
        return
    for assignments in _region(statement, r"(?<!do update )\bset\b", "where|from|returning"):
        found = re.search(_CHANGEABLE, assignments)
        if found:
            yield f"{found[0].rstrip('( ')}() in UPDATE SET: compute it in Python and bind it"


def conflicts_take_what_was_excluded(statement: str) -> Iterator[str]:
    for assignments in _region(statement, r"\bdo update set\b", "where|returning"):
        calls = [name for name in _CALL.findall(assignments) if name not in _IMMUTABLE]
        if calls or re.search(r"\bcurrent_(?:timestamp|date|time)\b", assignments):
            yield "DO UPDATE SET takes EXCLUDED values and immutable expressions only"


def returning_names_columns(statement: str) -> Iterator[str]:
    for columns in _region(statement, r"\breturning\b", "where"):
        if "(" in columns or "::" in columns or "tableoid" in columns:
            yield "RETURNING names columns only"


def newest_server_is_not_needed(statement: str) -> Iterator[str]:
    patterns = (
        r"\buuidv[47]\(",
        r"\buuid_extract_\w+\(",
        r"\bjson_table\(",
        r"\bcasefold\(",
        r"\bvirtual\b",
        r"\bnot enforced\b",
        r"\bwithout overlaps\b",
        r"\breturning\b.*\b(?:old|new)\.",
        r"\bgenerated always as \((?!.*\) stored)",
    )
    for pattern in patterns:
        found = re.search(pattern, statement)
        if found:
            yield f"`{found[0]}` needs a PostgreSQL newer than 16"
            return


STATEMENT_RULES: tuple[Rule, ...] = (
    forbidden(r"\bmerge into\b", "no MERGE: use ON CONFLICT"),
    forbidden(
        r"^(?:listen|notify|unlisten)\b|\bpg_notify\(", "no LISTEN or NOTIFY: the broker rings, rows are the truth"
    ),
    forbidden(
        r"\bpg_(?:try_)?advisory_(?:lock|unlock)\w*\(",
        "no session-level advisory lock: lease a row (poolers share sessions)",
    ),
    forbidden(r"\bcurrent_schemas?\(|\bcurrent_schema\b", "no current_schema(): the worker node does not see it"),
    forbidden(r"\bwhere current of\b", "no WHERE CURRENT OF"),
    forbidden(r"\bvalues\([^;]*\(select\b", "no subquery inside VALUES: use INSERT ... SELECT"),
    forbidden(r"\bset constraints\b", "no deferred constraints"),
    forbidden(r"\bt_[0-9a-f]{12}\.", "no tenant's schema is named: the search path finds it"),
    forbidden(
        r"\b(?:now\(|current_timestamp\b|clock_timestamp\(|statement_timestamp\(|localtimestamp\b)",
        "time is bound, not read from the database (nodes differ)",
    ),
    updates_are_deterministic,
    conflicts_take_what_was_excluded,
    returning_names_columns,
    newest_server_is_not_needed,
)


# --- rules of the tenant's schema ------------------------------------------------------------------------------------


def constraints_are_named(statement: str) -> Iterator[str]:
    if not re.match(r"(?:create table|alter table)\b", statement):
        return
    for item in _table_items(statement):
        rest = _NAMED_CONSTRAINT.sub("", item)
        rest = re.sub(r"\([^()]*\)", "", rest)
        if _CONSTRAINT.search(rest):
            yield f"a constraint without a name: {item}"


def tables_have_keys(statement: str) -> Iterator[str]:
    if re.match(r"create table\b", statement) and " primary key" not in statement and "partition of" not in statement:
        yield "a table without a primary key cannot be moved online"


def triggers_only_refuse(statement: str) -> Iterator[str]:
    if re.match(r"create (?:or replace )?(?:constraint )?trigger\b", statement) and (
        GUARD not in statement or "constraint trigger" in statement
    ):
        yield f"a trigger may only refuse: {GUARD}"


def names_are_short(statement: str) -> Iterator[str]:
    for found in re.finditer(rf"\b(?:table|index|constraint|trigger|add column) (?:if not exists )?{_NAME}", statement):
        if len(found[1]) > NAME_LENGTH_MAX:
            yield f"a name of more than {NAME_LENGTH_MAX} characters: {found[1]}"
    if statement.startswith("create table"):
        for item in _table_items(statement):
            if len(item.split(" ")[0]) > NAME_LENGTH_MAX:
                yield f"a name of more than {NAME_LENGTH_MAX} characters: {item.split(' ')[0]}"


def _table_items(statement: str) -> list[str]:
    if statement.startswith("create table"):
        return _items(statement[statement.find("(") + 1 : statement.rfind(")")])
    return _items(statement)


TENANT_RULES: tuple[Rule, ...] = (
    *STATEMENT_RULES,
    forbidden(
        r"\bas identity\b|\b(?:big|small)?serial\b|\bcreate sequence\b|\bnextval\(", "ids are made by the application"
    ),
    forbidden(r"\bcreate (?:type|domain)\b", "no enum, domain or composite type: text with a named CHECK"),
    forbidden(r"(?<!not )\bdeferrable\b|\binitially deferred\b", "nothing is DEFERRABLE"),
    forbidden(r"\breferences \w+\.", "no foreign key leaves the schema"),
    forbidden(r"\bcreate (?:unlogged )?table (?:if not exists )?\w+\.", "tenant tables are written without a schema"),
    forbidden(r"\bcreate (?:or replace )?(?:function|procedure|rule)\b", "logic is in Python; rules stay on one node"),
    forbidden(r"\bcreate materialized view\b", "no materialized view per tenant: use roll-up tables"),
    forbidden(r"\binherits\(", "no inheritance"),
    forbidden(
        r"\brename constraint\b|\bset (?:storage|statistics|schema|generated)\b|\bdetach partition\b.*\bconcurrently\b",
        "DDL that does not pass through a coordinator",
    ),
    constraints_are_named,
    tables_have_keys,
    triggers_only_refuse,
    names_are_short,
)


def tenant_complaints(ddl: str) -> list[str]:
    """What the subset holds against the script that makes a tenant's schema."""
    found = statements(ddl)
    complaints = [sentence for statement in found for rule in TENANT_RULES for sentence in rule(statement)]
    tables = sum(statement.startswith("create table") for statement in found)
    if tables > TENANT_TABLES_MAX:
        complaints.append(f"{tables} tables; a tenant has at most {TENANT_TABLES_MAX} (catalogue caches)")
    return complaints


# --- rules of the code -----------------------------------------------------------------------------------------------

_FUNCTIONS = frozenset(
    {
        "now",
        "current_timestamp",
        "clock_timestamp",
        "random",
        "gen_random_uuid",
        "nextval",
        "current_schema",
        "pg_notify",
    }
    | {"pg_advisory_lock", "pg_try_advisory_lock"}
)
_TYPES = frozenset({"Identity", "Sequence", "Enum", "ENUM", "DOMAIN"})


def shared_tables_are_qualified(statement: str, *, shared: frozenset[str], everywhere: frozenset[str]) -> Iterator[str]:
    """``shared`` tables exist in the platform's schema only, ``everywhere`` those of every home (outbox, inbox …)."""
    for prefix, table in re.findall(r"\b(?:from|join|into|update|table|references|only) (\w+\.)?(\w+)", statement):
        if not prefix and table in shared:
            yield f"`{table}` is always written platform.{table}"
        if prefix == "platform." and table not in shared | everywhere:
            yield f"platform.{table} is no table of the platform"


def expressions_stay_in_the_subset(source: Source) -> Iterator[tuple[int, str]]:
    """The same rules for SQLAlchemy's own spelling: ``func.now()``, ``Identity()``, ``Enum``."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in _FUNCTIONS and ast.unparse(node.value).endswith("func"):
            yield node.lineno, f"func.{node.attr}: outside the SQL subset"
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            for name in sorted(_TYPES & {alias.name for alias in node.names}):
                yield node.lineno, f"sqlalchemy.{name}: outside the SQL subset"


def code_complaints(source: Source, *, shared: frozenset[str], everywhere: frozenset[str]) -> list[str]:
    """What the subset holds against the SQL in a Python file, as ``path:line: sentence``."""
    rules: tuple[Rule, ...] = (
        *STATEMENT_RULES,
        partial(shared_tables_are_qualified, shared=shared, everywhere=everywhere),
    )
    found = [
        (line, sentence)
        for line, text in sql_in(source)
        for statement in statements(text)
        for rule in rules
        for sentence in rule(statement)
    ]
    found += expressions_stay_in_the_subset(source)
    return [f"{source.path}:{line}: {sentence}" for line, sentence in found]
