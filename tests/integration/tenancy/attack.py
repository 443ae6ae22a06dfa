"""One tenant's token with another one's names: what must not happen, position by position."""

import base64
import binascii
import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.gateway.graphql.ids import take_apart
from services.platform.errors import InvalidInput
from tests.integration.tenancy.requests import Position, Prepared, positions, prepare
from tests.integration.tenancy.targets import Target
from tests.integration.tenancy.world import Observer, World
from tests.support.graphql_client import Answer

IT = "the name in question"
BROKEN = frozenset({"INTERNAL", "QUERY_INVALID", "QUERY_LIMIT_EXCEEDED", "QUERY_SYNTAX_INVALID", "REQUEST_MALFORMED"})
"""Codes that say that the test asked wrongly, or that the product failed; neither shows that a guard held."""

ECHOED = frozenset({("settleOfflinePurchase", "couponId")})
"""What a till took while it was offline is answered again as it was told, also a coupon that nobody knows."""

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?7[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}")
# What tells two requests apart, whatever they ask: each has an id and a time, and the bucket moves on between them.
_COUNTED = re.compile(
    r'"(?:correlationId": "[^"]*"|remaining": [^,}]*|resetSeconds": [^,}]*|(?:occurredAt|earliest|expiresAt)": "[^"]*")'
    r'|(?<="QuoteCartPayload", )"token": "[^"]*"|earliest is [^ ]*'
)
_ENCODED = re.compile(r"[A-Za-z0-9_-]{16,}")
_LATE_VERBS = ("update", "archive", "deactivate", "reactivate", "rotate", "revoke", "remove", "logOut")
"""Mutations that take something away which others need, in the order in which that does no harm."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be. ``kind`` is leak, change, oracle or broken."""

    kind: str
    position: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.position}: {self.detail}"


@dataclass(slots=True)
class Attacker:
    """Calls everything as tenant a with names of tenant b."""

    world: World
    observer: Observer
    secrets: "Secrets"
    declared_oracles: frozenset[tuple[str, str]] = frozenset()
    """(Mutation, leaf) pairs that tell by nature whether a name is taken."""
    token: str | None = None
    """Whose credential is used; the owner's without it."""
    calls: int = 0
    is_asking_foreign: bool = False
    """Whether the call under way uses a name of b."""
    given: list[str] = field(default_factory=list)
    """Names of b that a gave to things of its own: from then on they are a's as well."""
    echoed: set[UUID] = field(default_factory=set)
    """Ids of b that a keeps as what it was told, and never looks up."""
    used: set[tuple[str, str]] = field(default_factory=set)
    """Mutations that did something for a under a name of b, with that name."""

    def examine(self, position: Position) -> Iterator[Finding]:
        """Try the other tenant's name, then one that exists nowhere, and compare."""
        target, naming = position.leaf.target, position.naming
        foreign_name = naming.foreign(self.world.b)
        request = prepare(self.world.schema, target, self.world.a, at=position, value=foreign_name, other=self.world.b)
        before = self.observer.snapshot()
        self.is_asking_foreign = True
        foreign = self._send(request)
        self.is_asking_foreign = False
        after = self.observer.snapshot()
        yield from self._broken(position, foreign)
        changed = sorted(table for table in after if after[table] != before[table])
        if changed:
            yield Finding("change", str(position), ", ".join(changed))
        is_anew = (target.step.name, foreign_name) not in self.used
        if is_success(foreign) and target.is_mutation:
            self.given.append(foreign_name)
            self.used.add((target.step.name, foreign_name))
            if (target.step.name, position.leaf.name) in ECHOED:
                self.echoed.add(take_apart(foreign_name, field="id")[1])
        if leaked := self.secrets.found_in(without(text_of(foreign), foreign_name, *request.borrowed, *self.given)):
            yield Finding("leak", str(position), f"{leaked!r} in {text_of(foreign)[:2000]}")
        if not self.tells_by_nature(position):
            differing = list(self._compare(position, request, foreign, foreign_name))
            # A name that a has used for itself by now tells of a.
            yield from (each for each in differing if is_anew or each.kind != "oracle")

    def refusal_of_own(self, position: Position) -> str | None:
        """Why the same request fails with the caller's own name, None when it works: else a refusal proves nothing."""
        name = position.naming.own(self.world.a)
        request = prepare(self.world.schema, position.leaf.target, self.world.a, at=position, value=name)
        answer = self._send(request)
        return None if is_success(answer) else f"{position}: {text_of(answer)[:500]}"

    def tells_by_nature(self, position: Position) -> bool:
        return (position.leaf.target.step.name, position.leaf.name) in self.declared_oracles

    def _compare(self, position: Position, request: Prepared, foreign: Answer, foreign_name: str) -> Iterator[Finding]:
        nowhere_name = position.naming.nowhere(foreign_name)
        if is_success(foreign) and position.leaf.target.is_mutation:
            # The first call took its keys and numbers: the second one needs others.
            request = prepare(self.world.schema, position.leaf.target, self.world.a, at=position, value=nowhere_name)
        else:
            held = position.naming.within(self.world.a, nowhere_name)
            request = Prepared(request.query, replaced(request.variables, position, held))
        nowhere = self._send(request)
        yield from self._broken(position, nowhere)
        told, expected = _told(position, foreign, foreign_name), _told(position, nowhere, nowhere_name)
        if told != expected:
            yield Finding("oracle", str(position), f"{told[:1500]} differs from {expected[:1500]}")

    def _send(self, request: Prepared) -> Answer:
        self.calls += 1
        return self.world.client.as_(self.token or self.world.a.token).execute(request.query, request.variables)

    def _broken(self, position: Position, answer: Answer) -> Iterator[Finding]:
        if broken := BROKEN.intersection(codes_of(answer)):
            yield Finding("broken", str(position), f"{sorted(broken)}: {text_of(answer)[:1000]}")


