"""Rules about what our code must never do, beside those of tidiness: each yields (line, sentence)."""

import ast
from collections.abc import Callable, Iterator, Mapping

from tests.contract.house.tidy import Complaint, Source

Rule = Callable[[Source], Iterator[Complaint]]

ALLOWED: Mapping[tuple[str, str], str] = {
    ("code_is_not_made_of_text", "services/gateway/graphql/executor/writing.py"): (
        "the executor writes functions for known documents; only names that it makes itself are in their text"
    ),
    ("chance_guards_nothing", "services/gateway/execution/healing.py"): "it spreads callers in time, it hides nothing",
    ("hashes_are_strong", "services/loyalty/cards/domain/apple.py"): (
        "Apple's format asks for SHA-1 in the list of files; what is trusted is the signature over it, by SHA-256"
    ),
}
"""Where a rule is broken on purpose, and why that is safe."""

REVIVERS = frozenset({"pickle", "cPickle", "marshal", "shelve", "dill", "jsonpickle"})
YAML_LOADERS = frozenset({"yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load"})
SHELLS = frozenset({"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"})
CLOCKS = frozenset({"datetime.now", "datetime.datetime.now", "datetime.utcnow", "datetime.datetime.utcnow"})
WEAK_HASHES = frozenset({"hashlib.md5", "hashlib.sha1"})
EXACT_PLACES = (
    "services/loyalty/",
    "services/billing/",
    "services/contracts/",
    "services/platform/money.py",
    "services/gateway/graphql/money.py",
    "services/gateway/graphql/purchases/",
    "services/gateway/graphql/ledger/",
    "services/gateway/graphql/rewards/",
    "services/gateway/graphql/redemptions/",
)


def code_is_not_made_of_text(source: Source) -> Iterator[Complaint]:
    for node, name in _calls(source):
        if name in {"eval", "exec", "compile", "__import__"}:
            yield node.lineno, f"`{name}` runs text as code"


def nothing_is_revived(source: Source) -> Iterator[Complaint]:
    """Formats that run code when they are read, or build any object they name."""
    for line, module in _modules(source):
        if module.split(".")[0] in REVIVERS:
            yield line, f"`{module}` builds whatever its text names: use JSON"
    for node, name in _calls(source):
        if name in YAML_LOADERS:
            yield node.lineno, f"`{name}` builds whatever its text names: use yaml.safe_load"


def no_shell_is_asked(source: Source) -> Iterator[Complaint]:
    for node, name in _calls(source):
        has_shell = any(keyword.arg == "shell" and not _is_false(keyword.value) for keyword in node.keywords)
        if name in SHELLS or has_shell:
            yield node.lineno, f"`{name}` asks a shell: give a list of arguments"


def times_have_zones(source: Source) -> Iterator[Complaint]:
    for node, name in _calls(source):
        is_aware = name.endswith(".now") and (node.args or node.keywords)
        if name in CLOCKS and not is_aware:
            yield node.lineno, f"`{name}()` has no time zone"


def chance_guards_nothing(source: Source) -> Iterator[Complaint]:
    for line, module in _modules(source):
        if module == "random" or module.startswith("random."):
            yield line, "`random` can be foretold: use secrets"


def hashes_are_strong(source: Source) -> Iterator[Complaint]:
    for node, name in _calls(source):
        if name in WEAK_HASHES:
            yield node.lineno, f"`{name}`: use sha256"


def certificates_are_checked(source: Source) -> Iterator[Complaint]:
    for node, name in _calls(source):
        is_blind = any(keyword.arg == "verify" and _is_false(keyword.value) for keyword in node.keywords)
        if is_blind or name == "ssl._create_unverified_context":
            yield node.lineno, f"`{name}` does not check who answers"


def money_is_exact(source: Source) -> Iterator[Complaint]:
    if source.within(*EXACT_PLACES):
        for node, name in _calls(source):
            if name == "float":
                yield node.lineno, "no float near points and money"


def _calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def _modules(source: Source) -> Iterator[tuple[int, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


RULES: tuple[Rule, ...] = (
    code_is_not_made_of_text,
    nothing_is_revived,
    no_shell_is_asked,
    times_have_zones,
    chance_guards_nothing,
    hashes_are_strong,
    certificates_are_checked,
    money_is_exact,
)


def complaints(source: Source) -> list[str]:
    """Everything that these rules hold against one file, but for what is allowed there."""
    return [
        f"{source.path}:{line}: {sentence}"
        for rule in RULES
        if (rule.__name__, source.path) not in ALLOWED
        for line, sentence in rule(source)
    ]
