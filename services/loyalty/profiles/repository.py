"""The SQL of profiles: one statement, put together once for what is picked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from services.loyalty.ledger.selected import balances, entries
from services.loyalty.members.domain import Identity
from services.loyalty.members.selected import MEMBER_WRITERS, ROWS_MAX, MembersFrom
from services.loyalty.profiles.domain import ProfileSource
from services.loyalty.programs.domain import LocalizedText, TierLevel
from services.loyalty.programs.domain.publishing import ProgramVersion
from services.loyalty.tiers.selected import IS_SETTLED, Counting, counting_of, ladder_values, standing
from services.platform.db.selected_json import NotPickable, Pick, json_object
from services.platform.db.session import Statement

TIER = "tier"


@dataclass(frozen=True, slots=True)
class Composed:
    """SQL, and the picks of levels whose JSON it wants as values."""

    query: str
    levels: Mapping[str, tuple[Pick, ...]]


class Statements:
    """The statements for one choice of what is picked, each put together when it is first asked for."""

    def __init__(self, picks: tuple[Pick, ...]) -> None:
        """What is picked.

        Raises:
            NotPickable: the database can't write all of it.
        """
        self.picks = picks
        _composed(self, MembersFrom.ID, Counting.EVER)

    def of(self, source: ProfileSource, *, version: ProgramVersion | None, now: datetime) -> Statement:
        """The statement whose rows are profiles: ``id``, ``profile`` and ``is_settled``.

        ``version`` is the program in force, where a tier is picked; None before the first.

        Raises:
            NotPickable: only Python can tell tiers by this program.
        """
        members_from, values = _source(source)
        counting = counting_of(version.document) if version else None
        if version is not None and counting is None:
            raise NotPickable(TIER)
        composed = _composed(self, members_from, counting)
        if version is not None:
            values |= ladder_values(version, now=now)
            for name, wanted in composed.levels.items():
                values[name] = [_level_json(level, wanted) for level in version.document.tiers.levels]
        return Statement(composed.query, {**values, "now": now})


@lru_cache(maxsize=500)
def _composed(statements: Statements, members_from: MembersFrom, counting: Counting | None) -> Composed:
    """The statement for what is picked; without ``counting``, before the first program, nobody stands in any tier.

    The latest used of the whole process are remembered.

    Raises:
        NotPickable
    """
    levels: dict[str, tuple[Pick, ...]] = {}

    def levels_of(wanted: Sequence[Pick]) -> str:
        name = f"levels_{len(levels)}"
        levels[name] = tuple(wanted)
        _level_json(_BLANK, wanted)
        return name

    def tier(pick: Pick) -> str:
        return standing(pick, counting=counting, levels_of=levels_of) if counting else "NULL::json"

    writers = {
        **MEMBER_WRITERS,
        "balances": lambda pick: balances(pick, holder="m.id"),
        "ledger": lambda pick: entries(pick, holder="m.id"),
        TIER: tier,
    }
    # No value of a reader is in it: keys are names by `json_object`, the rest is ours.
    is_settled = IS_SETTLED if counting is Counting.WINDOW else "true"
    shown = f"{json_object(statements.picks, writers)}::text AS profile, {is_settled} AS is_settled"
    query = ("SELECT m.id,", shown, "FROM", members_from.value)
    return Composed(" ".join(query), levels)


_BLANK = TierLevel(code="", name=LocalizedText("", ""), threshold=0, multiplier=Decimal())


def _source(source: ProfileSource) -> tuple[MembersFrom, dict[str, Any]]:
    if isinstance(source, UUID):
        return MembersFrom.ID, {"id": source}
    if isinstance(source, Identity):
        return MembersFrom.IDENTITY, {"kind": source.kind.value, "value": source.value}
    assert source.limit <= ROWS_MAX, "a page that SQL would cut"
    if source.after_id is None:
        return MembersFrom.FIRST_PAGE, {"limit": source.limit}
    return MembersFrom.NEXT_PAGE, {"after": source.after_id, "limit": source.limit}


def _level_json(level: TierLevel, picks: Sequence[Pick]) -> str:
    return orjson.dumps({pick.key: _level_value(level, pick) for pick in picks}).decode()


def _level_value(level: TierLevel, pick: Pick) -> object:
    if pick.name == "name":
        names = {"en": level.name.en, "zh": level.name.zh, "__typename": "LocalizedText"}
        return {each.key: _of(names, each) for each in pick.picks}
    plain = {
        "code": level.code,
        "threshold": level.threshold,
        "multiplier": format(level.multiplier, "f"),
        "__typename": "Tier",
    }
    return _of(plain, pick)


def _of(values: Mapping[str, object], pick: Pick) -> object:
    if pick.name not in values:
        raise NotPickable(pick.name)
    return values[pick.name]
