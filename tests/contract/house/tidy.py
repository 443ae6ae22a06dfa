"""House rules that no linter knows, checked on the syntax tree or the bytes of a file.

A rule takes a source and yields its complaints as (line, sentence). ``test_tidy.py`` runs all of them over the tree and
proves with a planted violation that each can fail.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 80
FILE_BYTES_MAX = 2_000_000
"""Larger files are data, not text that somebody wrote."""

ROOMLESS = frozenset({"utils", "common", "helpers", "core", "lib", "misc"})

SYNONYMS = {
    "customer": "member",
    "customers": "members",
    "subscriber": "member",
    "shopper": "member",
    "shop": "store",
    "shops": "stores",
    "outlet": "store",
    "workspace": "tenant",
    "campaign": "program",
    "wallet": "account",
    "wallets": "accounts",
    "transaction": "entry (a transaction is the database's)",
    "transactions": "entries (a transaction is the database's)",
    "txn": "entry",
    "prize": "reward",
    "debt": "owed, or liability",
    "licence": "entitlement",
    "rollback": "reversal",
    "enrolment": "enrollment (American spelling in identifiers)",
    "amt": "amount",
    "qty": "quantity",
    "acct": "account",
    "cust": "member",
}
"""Words of GLOSSARY.md's third column that mean nothing else in loyalty, with the word to say."""

MERCHANTS_NAMES = frozenset({"online_shop"})
"""Names that merchants know: the program templates."""

OTHER_ENGINES = ("services/demo/dataset/", "services/doubles/")
"""DuckDB reads the demo's data set, SQLite keeps what the doubles were sent."""

