"""Expressions written to hurt: each is refused, or answered within bounds, in a process that exceeding them would kill.

The child is given `MEMORY_BYTES` of address space and `CPU_SECONDS` beyond what it has used when it starts. A control
shows that the limits bite: what is refused here kills a child that hands it to the library as it stands.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

MEMORY_BYTES = 256 * 1024 * 1024
CPU_SECONDS = 20

LIMITED = f"""
import json, resource, sys
from services.loyalty.programs.domain.conditions import cel
from services.loyalty.programs.domain.conditions.fields import Asked, Place, catalogue
from services.loyalty.programs.domain.rules import Trigger

fields = catalogue(tiers=["base"]).at(Place(Trigger.PURCHASE, Asked.LINE))
pages = int(open("/proc/self/statm").read().split()[0])
size = pages * resource.getpagesize() + {MEMORY_BYTES}
resource.setrlimit(resource.RLIMIT_AS, (size, size))
used = resource.getrusage(resource.RUSAGE_SELF)
seconds = int(used.ru_utime + used.ru_stime) + {CPU_SECONDS}
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
# The largest facts that an expression may see, and none of them what is looked for.
text = "x" * cel.TEXT_MAX
texts = tuple(f"{{n:03}}" + "x" * (cel.TEXT_MAX - 3) for n in range(cel.LIST_MAX))
facts = {{"line.net": 2**53, "member.tier": text, "order.skus": texts, "order.categories": (texts,) * cel.LIST_MAX}}
"""

OURS = (
    LIMITED
    + """
for name, source in json.load(sys.stdin).items():
    try:
        outcome = ["answered", repr(cel.compile_source(source, fields).ask(facts))]
    except cel.ExpressionUnsound as unsound:
        outcome = ["refused", unsound.reason.value]
    print(json.dumps([name, *outcome]), flush=True)
"""
)

BARE_LIBRARY = (
    LIMITED
    + """