class Secrets:
    """Everything by which the other tenant could be recognized in an answer."""

    def __init__(self, world: World, rows: str) -> None:
        self._canary = world.b.canary
        self._texts = world.b.texts - world.a.texts
        self._ids = {UUID(found) for found in _UUID.findall(rows)}

    def ids_in(self, rows: str) -> set[UUID]:
        """Ids of the other tenant in somebody else's rows."""
        return {UUID(found) for found in _UUID.findall(rows)} & self._ids

    def found_in(self, text: str) -> str | None:
        """The first thing of the other tenant in an answer; None when there is none."""
        if self._canary in text:
            return self._canary
        for own in self._texts:
            if own in text:
                return own
        for spelled in (text, *decoded(text)):
            for found in _UUID.findall(spelled):
                if UUID(found) in self._ids:
                    return str(found)
        return None


def all_positions(world: World) -> list[Position]:
    """Every position of the schema, those last whose mutations take something away."""
    found = [
        position
        for target in sorted(world.targets, key=lateness)
        for position in positions(world.schema, target, world.node_types)
    ]
    return sorted(found, key=lambda position: lateness(position.leaf.target))


def text_of(answer: Answer) -> str:
    """What came back, as it was written."""
    return json.dumps(answer.content, ensure_ascii=False)


def codes_of(answer: Answer) -> list[str]:
    """The codes of the errors that stand at the top."""
    return [error["extensions"]["code"] for error in answer.content.get("errors", ())]


def field_of(answer: Answer) -> Any:
    """The value of the operation's only field; None when there is none."""
    return next(iter((answer.content.get("data") or {}).values()), None)


def is_success(answer: Answer) -> bool:
    """Whether an operation did, or found, what it was asked for."""
    found = field_of(answer)
    if answer.status != 200 or found is None or not all(map(_is_hidden, answer.content.get("errors", ()))):
        return False
    items = found.get("results") if isinstance(found, dict) else None
    return all(_is_effect(item["result"]) for item in items) if items else _is_effect(found)


def _is_hidden(error: Any) -> bool:
    """Whether it is about a part of the answer that this caller may not see: what was done is done."""
    return error["extensions"]["code"] == "FORBIDDEN" and len(error.get("path", ())) > 1


def _is_effect(found: Any) -> bool:
    name = found.get("__typename", "") if isinstance(found, dict) else ""
    return not name or name.endswith("Payload") or "code" not in found or "message" not in found


def without(text: str, *names: str) -> str:
    """An answer in which the names that the caller knew are words of their own, however they are spelled."""
    for name in names:
        for spelling in spellings(name):
            text = text.replace(spelling, IT)
    return text


def spellings(name: str) -> Iterator[str]:
    """A name as it was given, and the key that it holds when it is a global id."""
    yield name
    try:
        _, key = take_apart(name, field="id")
    except InvalidInput:
        return
    yield str(key)
    yield key.hex


def decoded(text: str) -> Iterator[str]:
    """What the global ids and cursors in a text hold."""
    for match in _ENCODED.findall(text):
        try:
            yield base64.b64decode(match + "=" * (-len(match) % 4), altchars=b"-_").decode()
        except (binascii.Error, UnicodeDecodeError):
            continue


def replaced(variables: dict[str, Any], position: Position, value: Any) -> dict[str, Any]:
    """The same variables with another value at one position."""
    copied: Any = copy.deepcopy(variables)
    place = copied
    *way, last = position.leaf.path
    for part in way:
        place = place[part]
    place[last] = value
    result: dict[str, Any] = copied
    return result


def _told(position: Position, answer: Answer, name: str) -> str:
    """What an answer tells about a name. Two effects have different ids and times, so of those only the kind counts."""
    if is_success(answer) and position.leaf.target.is_mutation:
        found = field_of(answer)
        return f"{found['__typename']} replayed={found.get('replayed')}"
    return f"{answer.status} {without(_COUNTED.sub('', text_of(answer)), name)}"


def lateness(target: Target) -> int:
    """The later, the more a target takes away."""
    name = target.step.name
    return next((rank for rank, verb in enumerate(_LATE_VERBS, 1) if name.startswith(verb)), 0)