MARKERS = tuple("".join(parts) for parts in (("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("HA", "CK")))
FORBIDDEN_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("proxy", "golang", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("unpkg", "com"),
        ("jsdelivr", "net"),
        ("cdnjs", "cloudflare", "com"),
        ("fonts", "googleapis", "com"),
    )
)
"""Registries (who names one works behind that one only) and content networks (the product needs no outside address)."""

_PRIVATE_HOST = re.compile(r"://[\w.-]+\.(?:internal|corp|lan|intranet)\b")
_SEARCH_PATH = re.compile(r"\bset\s+(?:local\s+|session\s+)?search_path\b|set_config\(\s*'search_path'", re.IGNORECASE)
SQL_START = re.compile(
    r"^\s*(?:select\b.+\bfrom|select\s+\w+\(|insert\s+into|update\s+\S+\s+set|delete\s+from|with\s+\w+\s+as|merge\s+into"
    r"|create\s+(?:unique\s+)?(?:table|index|schema|role|function|trigger|database)|alter\s+(?:table|role|schema)"
    r"|drop\s+(?:table|index|schema|role|database)|grant\s+\w|revoke\s+\w|truncate\s|lock\s+table"
    r"|set\s+(?:local|session)\s|listen\s+\w|notify\s+\w)",
    re.IGNORECASE | re.DOTALL,
)
_EXCEPTION_COMMENT = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?P<codes>:\s*[A-Z0-9, ]+|\[[\w, -]+\])?(?P<reason>.*)$")
_SESSION_WORDS = {"session", "connection", "uow", "transaction"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

Complaint = tuple[int, str]


@dataclass(frozen=True)
class Source:
    """A file: ``path`` relative to the root of the project, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def within(self, *places: str) -> bool:
        return any(self.path == place or self.path.startswith(place) for place in places)

    def line(self, number: int) -> str:
        return self.text.splitlines()[number - 1]


Rule = Callable[[Source], Iterator[Complaint]]


# --- shape -----------------------------------------------------------------------------------------------------------


def rooms_have_names(source: Source) -> Iterator[Complaint]:
    for part in Path(source.path).with_suffix("").parts:
        if part in ROOMLESS:
            yield 1, f"`{part}` is no room: code without a room is code not yet understood"


def files_are_short(source: Source) -> Iterator[Complaint]:
    lines = source.text.count("\n")
    if lines > FILE_LINES_MAX:
        yield lines, f"{lines} lines; a file over {FILE_LINES_MAX} has become two rooms"


def functions_fit_a_screen(source: Source) -> Iterator[Complaint]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield node.lineno, f"`{node.name}` has {lines} lines; over {FUNCTION_LINES_MAX} it tells two stories"


def signatures_are_explicit(source: Source) -> Iterator[Complaint]:
    """No ``*args`` or ``**kwargs`` in a service's public function (one inside another is a decorator's own affair)."""
    if not source.within("services/loyalty/", "services/notifications/", "services/billing/"):
        return
    classes = [node for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]
    scopes: list[ast.Module | ast.ClassDef] = [source.tree, *classes]
    for scope in scopes:
        for node in scope.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            is_tolerant_actor = source.path.endswith("/tasks.py") and node.args.vararg is None
            if (node.args.vararg or node.args.kwarg) and not is_tolerant_actor:
                yield node.lineno, f"`{node.name}` takes *args or **kwargs: say what it takes"


# --- transactions and SQL --------------------------------------------------------------------------------------------


def only_the_unit_of_work_commits(source: Source) -> Iterator[Complaint]:
    if source.within("services/platform/db/"):
        return
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        receiver = set(_words(ast.unparse(node.func.value)))
        if node.func.attr not in {"commit", "rollback", "flush"} or not receiver & _SESSION_WORDS:
            continue
        if node.func.attr == "flush" and "#" in source.line(node.lineno):
            continue  # a needed flush says why on its line
        yield node.lineno, f"`.{node.func.attr}()` belongs to the unit of work (a needed flush says why on its line)"


def only_the_router_sets_the_path(source: Source) -> Iterator[Complaint]:
    """Besides the router, the migrations do it: they run as the owner, on a connection of their own."""
    if source.within("services/platform/db/", "services/platform/tenancy/migrations.py"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SEARCH_PATH.search(node.value):
            yield node.lineno, "search_path is set by services/platform/db only"


def sql_holds_no_values(source: Source) -> Iterator[Complaint]:
    """Text is never woven into SQL; module constants (UPPER_CASE names) may be, ``psycopg.sql`` composes the rest.

    Files that are read by an engine of their own are not our database: see ``OTHER_ENGINES``.
    """
    if source.within("services/platform/db/", *OTHER_ENGINES):
        return
    for node in ast.walk(source.tree):
        literal, woven = _woven_text(node)
        foreign = [part for part in woven if not _is_constant_name(part)]
        if literal and foreign and SQL_START.match(literal):
            yield (
                foreign[0].lineno,
                f"`{ast.unparse(foreign[0])}` is woven into SQL: bind it, or use psycopg.sql",
            )


def _woven_text(node: ast.AST) -> tuple[str, list[ast.expr]]:
    """The literal text of an expression that builds a string, and the expressions that it weaves in."""
    if isinstance(node, ast.JoinedStr):
        literal = "".join(str(part.value) if isinstance(part, ast.Constant) else " x " for part in node.values)
        return literal, [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add) and _is_text(node.left):
        return str(ast.literal_eval(node.left)), [] if _is_text(node.right) else [node.right]
    is_format = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
    if is_format and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_text(node.func.value):
        return str(ast.literal_eval(node.func.value)), [*node.args, *(keyword.value for keyword in node.keywords)]
    return "", []


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_constant_name(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.isupper()


# --- values and words ------------------------------------------------------------------------------------------------


def numbers_are_exact(source: Source) -> Iterator[Complaint]:
    if not source.within("services/loyalty/", "services/billing/", "services/contracts/", "services/platform/money.py"):
        return
    for node in ast.walk(source.tree):
        is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        if is_literal or (isinstance(node, ast.Name) and node.id == "float"):
            yield getattr(node, "lineno", 1), "no float: points and money are integers, rates are Decimal"


def words_are_ours(source: Source) -> Iterator[Complaint]:
    if not source.within("services/loyalty/"):
        return
    for line, name in _names_given(source.tree):
        for word in _words(name):
            if word in SYNONYMS and name.lower() not in MERCHANTS_NAMES:
                yield line, f"`{name}`: say {SYNONYMS[word]}, not {word} (GLOSSARY.md)"


def _names_given(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Names that this file gives (not those of others that it uses), and the tables that it makes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__tablename__":
            yield node.lineno, ast.unparse(node.value)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(name)]


def contracts_import_nothing(source: Source) -> Iterator[Complaint]:
    if not source.within("services/contracts/"):
        return
    for line, module in _imports(source.tree):
        if module.split(".")[0] not in sys.stdlib_module_names and not module.startswith("services.contracts"):
            yield line, f"imports {module}: the words on the letters need the standard library only"


def tenants_run_no_code(source: Source) -> Iterator[Complaint]:
    for line, module in _imports(source.tree):
        if module.split(".")[0] == "jinja2":
            yield line, "imports jinja2: a tenant's template must not be able to execute anything"


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


def exceptions_say_why(source: Source) -> Iterator[Complaint]:
    for number, line in enumerate(source.text.splitlines(), start=1):
        found = _EXCEPTION_COMMENT.search(line)
        if found and not (found["codes"] and re.search(r"\w{3}", found["reason"])):
            yield number, "an exception to a linter names its code and says why on its line"


def tests_always_run(source: Source) -> Iterator[Complaint]:
    if not source.within("tests/"):
        return
    for node in ast.walk(source.tree):
        name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if re.fullmatch(r"pytest\.(skip|xfail|importorskip|mark\.(skip|skipif|xfail|flaky))", name):
            yield getattr(node, "lineno", 1), f"`{name}`: a test that does not run promises nothing"


# --- every file ------------------------------------------------------------------------------------------------------


def nothing_is_left_unfinished(source: Source) -> Iterator[Complaint]:
    marker = re.compile(rf"\b(?:{'|'.join(MARKERS)})\b")
    for number, line in enumerate(source.text.splitlines(), start=1):
        if marker.search(line):
            yield number, "a placeholder: finish it, or write an issue"


def no_host_is_named(source: Source) -> Iterator[Complaint]:
    for number, line in enumerate(source.text.splitlines(), start=1):
        for host in FORBIDDEN_HOSTS:
            if host in line:
                yield number, f"names {host}"
        if _PRIVATE_HOST.search(line):
            yield number, "names a host of a private network"


def locks_name_no_place(source: Source) -> Iterator[Complaint]:
    name = Path(source.path).name
    is_npm_lock = name in {"package-lock.json", "npm-shrinkwrap.json"}
    is_lock = name.endswith((".lock", "pylock.toml")) or (source.within("requirements/") and name.endswith(".txt"))
    if not (is_lock or is_npm_lock):
        return
    for number, line in enumerate(source.text.splitlines(), start=1):
        if "://" in line and (is_lock or '"resolved"' in line):
            yield number, "a lock file holds names, versions and hashes, no address"


SERVICE_RULES: tuple[Rule, ...] = (
    rooms_have_names,
    files_are_short,
    functions_fit_a_screen,
    signatures_are_explicit,
    only_the_unit_of_work_commits,
    only_the_router_sets_the_path,
    sql_holds_no_values,
    numbers_are_exact,
    words_are_ours,
    contracts_import_nothing,
    tenants_run_no_code,
    exceptions_say_why,
)
"""For services/**."""

TEST_RULES: tuple[Rule, ...] = (files_are_short, functions_fit_a_screen, exceptions_say_why, tests_always_run)
"""For tests/**."""

MIGRATION_RULES: tuple[Rule, ...] = (rooms_have_names, exceptions_say_why)
"""For infra/**: a migration is read once, from top to bottom, so that its length is no fault."""

FILE_RULES: tuple[Rule, ...] = (nothing_is_left_unfinished, no_host_is_named, locks_name_no_place)
"""For every file of the project."""


_RULES_BY_PLACE = (("services/", SERVICE_RULES), ("infra/", MIGRATION_RULES), ("tests/", TEST_RULES))


def complaints(source: Source) -> list[str]:
    """Everything the house holds against one file, as ``path:line: sentence``."""
    rules = list(FILE_RULES)
    for place, rules_of_place in _RULES_BY_PLACE:
        if source.path.endswith(".py") and source.within(place):
            rules += rules_of_place
    return [f"{source.path}:{line}: {sentence}" for rule in rules for line, sentence in rule(source)]