from cel_expr_python import cel as library
kinds = {"order_skus": library.Type.List(library.Type.STRING), "member_tier": library.Type.STRING}
expression = library.NewEnv(variables=kinds).compile(json.load(sys.stdin))
data = {"order_skus": list(texts), "member_tier": text * 500}
print(expression.eval(data=data).plain_value())
"""
)

MAPS_OF_JOINED_TEXTS = (
    "order_skus.map(a, order_skus.map(b, member_tier + member_tier + member_tier + member_tier)).size() > 0"
)
NOT_ALLOWED, TOO_LONG, TOO_DEEP, TYPES, SYNTAX = "not_allowed", "too_long", "too_deep", "types", "syntax"

# name → (source, what becomes of it)
HOSTILE: dict[str, tuple[str, tuple[str, str]]] = {
    "maps of joined texts": (MAPS_OF_JOINED_TEXTS, ("refused", NOT_ALLOWED)),
    "filter in filter": ("order_skus.filter(a, order_skus.filter(b, a == b) == []) == []", ("refused", NOT_ALLOWED)),
    "exists in exists": ("order_skus.exists(a, order_skus.all(b, a == b))", ("refused", NOT_ALLOWED)),
    "exists in exists, spaced out": (
        "order_skus . exists /* */ (a, true)".replace("/* */", "// (\n")
        + " && order_skus.all // x\n (b, [1].exists(c, c == 1))",
        ("refused", NOT_ALLOWED),
    ),
    "backtracking pattern": ('member_tier.matches("(x+x+)+y")', ("refused", NOT_ALLOWED)),
    "pattern of a billion states": ('member_tier.matches("((x{1000}){1000}){1000}")', ("refused", NOT_ALLOWED)),
    "doubled text": ("(" + " + ".join(["member_tier"] * 30) + ') == ""', ("refused", TYPES)),
    "doubled list": ("size(order_skus + order_skus + order_skus) > 0", ("refused", TYPES)),
    "map in map": ('{"a": {"b": {"c": 1}}}.a.b.c == 1', ("refused", NOT_ALLOWED)),
    "a message of the library": ("google.protobuf.Struct{} == google.protobuf.Struct{}", ("refused", NOT_ALLOWED)),
    "a conversion": ("string(line_net).size() > 3", ("refused", NOT_ALLOWED)),
    "types undone": ("dyn(line_net) == dyn(member_tier)", ("refused", NOT_ALLOWED)),
    "a floating number": ("line_net > 1e308 * 10.0", ("refused", NOT_ALLOWED)),
    "bytes": ("b'\\x00' == b'\\x00'", ("refused", NOT_ALLOWED)),
    "a megabyte of source": ("line_net > 0 || " * 65_536 + "true", ("refused", TOO_LONG)),
    "a megabyte in one text": ('member_tier == "' + "x" * 1_048_576 + '"', ("refused", TOO_LONG)),
    "nested parentheses": ("(" * 900 + "true" + ")" * 900, ("refused", TOO_DEEP)),
    "nested lists": ("[" * 900 + "]" * 900 + " == []", ("refused", TOO_DEEP)),
    "nested choices": ("line_net > 0 ? true : " * 80 + "false", ("refused", TOO_DEEP)),
    "a thousand contraries": ("!" * 1_000 + "(line_net > 0)", ("answered", "True")),
    "a long sum": ("0" + "+1" * 900 + " > 0", ("refused", TOO_DEEP)),
    "a literal beyond 64 bits": ("line_net > " + "9" * 1_500, ("refused", SYNTAX)),
    "a literal of a thousand items": ("[" + "1," * 900 + "1].all(x, [2].all(y, x < y))", ("refused", NOT_ALLOWED)),
    "one pass over a thousand items": ("[" + "1," * 900 + "1].all(x, x < line_net)", ("answered", "True")),
    "as many passes as fit": (" || ".join(['order_skus.exists(x,x=="z")'] * 64), ("answered", "False")),
    "passes over lists in lists": (
        " || ".join(["order_categories.exists(p,order_skus==p&&order_skus!=p)"] * 28),
        ("answered", "False"),
    ),
    "beyond 64 bits when run": ("line_net * line_net * line_net > 0", ("answered", "None")),
    "the one quotient beyond 64 bits": ("(-9223372036854775807 - 1) / -1 == line_net", ("answered", "None")),
    "the one remainder beyond 64 bits": ("(-9223372036854775807 - 1) % -1 == line_net", ("answered", "None")),
    "division by nothing": ("1 / (line_net - line_net) == 1", ("answered", "None")),
    "remainder by nothing": ("1 % (line_net - line_net) == 1", ("answered", "None")),
    "beyond the list": ('order_skus[9223372036854775807] == "x"', ("answered", "None")),
    "before the list": ('order_skus[-1] == "x"', ("answered", "None")),
    "an open text": ('member_tier == "' + "x" * 1_900, ("refused", SYNTAX)),
    "a null in the source": ('member_tier == "x"\x00 || true', ("refused", SYNTAX)),
    "half of a pair": ("member_tier == '\ud800'", ("refused", NOT_ALLOWED)),
    "the machine's own": ("__import__('os').system('true') == 0", ("refused", NOT_ALLOWED)),
    "another's field": ("member_id == 1", ("refused", "unknown_name")),
    "not a yes or no": ("line_net", ("refused", "not_boolean")),
    "nothing": ("", ("refused", SYNTAX)),
}


def _child(program: str, given: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[str, str]]:
    """What became of each, in one child under limits: one that exceeds them takes all that follow with it."""
    child = _child(OURS, {name: source for name, (source, _) in HOSTILE.items()})
    lines = [json.loads(line) for line in child.stdout.splitlines()]
    assert child.returncode == 0, (child.returncode, lines[-1:], child.stderr)
    return {name: (outcome, told) for name, outcome, told in lines}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_or_answered_within_bounds(outcomes: dict[str, tuple[str, str]], name: str) -> None:
    assert outcomes[name] == HOSTILE[name][1]


def test_without_our_bounds_the_limits_would_kill() -> None:
    child = _child(BARE_LIBRARY, MAPS_OF_JOINED_TEXTS)
    assert child.returncode != 0
    assert "True" not in child.stdout
