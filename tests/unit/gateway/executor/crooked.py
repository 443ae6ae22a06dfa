"""A small schema in which everything can go wrong: nulls, errors, wrong types and waiting, drawn by lot.

What an attribute holds is a function of its seed, so that two executions of one operation meet the same data.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Annotated, Any, Optional, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig

from services.gateway.graphql.fields import guarded
from services.gateway.graphql.permissions import Access
from services.gateway.graphql.scalars import SCALARS, Points

DEPTH_MAX = 6


T = TypeVar("T")


class Luck:
    """How often something is not as it should be."""

    odds = 0.0


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Kind(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Grade(Enum):
    LOW = 1
    HIGH = 2


@strawberry.type
class Refused:
    code: str
    facts: list[str | None]


def _check(operation: Any, source: Any, arguments: dict[str, Any]) -> None:
    if random.Random(f"{getattr(source, 'seed', '')}{sorted(arguments.items(), key=str)}").random() < Luck.odds / 2:
        raise PermissionError("not you")


GUARDED = Access(_check, "by lot")


class Drawn:
    """Attributes that are drawn when they are read."""

    def __init__(self, seed: str, depth: int = 0) -> None:
        self.__dict__["seed"] = seed
        self.__dict__["depth"] = depth

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in MAKERS:
            raise AttributeError(name)
        return drawn(f"{self.seed}.{name}", self.depth, MAKERS[name])


def drawn(seed: str, depth: int, make: Callable[[random.Random, str, int], T]) -> T:
    chance = random.Random(seed)
    fate = chance.random()
    unusual: list[tuple[float, Any]] = [
        (2 / 3, None),
        (0.8, ValueError(f"is an error: {seed}")),
        (0.9, object),
        (1, GraphQLError(f"a known error: {seed}")),
    ]
    if fate < Luck.odds / 3:
        raise ValueError(f"cannot read {seed}")
    for share, value in unusual:
        if fate < Luck.odds * share:
            told: T = value
            return told
    return make(chance, seed, depth)


@strawberry.interface
class Named(Drawn):
    name: str
    nick: str | None


@strawberry.type
class Leafy(Named):
    id: strawberry.ID
    count: int
    ratio: float | None
    is_good: bool
    kind: Kind
    grade: Grade | None
    points: Points
    since: datetime
    price: Decimal | None
    tags: list[str]
    marks: list[list[int | None]] | None
    kinds: list[Kind | None]

    @guarded(access=GUARDED, description="by lot")
    async def again(self, times: int = 1, label: str | None = None) -> str:
        await some_time(f"{self.seed}.again")
        return drawn(f"{self.seed}.again{times}{label}", self.depth, lambda _c, seed, _d: f"{label}*{times}")


@strawberry.type
class Branch(Named):
    leaf: Leafy
    maybe_leaf: Leafy | None
    leaves: list[Leafy]
    named: Named
    maybe_named: Named | None
    result: Annotated["Leafy | Refused | Branch", strawberry.union("Outcome")]
    results: list[Annotated["Leafy | Refused | Branch", strawberry.union("Outcome")] | None]

    @guarded(access=GUARDED, description="by lot")
    async def branch(self, info: strawberry.Info, key: str = "x") -> Optional["Branch"]:
        await some_time(f"{self.seed}.branch")
        assert info.field_name == "branch"
        return drawn(f"{self.seed}.branch{key}", self.depth, branch)

    @guarded(access=GUARDED, description="by lot")
    async def sure_branch(self, kind: Kind = Kind.SMALL, keys: list[int] | None = None) -> "Branch":
        return drawn(f"{self.seed}.sure{kind}{keys}", self.depth, branch)

    @guarded(access=GUARDED, description="by lot")
    async def branches(self, first: int = 2) -> list["Branch | None"]:
        await some_time(f"{self.seed}.branches")
        found: list[Branch | None] = drawn(f"{self.seed}.branches{first}", self.depth, several(branch))
        return found

    @guarded(access=GUARDED, description="by lot")
    async def shared(self, info: strawberry.Info) -> str:
        told: str = await info.context.shared()
        return told

    @strawberry.field
    def plainly(self, info: strawberry.Info, word: str = "w") -> str | None:
        return drawn(
            f"{self.seed}.plainly{word}", self.depth, lambda _c, _s, _d: "/".join(map(str, info.path.as_list()))
        )

    @strawberry.field
    async def waiting(self) -> Leafy:
        await some_time(f"{self.seed}.waiting")
        return drawn(f"{self.seed}.waiting", self.depth, leaf)


async def some_time(seed: str) -> None:
    for _ in range(random.Random(f"time{seed}").randrange(3)):
        await asyncio.sleep(0)


def leaf(_chance: random.Random, seed: str, depth: int) -> Leafy:
    return _of(Leafy, seed, depth)


def branch(_chance: random.Random, seed: str, depth: int) -> Branch:
    ended: Any = None
    return _of(Branch, seed, depth) if depth < DEPTH_MAX else ended


def either(chance: random.Random, seed: str, depth: int) -> Any:
    fate = chance.randrange(4)
    if fate == 0:
        return Refused(code="NO", facts=["a", None, seed])
    if fate == 1 and depth < DEPTH_MAX:
        return branch(chance, seed, depth)
    return 7 if chance.random() < Luck.odds / 2 else leaf(chance, seed, depth)


def named(chance: random.Random, seed: str, depth: int) -> Any:
    if chance.random() < Luck.odds / 2:
        return Refused(code="NOT_NAMED", facts=[])
    return branch(chance, seed, depth) if chance.random() < 0.4 else leaf(chance, seed, depth)


def several(make: Callable[[random.Random, str, int], Any]) -> Callable[[random.Random, str, int], Any]:
    def made(chance: random.Random, seed: str, depth: int) -> Any:
        items = []
        for index in range(chance.randrange(4)):
            try:
                items.append(drawn(f"{seed}.{index}", depth, make))
            except ValueError as error:
                items.append(error)
        return chance.choice((items, tuple(items), iter(items))) if chance.random() > Luck.odds else "text is no list"

    return made


def _of(kind: type[T], seed: str, depth: int) -> T:
    made: Any = object.__new__(kind)
    Drawn.__init__(made, seed, depth + 1)
    drawn_one: T = made
    return drawn_one


def odd(usual: Sequence[Any], unusual: Sequence[Any]) -> Callable[[random.Random, str, int], Any]:
    """One of the usual values, by lot one that needs a second look."""

    def made(chance: random.Random, _seed: str, _depth: int) -> Any:
        return chance.choice(unusual if chance.random() < Luck.odds else usual)

    return made


MAKERS: dict[str, Callable[[random.Random, str, int], Any]] = {
    "name": lambda _c, seed, _d: f"name of {seed}",
    "nick": lambda chance, seed, _d: chance.choice((seed, 5, Kind.SMALL, True, 2.5)),
    "id": lambda chance, seed, _d: chance.choice((seed, 12)),
    "count": odd((1, True, "3", 2.0, -(2**31)), (2**31, 2.5)),
    "ratio": odd((1, 2.5, "0.5"), (float("nan"), "much")),
    "is_good": odd((True, False, 1), ("yes",)),
    "kind": odd((Kind.SMALL, Kind.LARGE), ("small", "none")),
    "grade": odd((Grade.LOW, Grade.HIGH), (1, Kind.SMALL)),
    "points": odd((0, -5, 2**53 - 1), (2**60, "1")),
    "since": odd((NOON, NOON + timedelta(microseconds=5)), ("noon",)),
    "price": odd((Decimal("1.50"), Decimal(7)), (3, "cheap")),
    "tags": several(odd(("a", 7, "c"), (["nested"],))),
    "marks": several(several(odd((1, None), ("two",)))),
    "kinds": several(odd((Kind.SMALL, None), ("x",))),
    "leaf": leaf,
    "maybe_leaf": leaf,
    "leaves": several(leaf),
    "named": named,
    "maybe_named": named,
    "result": either,
    "results": several(either),
}


@strawberry.input
class Wish:
    word: str
    kind: Kind = Kind.SMALL
    words: list[str | None] | None = None
    inner: Optional["Wish"] = None


@strawberry.type
class Query:
    @guarded(access=GUARDED, description="by lot")
    async def tree(self, seed: str = "s") -> Branch:
        return branch(random.Random(0), seed, 0)

    @guarded(access=GUARDED, description="by lot")
    async def maybe(self, seed: str = "m") -> Branch | None:
        await some_time(seed)
        return drawn(f"maybe{seed}", 0, branch)

    @guarded(access=GUARDED, description="by lot")
    async def wish(self, wish: Wish, more: list[int] | None = None, since: datetime | None = None) -> str:
        return repr((wish, more, since))

    @strawberry.field
    def plain(self) -> Leafy | None:
        return leaf(random.Random(0), "plain", 0)


@strawberry.type
class Mutation:
    @guarded(access=GUARDED, description="by lot")
    async def first(self, info: strawberry.Info, seed: str = "f") -> Branch | None:
        info.context.order.append(f"first {seed} begins")
        await some_time(seed)
        info.context.order.append(f"first {seed} ends")
        return drawn(f"first{seed}", 3, branch)

    @guarded(access=GUARDED, description="by lot")
    async def second(self, info: strawberry.Info, seed: str = "g") -> Leafy:
        info.context.order.append(f"second {seed}")
        return drawn(f"second{seed}", 0, leaf)


def crooked_schema() -> strawberry.Schema:
    return strawberry.Schema(
        query=Query, mutation=Mutation, types=[Leafy, Branch], config=StrawberryConfig(scalar_map=dict(SCALARS))
    )
